"""Every data plane gets the newest snapshot, whatever the other ones do."""

import json

from twisted.internet.task import Clock
from twisted.logger import LogLevel, eventAsText, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Revision
from cellrouter.controlplane.connection import MAX_MESSAGE_BYTES, MAX_REFUSED_MESSAGES
from cellrouter.controlplane.hub import AT_ONCE, Announcement, Hub
from cellrouter.controlplane.roundup import MOST_LISTED
from cellrouter.snapshots.accepted import Accepted
from tests.unit.controlplane.peers import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer


def announcement(revision: int, filler: str = "") -> Announcement:
    """Make a snapshot of any size."""
    accepted = Accepted(
        revision=Revision(revision),
        version=f"1.0.{revision}",
        hash=f"sha256:{revision}",
        accepted_at=1000.0,
        actor="file",
        reason="",
        text=json.dumps({"version": f"1.0.{revision}", "filler": filler}).encode(),
    )
    return Announcement.of(accepted, "source")


class HubTestCase(SynchronousTestCase):
    """A hub on a fake clock, with what it logs."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.hub = Hub(self.clock)
        self.hub.startService()
        self.events: list[dict[str, object]] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def logged(self, level: object = LogLevel.warn) -> list[str]:
        return [
            eventAsText(event, includeTimestamp=False, includeSystem=False)
            for event in self.events
            if event["log_level"] is level and str(event["log_namespace"]).startswith("cellrouter")
        ]


class SendingTests(HubTestCase):
    """Snapshots on their way out."""

    def test_whoever_connects_is_sent_the_current_snapshot_at_once(self) -> None:
        self.hub.announce(announcement(7))
        (frame,) = Peer(self.hub).read()
        self.assertEqual(
            frame.message(),
            {
                "type": "config_snapshot",
                "revision": 7,
                "source_id": "source",
                "hash": "sha256:7",
                "config": {"version": "1.0.7", "filler": ""},
            },
        )

    def test_each_new_snapshot_goes_to_everybody(self) -> None:
        peers = [Peer(self.hub, port) for port in range(50000, 50010)]
        self.hub.announce(announcement(1))
        self.hub.announce(announcement(2))
        self.assertEqual([peer.revisions() for peer in peers], [[1, 2]] * 10)

    def test_the_encoded_snapshot_is_shared(self) -> None:
        """Ten data planes that do not read a 10 MB snapshot hold a slice of it each, not a copy."""
        self.hub.announce(announcement(1, "x" * 10_000_000))
        peers = [Peer(self.hub, port) for port in range(50000, 50010)]
        self.assertLess(sum(len(peer.transport.value()) for peer in peers), 3_000_000)
        self.assertEqual(peers[3].revisions(), [1])

    def test_a_data_plane_that_does_not_read_delays_nobody_and_gets_the_newest(self) -> None:
        stalled, reading = Peer(self.hub, 1), Peer(self.hub, 2)
        for revision in range(1, 101):
            self.hub.announce(announcement(revision, "x" * 100_000))
            self.assertEqual(reading.revisions(), [revision])
        self.assertLess(len(stalled.transport.value()), 300_000)
        self.assertEqual(stalled.revisions(), [1, 100])

    def test_a_data_plane_that_does_not_drain_in_30_seconds_is_dropped(self) -> None:
        stalled = Peer(self.hub)
        self.hub.announce(announcement(1, "x" * 1_000_000))
        self.clock.pump([1.0] * 29)
        self.assertFalse(stalled.dropped)
        self.clock.advance(1)
        self.assertTrue(stalled.transport.aborted)
        self.assertEqual(
            self.logged(), ["data plane 10.0.0.7:50000 dropped: it has not taken what it was sent in 30 s"]
        )

    def test_a_connection_leaves_no_timer_behind(self) -> None:
        self.hub.announce(announcement(1))
        peer = Peer(self.hub)
        peer.read()
        self.clock.advance(10)
        peer.connection.abort()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.hub.connected, 0)


class CrowdTests(HubTestCase):
    """More data planes than can be dealt with at a time."""

    def connect(self, count: int) -> list[Peer]:
        return [Peer(self.hub, port) for port in range(count)]

    def ack(self, peer: Peer, revision: int) -> None:
        ack = {"version": "1.0.1", "revision": revision, "hash": f"sha256:{revision}", "apply_ms": 1}
        peer.send({"type": "ack", **ack})

    def acks_logged(self) -> list[str]:
        return [line for line in self.logged(LogLevel.info) if "ack" in line or "runs revision" in line]

    def test_others_have_their_turn_while_many_are_sent_a_snapshot(self) -> None:
        peers = self.connect(3 * AT_ONCE)
        self.hub.announce(announcement(1))
        self.assertIn(f"sending it to {3 * AT_ONCE} data planes", self.logged(LogLevel.info)[-1])
        sent: list[int] = []

        def look() -> None:
            sent.append(sum(bool(peer.revisions()) for peer in peers))
            if len(sent) < 3:
                self.clock.callLater(0, look)

        look()
        self.clock.advance(0)
        self.assertEqual(sent, [AT_ONCE] * 3)

    def test_a_newer_snapshot_takes_the_place_of_one_that_was_not_yet_sent(self) -> None:
        peers = self.connect(2 * AT_ONCE)
        self.hub.announce(announcement(1))
        self.hub.announce(announcement(2))
        self.clock.pump([0] * 5)
        sent = [peer.revisions() for peer in peers]
        self.assertEqual(sum(revisions == [2] for revisions in sent), AT_ONCE)
        self.assertTrue(all(revisions[-1] == 2 for revisions in sent))

    def test_whoever_leaves_or_comes_before_its_turn_disturbs_nobody(self) -> None:
        peers = self.connect(2 * AT_ONCE)
        self.hub.announce(announcement(1))
        for peer in peers[AT_ONCE:-1]:
            peer.connection.abort()
        late = Peer(self.hub, 60000)
        self.clock.advance(0)
        self.assertEqual((peers[-1].revisions(), late.revisions()), ([1], [1]))

    def test_a_stop_in_the_midst_of_it_leaves_no_timer_behind(self) -> None:
        peers = self.connect(2 * AT_ONCE)
        self.hub.announce(announcement(1))
        stopped = self.hub.stopService()
        for peer in peers:
            peer.connection.abort()
        self.clock.advance(0)
        assert stopped is not None
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_acks_of_few_have_a_line_each(self) -> None:
        (peer,) = self.connect(1)
        self.hub.announce(announcement(1))
        self.ack(peer, 1)
        (line,) = self.acks_logged()
        self.assertIn("runs revision 1", line)

    def test_the_acks_of_many_have_one_line_when_the_last_answer_is_there(self) -> None:
        peers = self.connect(MOST_LISTED + 3)
        self.hub.announce(announcement(1))
        self.clock.advance(0.5)
        for peer in peers[3:]:
            self.ack(peer, 1)
        self.clock.advance(2)
        nack = {"type": "nack", "version": None, "revision": None, "hash": None, "errors": []}
        peers[0].send(nack)
        peers[1].connection.abort()
        self.ack(peers[2], 7)
        self.assertEqual(self.acks_logged(), [])
        self.ack(peers[2], 1)
        self.assertEqual(
            self.acks_logged()[0],
            "revision 1: 101 of the 103 data planes that were sent it have acked, the last 2.50 s after"
            " it became active",
        )


class HandshakeTests(HubTestCase):
    """What is agreed on when a data plane connects."""

    def test_the_subprotocol_is_agreed_on(self) -> None:
        peer = Peer(self.hub, subprotocols="cellrouter.v2, cellrouter.v1")
        self.assertIn("101 Switching Protocols", peer.response_head)
        self.assertIn("Sec-WebSocket-Protocol: cellrouter.v1", peer.response_head)

    def test_a_client_that_offers_none_is_accepted(self) -> None:
        peer = Peer(self.hub, subprotocols=None)
        self.assertIn("101 Switching Protocols", peer.response_head)
        self.assertNotIn("Sec-WebSocket-Protocol", peer.response_head)


class KeepAliveTests(HubTestCase):
    """Who is silent is let go, and who is slow is not mistaken for silent."""

    def test_a_data_plane_that_answers_pings_stays(self) -> None:
        peer = Peer(self.hub)
        for _ in range(60):
            self.clock.advance(10)
            pings = [frame for frame in peer.read() if frame.opcode == PING]
            self.assertEqual(len(pings), 1)
            peer.send_frame(PONG, pings[0].payload)
        self.assertFalse(peer.dropped)

    def test_a_half_open_connection_is_found_within_30_seconds(self) -> None:
        peer = Peer(self.hub)
        self.clock.advance(10)
        peer.read()
        peer.send_frame(PONG, b"")
        self.clock.pump([0.5] * 59)
        peer.transport.drain_all()
        self.assertFalse(peer.dropped)
        self.clock.advance(0.5)
        self.assertTrue(peer.transport.aborted)
        self.assertEqual(self.logged(), ["data plane 10.0.0.7:50000 dropped: no pong for 20 s"])

    def test_its_pings_are_answered(self) -> None:
        peer = Peer(self.hub)
        peer.send_frame(PING, b"hello")
        (frame,) = peer.read()
        self.assertEqual((frame.opcode, frame.payload), (PONG, b"hello"))

    def test_a_peer_that_pings_and_never_reads_costs_no_memory(self) -> None:
        peer = Peer(self.hub)
        for _ in range(10_000):
            peer.send_frame(PING, b"x" * 100)
        self.assertLess(len(peer.transport.value()), 300)

    def test_a_peer_that_closes_and_then_stays_is_let_go(self) -> None:
        peer = Peer(self.hub)
        peer.send_frame(CLOSE, b"\x03\xe8")
        self.clock.advance(10)
        self.assertTrue(peer.transport.aborted)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class MessageTests(HubTestCase):
    """What data planes send, sane or not."""

    def test_an_ack_is_recorded(self) -> None:
        peer = Peer(self.hub)
        peer.send({"type": "ack", "version": "1.0.0", "revision": 3, "hash": "sha256:x", "apply_ms": 1.5})
        (node,) = self.hub.fleet.nodes()
        assert node.last_ack is not None
        assert node.running is not None
        self.assertEqual((node.last_ack.revision, node.last_ack.apply_ms), (3, 1.5))
        self.assertEqual(node.running.revision, 3)

    def test_a_nack_is_recorded_and_logged_with_its_reasons(self) -> None:
        peer = Peer(self.hub)
        error = {"path": "/version", "code": "empty_version", "message": "it is empty"}
        peer.send({"type": "nack", "version": "", "revision": 3, "hash": "sha256:x", "errors": [error]})
        (node,) = self.hub.fleet.nodes()
        assert node.last_nack is not None
        self.assertEqual(node.last_nack.errors[0].code, "empty_version")
        self.assertEqual(
            self.logged(),
            ["data plane 10.0.0.7:50000 refused revision 3: '/version: empty_version: it is empty'"],
        )

    def test_hello_names_the_data_plane(self) -> None:
        peer = Peer(self.hub)
        peer.send({"type": "hello", "node_id": "dp-1", "software": "0.1.0", "running": None})
        (node,) = self.hub.fleet.nodes()
        self.assertEqual((node.node_id, node.software), ("dp-1", "0.1.0"))

    def test_a_second_hello_cannot_take_another_name(self) -> None:
        peer = Peer(self.hub)
        for name in ("dp-1", "dp-2", "dp-3"):
            peer.send({"type": "hello", "node_id": name, "software": "0.1.0", "running": None})
        self.assertEqual([node.node_id for node in self.hub.fleet.nodes()], ["dp-1"])
        self.assertEqual(len(self.logged()), 1)

    def test_a_name_has_a_sane_length_and_is_printable(self) -> None:
        peer = Peer(self.hub)
        for name in ("", "x" * 257, "a\nb"):
            peer.send({"type": "hello", "node_id": name, "software": "0.1.0", "running": None})
        self.assertEqual([node.node_id for node in self.hub.fleet.nodes()], [None])

    def test_two_data_planes_of_one_name_are_pointed_out(self) -> None:
        for port in (1, 2):
            Peer(self.hub, port).send(
                {"type": "hello", "node_id": "dp-1", "software": "0.1.0", "running": None}
            )
        (warning,) = self.logged()
        self.assertIn("2 connections say they are data plane dp-1", warning)

    def test_garbage_is_refused_once_in_the_log_and_the_connection_stays(self) -> None:
        peer = Peer(self.hub)
        for garbage in (b"{", b"[]", b"nonsense", b"[" * 100_000, b'{"type": 3}'):
            peer.send_frame(TEXT, garbage)
        peer.send_frame(BINARY, b"\0\1\2")
        peer.send({"type": "config_snapshot", "config": {}})
        self.assertEqual(len(self.logged()), 1)
        peer.send({"type": "ack", "version": "1", "revision": 1, "hash": "h", "apply_ms": 1})
        self.assertIsNotNone(self.hub.fleet.nodes()[0].last_ack)
        self.assertFalse(peer.dropped)

    def test_no_message_can_forge_a_line_of_the_log(self) -> None:
        peer = Peer(self.hub)
        peer.send({"type": "evil\n2026-11-23T19:00:00.000Z info root all is well"})
        peer.send({"type": "ack", "version": "1\nforged", "revision": 1, "hash": "h", "apply_ms": 1})
        for line in self.logged() + self.logged(LogLevel.info):
            self.assertNotIn("\n", line)

    def test_who_sends_only_garbage_is_shown_the_door(self) -> None:
        peer = Peer(self.hub)
        for _ in range(MAX_REFUSED_MESSAGES):
            peer.send_frame(TEXT, b"garbage")
        (close,) = [frame for frame in peer.read() if frame.opcode == CLOSE]
        self.assertEqual(close.payload[:2], (1008).to_bytes(2, "big"))
        self.clock.advance(3)
        self.assertTrue(peer.transport.aborted)

    def test_a_huge_message_ends_its_own_connection_only(self) -> None:
        peer, other = Peer(self.hub, 1), Peer(self.hub, 2)
        peer.send_frame(TEXT, b"x" * (MAX_MESSAGE_BYTES + 1))
        self.assertTrue(peer.dropped)
        self.hub.announce(announcement(1))
        self.assertEqual(other.revisions(), [1])

    def test_text_that_is_not_utf8_ends_its_own_connection_only(self) -> None:
        peer, other = Peer(self.hub, 1), Peer(self.hub, 2)
        peer.send_frame(TEXT, b"\xff\xfe")
        self.assertTrue(peer.dropped)
        self.assertFalse(other.dropped)

    def test_who_floods_is_dropped_and_what_it_has_sent_is_not_read_on(self) -> None:
        flood = {
            "pings": bytes([0x80 | PING, 0x80]) + bytes(4),
            "empty fragments": bytes([CONTINUATION, 0x80]) + bytes(4),
        }
        for name, frame in flood.items():
            peer, other = Peer(self.hub, 1), Peer(self.hub, 2)
            peer.connection.dataReceived(bytes([TEXT, 0x80]) + bytes(4) if name != "pings" else b"")
            peer.connection.dataReceived(frame * 100_000)
            self.assertTrue(peer.dropped, name)
            self.assertLess(peer.connection.trafficStats.incomingWebSocketFrames, 2000)
            self.assertFalse(other.dropped)
        self.assertIn("data plane 10.0.0.7:1 dropped: it sends more than is read", self.logged())

    def test_who_has_a_lot_to_say_is_dropped_but_not_who_takes_its_time(self) -> None:
        """A megabyte of status takes tens of milliseconds to read, which others wait."""
        filler = {str(number): {} for number in range(60_000)}
        status = {"type": "status", "placements": filler, "requests": {}}
        patient = Peer(self.hub, 1)
        for _ in range(10):
            patient.send(status)
            patient.send_frame(PONG, b"")
            patient.read()
            self.clock.advance(5)
        self.assertFalse(patient.dropped)
        hasty = Peer(self.hub, 2)
        for _ in range(10):
            hasty.send(status)
        self.assertTrue(hasty.dropped)

    def test_answers_without_end_are_few_lines(self) -> None:
        peer = Peer(self.hub)
        for number in range(500):
            peer.send({"type": "ack", "version": "1", "revision": number, "hash": "h", "apply_ms": 1})
        self.assertLess(len(self.logged(LogLevel.info)), 30)
        self.clock.advance(1)
        peer.send({"type": "ack", "version": "1", "revision": 500, "hash": "h", "apply_ms": 1})
        self.assertEqual(
            self.logged(LogLevel.info)[-1],
            "data plane 10.0.0.7:50000 runs revision 500, version '1'"
            " (480 of its answers before were not logged)",
        )
        (node,) = self.hub.fleet.nodes()
        assert node.last_ack is not None
        self.assertEqual(node.last_ack.revision, 500)

    def test_an_unknown_type_is_ignored_and_logged_once(self) -> None:
        peer = Peer(self.hub)
        for _ in range(1000):
            peer.send({"type": "from_the_future"})
        self.assertEqual(
            self.logged(),
            ["data plane 10.0.0.7:50000: ignored messages of unknown type 'from_the_future' (logged once)"],
        )


class StoppingTests(HubTestCase):
    """How connections end with the control plane."""

    def test_stopping_says_going_away_and_waits_for_the_answer(self) -> None:
        peers = [Peer(self.hub, port) for port in (1, 2)]
        stopped = self.hub.stopService()
        assert stopped is not None
        for peer in peers:
            self.assertNoResult(stopped)
            (close,) = peer.read()
            self.assertEqual((close.opcode, close.payload[:2]), (CLOSE, (1001).to_bytes(2, "big")))
            peer.send_frame(CLOSE, close.payload)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_does_not_answer_is_given_3_seconds(self) -> None:
        Peer(self.hub)
        stopped = self.hub.stopService()
        assert stopped is not None
        self.clock.advance(3)
        self.successResultOf(stopped)

    def test_with_nobody_connected_it_stops_at_once(self) -> None:
        self.assertIsNone(self.hub.stopService())

    def test_who_connects_meanwhile_is_sent_away(self) -> None:
        self.hub.announce(announcement(1))
        Peer(self.hub, 1)
        stopped = self.hub.stopService()
        late = Peer(self.hub, 2)
        self.assertEqual([frame.opcode for frame in late.read()], [CLOSE])
        self.clock.advance(3)
        assert stopped is not None
        self.successResultOf(stopped)
