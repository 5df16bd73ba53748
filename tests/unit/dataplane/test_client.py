"""The data plane's side of the protocol with control planes."""

import json
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import load_document
from cellrouter.dataplane.applier import Applier
from cellrouter.dataplane.client import Backoff, ControlPlaneClient
from cellrouter.dataplane.complaints import Complaints
from cellrouter.dataplane.credentials import Way
from cellrouter.dataplane.urls import ControlPlaneUrl, control_plane_urls
from cellrouter.snapshots.active import ActiveSnapshot
from cellrouter.snapshots.poller import Unreadable
from cellrouter.wire import Hello, Running, Status
from tests.support.documents import document
from tests.support.logs import CapturedLog
from tests.unit.dataplane.control_planes import BINARY, CLOSE, PING, PONG, TEXT, FakeEndpoint, Peer
from tests.unit.dataplane.test_applier import FakeStore
from tests.unit.dataplane.threads import HeldThreads, at_once, pickled

LIMIT_BYTES = 100_000


class FakeNode:
    """Speaks for a data plane."""

    def hello(self) -> Hello:
        return Hello("dp-1", "cellrouter/test", Running("1", 7, "sha256:x", "last_known_good"))

    def status(self) -> Status:
        return Status({"tier1": {"in_flight": 3}}, {})


def snapshot(version: str, revision: int = 1, **fields: Any) -> dict[str, Any]:
    """Make a snapshot message."""
    content = document(version)
    return {
        "type": "config_snapshot",
        "revision": revision,
        "source_id": "one",
        "hash": load_document(content).hash,
        "config": content,
        **fields,
    }


class ClientTests(SynchronousTestCase):
    """A client of two control planes, in memory."""

    in_thread: Any = staticmethod(at_once)
    work: Any = staticmethod(pickled)

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = CapturedLog(self)
        self.attempts: list[str] = []
        self.peers: list[Peer] = []
        self.refusing = False
        self.lost: Exception | None = None
        self.headers: dict[str, str] = {}
        self.explanation = ""
        self.active = ActiveSnapshot(lambda snapshot: None, self.clock)
        complaints = Complaints(self.clock)
        self.applier = Applier(self.active, FakeStore(), self.work, self.in_thread, self.clock, complaints)
        self.client = ControlPlaneClient(
            control_plane_urls("ws://a:1/connect,ws://b:2/connect"),
            self.find_way,
            self.clock,
            self.work,
            LIMIT_BYTES,
            self.applier,
            complaints,
            FakeNode(),
            Backoff(lambda: 0.0),
        )
        self.addCleanup(self.client.stopService)

    async def find_way(self, url: ControlPlaneUrl) -> Way:
        if self.lost is not None:
            self.attempts.append(url.text)
            raise self.lost
        endpoint = FakeEndpoint(url.text, self.attempts, self.peers, lambda: self.refusing)
        return Way(endpoint, self.headers, lambda reason: f"{reason}{self.explanation}")

    @property
    def peer(self) -> Peer:
        return self.peers[-1]

    def connect(self) -> Peer:
        """Start, accept the connection and read the hello."""
        self.client.startService()
        self.peer.accept()
        self.peer.messages()
        return self.peer

    def served(self) -> str | None:
        return None if self.active.current is None else self.active.current.version


class ConversationTests(ClientTests):
    """What is said on a connection."""

    def test_the_subprotocol_is_offered(self) -> None:
        self.client.startService()
        self.assertIn(b"\r\nSec-WebSocket-Protocol: cellrouter.v1\r\n", self.peer.request)
        self.assertTrue(self.peer.request.startswith(b"GET /connect HTTP/1.1\r\n"))

    def test_the_first_message_says_who_and_what_it_runs(self) -> None:
        self.client.startService()
        self.peer.accept()
        (hello,) = self.peer.messages()
        self.assertEqual((hello["type"], hello["node_id"]), ("hello", "dp-1"))
        self.assertEqual(
            hello["running"],
            {"version": "1", "revision": 7, "hash": "sha256:x", "source": "last_known_good"},
        )

    def test_a_snapshot_is_served_and_acked(self) -> None:
        peer = self.connect()
        sent = snapshot("1", 42)
        peer.send(sent)
        (ack,) = peer.messages()
        self.assertEqual(
            (ack["type"], ack["version"], ack["revision"], ack["hash"]), ("ack", "1", 42, sent["hash"])
        )
        self.assertEqual(self.served(), "1")

    def test_a_bad_snapshot_is_nacked_with_every_violation_and_the_old_one_stays(self) -> None:
        peer = self.connect()
        peer.send(snapshot("1", 1))
        bad = document("2", defaultPlacement="nowhere", missingKeyPolicy="perhaps")
        peer.send(snapshot("2", 2, config=bad, hash=None))
        nack = peer.messages()[-1]
        self.assertEqual((nack["type"], nack["version"], nack["revision"]), ("nack", "2", 2))
        self.assertEqual(
            {(error["path"], error["code"]) for error in nack["errors"]},
            {("/defaultPlacement", "unknown_placement"), ("/missingKeyPolicy", "wrong_type")},
        )
        self.assertEqual(self.served(), "1")

    def test_the_connection_s_state_is_told(self) -> None:
        self.clock.advance(100)
        self.connect()
        state = self.client.state
        self.assertEqual((state.connected, state.url, state.since), (True, "ws://a:1/connect", 100.0))
        self.clock.advance(5)
        self.peer.lose()
        state = self.client.state
        self.assertEqual((state.connected, state.url, state.since), (False, "ws://a:1/connect", 105.0))
        self.assertTrue(state.last_error)


class HostileTests(ClientTests):
    """What a control plane should not send: answered where it can be, and nothing else changes."""

    def setUp(self) -> None:
        super().setUp()
        self.connect()
        self.peer.send(snapshot("1", 1))
        self.peer.messages()

    def still_works(self) -> None:
        self.assertEqual([event for event in self.log.events if "log_failure" in event], [])
        self.assertFalse(self.peer.lost)
        self.assertEqual(self.served(), "1")
        self.peer.send(snapshot("2", 2))
        self.assertEqual(self.peer.messages()[-1]["type"], "ack")
        self.assertEqual(self.served(), "2")

    def test_garbage_is_nacked(self) -> None:
        for garbage in (
            b"",
            b"garbage",
            b"\xff\xfe",
            b"[]",
            b"null",
            b"1",
            b"[" * 50_000,
            b'{"type": "config_snapshot"',
            b'{"type": "config_snapshot", "type": "ack", "config": {}}',
            b'{"type": "config_snapshot", "config": NaN}',
        ):
            self.peer.send_frame(TEXT, garbage)
            answers = self.peer.messages()
            self.assertEqual([answer["type"] for answer in answers], ["nack"], garbage[:30])
            self.assertTrue(answers[0]["errors"])
        self.still_works()

    def test_a_message_that_another_process_refused_is_nacked_with_what_it_said(self) -> None:
        config = {"version": "9"}
        self.peer.send({"type": "config_snapshot", "revision": "x", "hash": "h", "config": config})
        (nack,) = self.peer.messages()
        self.assertEqual((nack["version"], nack["hash"], nack["errors"][0]["path"]), ("9", "h", "/revision"))

    def test_a_binary_message_is_nacked(self) -> None:
        self.peer.send_frame(BINARY, json.dumps(snapshot("2", 2)).encode())
        (nack,) = self.peer.messages()
        self.assertEqual(nack["type"], "nack")
        self.still_works()

    def test_a_message_over_the_limit_is_nacked(self) -> None:
        self.peer.send_frame(TEXT, b'"' + b"x" * LIMIT_BYTES + b'"')
        (nack,) = self.peer.messages()
        self.assertEqual((nack["type"], nack["errors"][0]["code"]), ("nack", "too_large"))
        self.still_works()

    def test_a_message_over_the_limit_is_not_kept_while_it_comes(self) -> None:
        self.peer.send_frame(TEXT, b"x" * 60_000, final=False)
        for _ in range(50):
            self.peer.send_frame(0, b"x" * 60_000, final=False)
        kept = sum(map(len, self.peer.protocol.message_data)) + sum(
            map(len, self.peer.protocol.frame_data or ())
        )
        self.assertLess(kept, LIMIT_BYTES)
        self.peer.send_frame(0, b"x")
        self.assertEqual([message["type"] for message in self.peer.messages()], ["nack"])
        self.still_works()

    def test_endless_empty_fragments_are_too_large_at_some_point(self) -> None:
        self.peer.send_frame(TEXT, b"", final=False)
        for _ in range(LIMIT_BYTES // 16):
            self.peer.send_frame(0, b"", final=False)
        self.peer.send_frame(0, b"")
        self.assertEqual([message["type"] for message in self.peer.messages()], ["nack"])
        self.still_works()

    def test_unknown_types_and_fields_are_ignored_and_logged_once(self) -> None:
        for _ in range(3):
            self.peer.send({"type": "fortune_cookie"})
            self.peer.send(snapshot("1", 1, mood="good"))
        self.assertEqual([message["type"] for message in self.peer.messages()], ["ack"] * 3)
        self.assertEqual(self.log.text.count("fortune_cookie"), 1)
        self.assertEqual(self.log.text.count("mood"), 1)
        self.still_works()

    def test_messages_that_only_data_planes_send_are_ignored(self) -> None:
        self.peer.send({"type": "ack", "version": "1", "revision": 1, "hash": "sha256:x", "apply_ms": 1.0})
        self.assertEqual(self.peer.messages(), [])
        self.still_works()

    def test_ten_thousand_garbage_messages_are_few_lines_and_bounded_answers(self) -> None:
        before = len(self.log.lines)
        for _ in range(10_000):
            self.peer.send_frame(TEXT, b"garbage")
        self.assertLess(len(self.log.lines) - before, 20)
        self.assertLessEqual(len(self.peer.messages()), 1000)
        self.still_works()

    def test_a_flood_of_pings_is_not_answered_without_bounds(self) -> None:
        for _ in range(10_000):
            self.peer.send_frame(PING, b"x" * 125)
        self.assertLessEqual(len(self.peer.frames()), 1000)
        self.assertFalse(self.peer.lost)

    def test_what_breaks_the_framing_ends_the_connection_only(self) -> None:
        self.peer.feed(b"\xff\xff\xff\xff")
        self.assertTrue(self.peer.lost)
        self.assertEqual(self.served(), "1")


class BackPressureTests(ClientTests):
    """Decoding takes time in a thread."""

    def setUp(self) -> None:
        self.work = self.in_thread = self.threads = HeldThreads()
        super().setUp()

    def test_reading_pauses_while_one_message_is_decoded_and_another_waits(self) -> None:
        peer = self.connect()
        peer.send(snapshot("1"))
        self.assertEqual(peer.transport.producerState, "producing")
        peer.send(snapshot("2"))
        self.assertEqual(peer.transport.producerState, "paused")
        self.threads.run_one()
        self.assertEqual(peer.transport.producerState, "producing")

    def test_a_message_that_takes_long_to_decode_keeps_no_pong_waiting(self) -> None:
        peer = self.connect()
        peer.send(snapshot("1"))
        for _ in range(6):
            self.clock.advance(10)
            ping = next(frame for frame in peer.frames() if frame.opcode == PING)
            peer.send_frame(PONG, ping.payload)
        self.assertFalse(peer.lost)
        self.threads.run_all()
        self.assertEqual(self.served(), "1")

    def test_what_a_lost_connection_brought_is_not_applied_after_what_the_next_one_brings(self) -> None:
        self.connect().send(snapshot("old", None, source_id=None))
        self.peer.lose()
        self.clock.advance(1)
        self.peer.accept()
        self.peer.send(snapshot("new", None, source_id=None))
        old, new = self.threads.waiting
        self.threads.waiting = [new]
        self.threads.run_all()
        self.threads.waiting = [old]
        self.threads.run_all()
        self.assertEqual(self.served(), "new")

    def test_what_is_decoded_after_the_end_is_not_applied(self) -> None:
        self.connect().send(snapshot("1"))
        self.successResultOf(self.client.stopService())
        self.threads.run_all()
        self.assertIsNone(self.served())

    def test_messages_are_taken_in_their_order_and_the_latest_wins(self) -> None:
        peer = self.connect()
        for revision in (1, 2, 3):
            peer.send(snapshot(str(revision), revision))
        self.threads.run_all()
        self.assertEqual(self.served(), "3")
        self.assertEqual(peer.messages()[-1]["revision"], 3)

    def test_a_snapshot_that_was_received_is_applied_though_the_connection_is_gone(self) -> None:
        peer = self.connect()
        peer.send(snapshot("1"))
        peer.lose()
        self.threads.run_all()
        self.assertEqual(self.served(), "1")


class KeepAliveTests(ClientTests):
    """Pings both ways."""

    def test_every_ten_seconds_there_is_a_ping_and_a_status(self) -> None:
        peer = self.connect()
        for _ in range(3):
            self.clock.advance(10)
            ping, status = peer.frames()
            self.assertEqual(ping.opcode, PING)
            self.assertEqual(json.loads(status.payload)["placements"], {"tier1": {"in_flight": 3}})
            peer.send_frame(PONG, ping.payload)
        self.assertFalse(peer.lost)

    def test_a_ping_is_answered(self) -> None:
        peer = self.connect()
        peer.send_frame(PING, b"abc")
        (pong,) = peer.frames()
        self.assertEqual((pong.opcode, pong.payload), (PONG, b"abc"))

    def test_twenty_seconds_without_a_pong_end_the_connection(self) -> None:
        peer = self.connect()
        self.clock.pump([10, 10, 9.9])
        self.assertFalse(peer.lost)
        self.clock.advance(0.1)
        self.assertTrue(peer.lost)
        self.assertIn("no pong for 20 s", self.client.state.last_error or "")

    def test_pongs_that_answer_nothing_are_no_sign_of_life(self) -> None:
        """Who never reads can send them too, and what is sent to them would pile up."""
        peer = self.connect()
        for _ in range(30):
            self.clock.advance(1)
            if not peer.lost:
                peer.send_frame(PONG, b"")
        self.assertTrue(peer.lost)

    def test_a_pong_that_comes_after_the_next_ping_is_one(self) -> None:
        peer = self.connect()
        for _ in range(6):
            self.clock.advance(10)
            first = next(frame for frame in peer.frames() if frame.opcode == PING)
            self.clock.advance(10)
            peer.frames()
            peer.send_frame(PONG, first.payload)
        self.assertFalse(peer.lost)

    def test_a_large_message_that_is_on_its_way_delays_pongs_and_is_waited_for(self) -> None:
        peer = self.connect()
        peer.feed(b"\x81\x7e" + (50_000).to_bytes(2, "big") + b"x" * 1000)
        self.clock.pump([10] * 10)
        self.assertFalse(peer.lost)
        self.clock.pump([10] * 30)
        self.assertTrue(peer.lost)

    def test_a_handshake_that_is_not_answered_ends_after_ten_seconds(self) -> None:
        self.client.startService()
        self.clock.advance(10)
        self.assertTrue(self.peers[0].lost)

    def test_an_endless_answer_to_the_handshake_is_not_read_to_the_end(self) -> None:
        self.client.startService()
        for _ in range(100):
            if not self.peers[0].lost:
                self.peers[0].feed(b"HTTP/1.1 101 X\r\n" + b"X: y\r\n" * 1000)
        self.assertTrue(self.peers[0].lost)

    def test_a_peer_that_says_goodbye_and_stays_is_dropped(self) -> None:
        peer = self.connect()
        peer.send_frame(CLOSE, b"\x03\xe8")
        self.clock.advance(10)
        self.assertTrue(peer.lost)


class StatusTests(ClientTests):
    """A status on every change, beside the regular ones."""

    def test_a_change_is_told_within_a_second(self) -> None:
        peer = self.connect()
        self.client.status_changed()
        self.clock.advance(1)
        self.assertEqual([message["type"] for message in peer.messages()], ["status"])

    def test_many_changes_are_told_at_once(self) -> None:
        peer = self.connect()
        for _ in range(100):
            self.client.status_changed()
        self.clock.advance(5)
        self.assertEqual(len(peer.messages()), 1)
        self.client.status_changed()
        self.clock.advance(1)
        self.assertEqual(len(peer.messages()), 1)

    def test_a_change_without_a_connection_waits_for_the_next_regular_one(self) -> None:
        self.client.status_changed()
        peer = self.connect()
        self.clock.advance(9)
        self.assertEqual(peer.messages(), [])
        self.clock.advance(1)
        self.assertEqual(len(peer.messages()), 1)

    def test_a_change_that_was_not_told_yet_leaves_no_timer_behind(self) -> None:
        self.connect()
        self.client.status_changed()
        self.successResultOf(self.client.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ReconnectTests(ClientTests):
    """When and where to connect again."""

    def delays(self, count: int) -> list[float]:
        """Return the seconds between the next attempts."""
        delays = []
        for _ in range(count):
            before, start = len(self.attempts), self.clock.seconds()
            while len(self.attempts) == before:
                self.clock.advance(0.5)
            delays.append(self.clock.seconds() - start)
        return delays

    def test_attempts_that_are_refused_back_off_to_a_minute(self) -> None:
        self.refusing = True
        self.client.startService()
        self.assertEqual(self.delays(8), [1, 2, 4, 8, 16, 32, 60, 60])

    def test_each_attempt_takes_the_next_control_plane(self) -> None:
        self.refusing = True
        self.client.startService()
        self.delays(3)
        self.assertEqual([url[5] for url in self.attempts], ["a", "b", "a", "b"])

    def test_a_control_plane_that_accepts_and_closes_is_not_called_every_second(self) -> None:
        self.client.startService()
        delays = []
        for _ in range(5):
            self.peer.accept()
            self.peer.lose()
            delays += self.delays(1)
        self.assertEqual(delays, [1, 2, 4, 8, 16])

    def test_a_handshake_that_is_refused_backs_off_too(self) -> None:
        self.client.startService()
        delays = []
        for _ in range(3):
            self.peer.feed(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            self.assertTrue(self.peer.lost)
            delays += self.delays(1)
        self.assertEqual(delays, [1, 2, 4])
        self.assertIn("401", self.client.state.last_error or "")

    def test_a_connection_that_delivered_a_snapshot_begins_at_a_second_again(self) -> None:
        self.refusing = True
        self.client.startService()
        self.delays(3)
        self.refusing = False
        self.delays(1)
        self.peer.accept()
        self.peer.send(snapshot("1"))
        self.peer.lose()
        self.assertEqual(self.delays(1), [1])

    def test_credentials_are_read_anew_for_each_attempt(self) -> None:
        self.client.startService()
        requests = []
        for token in ("old", "new", ""):
            self.headers = {"Authorization": f"Bearer {token}"} if token else {}
            self.peer.lose()
            self.delays(1)
            requests.append(self.peer.request)
        self.assertIn(b"\r\nAuthorization: Bearer old\r\n", requests[0])
        self.assertIn(b"\r\nAuthorization: Bearer new\r\n", requests[1])
        self.assertNotIn(b"Authorization", requests[2])
        self.assertNotIn("Bearer", self.log.text)

    def test_credentials_that_cannot_be_read_are_a_failed_attempt_like_any_other(self) -> None:
        self.lost = Unreadable("/secret/token: the file does not exist")
        self.client.startService()
        self.assertEqual(self.delays(3), [1, 2, 4])
        self.assertIn(
            "cannot connect to ws://a:1/connect: /secret/token: the file does not exist", self.log.lines[0]
        )
        self.lost = None
        self.delays(1)
        self.peer.accept()
        self.assertTrue(self.client.state.connected)

    def test_the_way_s_explanation_of_a_failure_is_told(self) -> None:
        self.explanation = "; its certificate has expired"
        self.connect().lose()
        self.assertIn("its certificate has expired", self.client.state.last_error or "")
        self.assertIn("its certificate has expired", self.log.text)

    def test_the_routing_goes_on_meanwhile(self) -> None:
        self.connect().send(snapshot("1"))
        self.peer.lose()
        self.delays(1)
        self.assertEqual(self.served(), "1")

    def test_after_stopping_there_are_no_attempts_and_no_timers(self) -> None:
        peer = self.connect()
        self.successResultOf(self.client.stopService())
        self.assertTrue(peer.lost)
        self.assertEqual([frame.payload[:2] for frame in peer.frames()], [b"\x03\xe8"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopping_while_it_waits_for_the_next_attempt(self) -> None:
        self.refusing = True
        self.client.startService()
        self.successResultOf(self.client.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopping_waits_for_the_snapshot_under_way(self) -> None:
        threads = HeldThreads()
        self.applier._in_thread = threads
        self.connect().send(snapshot("1"))
        stopping = self.client.stopService()
        self.assertNoResult(stopping)
        threads.run_all()
        self.successResultOf(stopping)
        self.assertEqual(self.served(), "1")


class JitterTests(SynchronousTestCase):
    """Many data planes do not come back at the same moment."""

    def test_delays_are_spread_and_never_below_the_policy(self) -> None:
        delays = {Backoff()(1) for _ in range(100)}
        self.assertGreater(len(delays), 90)
        self.assertTrue(all(1 <= delay < 2 for delay in delays))

    def test_the_longer_the_delay_the_wider_they_are_spread(self) -> None:
        longest = Backoff(lambda: 1.0)
        self.assertEqual([longest(1) for _ in range(8)], [2, 3, 6, 12, 24, 48, 90, 90])
