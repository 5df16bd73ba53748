"""The fleet knows every data plane for a day, and no more of them than fit."""

import gc
import weakref

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Violation
from cellrouter.controlplane.fleet import (
    MAX_DEPARTED,
    MAX_ERRORS,
    MAX_TEXT,
    Fleet,
    Node,
    Presence,
    Told,
    Word,
)
from cellrouter.wire import Ack, Hello, Nack, Running, Status

RUNNING = Running(version="1.0.0", revision=3, hash="sha256:x", source="last_known_good")


class FleetTests(SynchronousTestCase):
    """A fleet on a fake clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.fleet = Fleet(self.clock)

    def arrive(self, node_id: str, address: str = "10.0.0.7:1") -> Node:
        hello = Hello(node_id=node_id, software="0.1.0", running=RUNNING)
        return self.fleet.said_hello(self.fleet.arrived(address), hello)

    def names(self) -> list[str | None]:
        return [node.node_id for node in self.fleet.nodes()]

    def test_a_data_plane_that_sends_no_hello_is_listed_by_its_address(self) -> None:
        self.fleet.arrived("10.0.0.7:1")
        (node,) = self.fleet.nodes()
        self.assertEqual(
            (node.node_id, node.address, node.presence), (None, "10.0.0.7:1", Presence.CONNECTED)
        )

    def test_hello_says_what_a_data_plane_runs(self) -> None:
        node = self.arrive("dp-1")
        self.assertEqual((node.running, node.software), (RUNNING, "0.1.0"))
        self.assertEqual(self.names(), ["dp-1"])

    def test_one_that_left_stays_listed_for_a_day(self) -> None:
        self.fleet.left(self.arrive("dp-1"))
        self.clock.advance(24 * 3600 - 1)
        (node,) = self.fleet.nodes()
        self.assertIs(node.presence, Presence.DEPARTED)
        self.clock.advance(2)
        self.assertEqual(self.fleet.nodes(), [])

    def test_one_that_returns_is_the_same(self) -> None:
        node = self.arrive("dp-1", "10.0.0.7:1")
        self.fleet.acked(node, Ack(version="1", revision=1, hash="h", apply_ms=1.0))
        self.fleet.left(node)
        again = self.arrive("dp-1", "10.0.0.8:2")
        self.assertIs(again, node)
        self.assertEqual((again.address, again.presence), ("10.0.0.8:2", Presence.CONNECTED))
        self.assertIsNotNone(again.last_ack)
        self.assertEqual(self.names(), ["dp-1"])

    def test_a_lost_connection_noticed_late_does_not_make_its_successor_look_gone(self) -> None:
        lost = self.arrive("dp-1", "10.0.0.7:1")
        self.arrive("dp-1", "10.0.0.7:2")
        self.fleet.left(lost)
        (node,) = self.fleet.nodes()
        self.assertEqual((node.presence, node.connections), (Presence.CONNECTED, 1))
        self.fleet.left(node)
        self.assertIs(node.presence, Presence.DEPARTED)

    def test_what_a_nameless_one_of_the_same_host_has_said_is_not_what_another_says(self) -> None:
        nameless = self.fleet.arrived("10.0.0.7:1")
        self.fleet.nacked(nameless, Nack(version="2", revision=5, hash="h5", errors=()))
        self.fleet.left(nameless)
        node = self.arrive("dp-1", "10.0.0.7:2")
        self.assertIsNone(node.last_nack)

    def test_hello_may_be_repeated(self) -> None:
        node = self.arrive("dp-1")
        self.assertIs(self.fleet.said_hello(node, Hello(node_id="dp-1", software="2", running=None)), node)
        self.assertEqual((node.connections, node.software), (1, "2"))

    def test_nameless_ones_that_come_back_do_not_add_up(self) -> None:
        for port in range(100):
            self.fleet.left(self.fleet.arrived(f"10.0.0.7:{port}"))
        self.fleet.left(self.fleet.arrived("[::1]:5"))
        self.assertEqual([node.address for node in self.fleet.nodes()], ["10.0.0.7:99", "[::1]:5"])

    def test_the_longest_gone_are_forgotten_first_when_too_many_left(self) -> None:
        stays = self.arrive("stays")
        for number in range(MAX_DEPARTED + 5):
            self.fleet.left(self.arrive(f"dp-{number}"))
        names = self.names()
        self.assertEqual(len(names), MAX_DEPARTED + 1)
        self.assertEqual((names[0], names[1]), (stays.node_id, "dp-5"))

    def test_an_ack_changes_what_runs_and_a_nack_does_not(self) -> None:
        node = self.arrive("dp-1")
        self.fleet.nacked(node, Nack(version="2", revision=5, hash="h5", errors=()))
        self.assertEqual(node.running, RUNNING)
        self.fleet.acked(node, Ack(version="2", revision=6, hash="h6", apply_ms=2.5))
        assert node.running is not None
        assert node.last_nack is not None
        self.assertEqual((node.running.revision, node.last_nack.revision), (6, 5))

    def test_what_a_hostile_data_plane_says_is_kept_in_small(self) -> None:
        node = self.arrive("dp-1")
        errors = tuple(Violation("/p" * 1000, "code", "m" * 10_000) for _ in range(1000))
        self.fleet.nacked(node, Nack(version="v" * 10_000, revision=1, hash="h" * 10_000, errors=errors))
        assert node.last_nack is not None
        self.assertEqual(len(node.last_nack.errors), MAX_ERRORS)
        self.assertEqual(len(node.last_nack.errors[0].message), MAX_TEXT)
        self.assertEqual(len(node.last_nack.version or ""), MAX_TEXT)

    def test_what_a_nameless_one_of_the_same_host_acked_is_not_said_of_one_with_a_name(self) -> None:
        nameless = self.fleet.arrived("10.0.0.7:1")
        self.fleet.acked(nameless, Ack(version="1", revision=5, hash="h", apply_ms=1))
        self.fleet.left(nameless)
        named = self.arrive("dp-1", "10.0.0.7:2")
        self.assertIsNone(named.last_ack)
        self.assertEqual(self.fleet.nodes(), [named, nameless])
        self.assertEqual((nameless.node_id, nameless.presence), (None, Presence.DEPARTED))
        self.assertIs(self.fleet.arrived("10.0.0.7:3"), nameless)
        self.assertIs(self.arrive("dp-1", "10.0.0.7:4"), named)
        self.assertEqual(self.fleet.nodes(), [named, nameless])

    def test_a_status_is_not_kept_since_it_may_be_a_megabyte(self) -> None:
        node = self.arrive("dp-1")
        status = Status(placements={"a": {}}, requests={})
        kept = weakref.ref(status)
        self.fleet.reported(node, status)
        del status
        gc.collect()
        self.assertIsNone(kept())


class ListenerTests(SynchronousTestCase):
    """Those who want to know what data planes say."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.fleet = Fleet(self.clock)
        self.heard: list[Word] = []
        self.node = self.fleet.arrived("10.0.0.7:1")

    def report(self, total: int, since: str = "noon") -> Told:
        """Send a status, ten seconds after the last one; return what is heard of it."""
        self.clock.advance(10)
        requests = {"since": since, "total": total, "server_errors": 0, "latency_ms": []}
        self.fleet.reported(self.node, Status({}, requests))
        told = self.heard[-1]
        assert isinstance(told, Told)
        return told

    def test_all_of_them_hear_each_word(self) -> None:
        others: list[Word] = []
        self.fleet.listen(lambda _, word: self.heard.append(word))
        self.fleet.listen(lambda _, word: others.append(word))
        ack = Ack(version="1", revision=1, hash="h", apply_ms=1.0)
        self.fleet.acked(self.node, ack)
        self.fleet.left(self.node)
        self.assertEqual(self.heard, [ack, None])
        self.assertEqual(others, self.heard)

    def test_of_a_status_they_hear_what_was_done_since_the_one_before(self) -> None:
        self.fleet.listen(lambda _, word: self.heard.append(word))
        self.assertIsNone(self.report(1_000_000).done, "it may have run for days")
        told = self.report(1_000_300)
        assert told.done is not None
        self.assertEqual((told.done.total, told.span_s), (300, 10.0))

    def test_a_restart_and_a_new_connection_begin_anew(self) -> None:
        self.fleet.listen(lambda _, word: self.heard.append(word))
        self.report(1000)
        self.assertIsNone(self.report(2000, since="one").done)
        self.assertIsNotNone(self.report(2100, since="one").done)
        self.assertIsNone(self.report(100, since="one").done)
        self.fleet.left(self.node)
        self.node = self.fleet.arrived("10.0.0.7:2")
        self.assertIsNone(self.report(9000, since="one").done)
