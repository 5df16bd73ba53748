"""A control plane that restarts remembers whom it knew."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.convergence import ALL_SEEN, Standing, Target, convergence, standing
from cellrouter.controlplane.fleet import Fleet, Node, Presence
from cellrouter.controlplane.roster import INTERVAL_S, Roster
from cellrouter.snapshots import history
from cellrouter.snapshots.history_schema import connection
from cellrouter.wire import Ack, Hello
from tests.support.logs import CapturedLog
from tests.unit.controlplane.desks import SynchronousHistory

TARGET = Target(5, "sha256:five")
DAY_S = 24 * 3600


class RosterTests(SynchronousTestCase):
    """A fleet and its roster on a real history and a fake clock."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.logged = CapturedLog(self)
        self.begin()

    def begin(self) -> None:
        """Make the objects of a fresh process."""
        self.history = SynchronousHistory.open(self.folder / "history.db", self.clock)
        self.fleet = Fleet(self.clock)
        self.roster = Roster(self.fleet, self.history, self.clock)
        self.roster.load_blocking()
        self.roster.startService()

    def restart(self) -> None:
        self.successResultOf(self.roster.stopService())
        self.begin()

    def kill(self) -> None:
        """Start again after an end that nobody was told of."""
        self.begin()

    def arrive(self, name: str) -> Node:
        hello = Hello(name, "1.2.0", None)
        return self.fleet.said_hello(self.fleet.arrived("10.0.0.7:1"), hello)

    def ack(self, node: Node) -> None:
        self.fleet.acked(node, Ack(version="1", revision=5, hash="sha256:five", apply_ms=1.5))

    def names(self) -> list[str | None]:
        return [node.node_id for node in self.fleet.nodes()]

    def test_those_that_were_there_are_listed_as_gone_with_what_they_acked(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.arrive("dp-2")
        self.fleet.arrived("10.0.0.9:1")
        self.restart()
        first, second = sorted(self.fleet.nodes(), key=lambda node: str(node.node_id))
        self.assertEqual(
            (first.node_id, first.software, first.presence), ("dp-1", "1.2.0", Presence.DEPARTED)
        )
        self.assertIs(standing(first, TARGET), Standing.ACKED)
        self.assertIs(standing(second, TARGET), Standing.BEHIND)
        standings = [(node, standing(node, TARGET)) for node in self.fleet.nodes()]
        self.assertEqual(convergence(standings, ALL_SEEN).waiting_for, ("dp-2",))

    def test_one_that_comes_back_is_the_same(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.restart()
        node = self.arrive("dp-1")
        self.assertEqual(self.names(), ["dp-1"])
        self.assertIs(node.presence, Presence.CONNECTED)
        self.assertIsNotNone(node.last_ack)

    def test_names_without_end_fill_no_disk(self) -> None:
        """As of a data plane that takes another name each time that it connects."""
        self.patch(history, "MAX_NODES", 3)
        for number in range(10):
            self.clock.advance(INTERVAL_S)
            self.fleet.left(self.arrive(f"dp-{number}"))
        self.clock.advance(INTERVAL_S)
        noted = {seen.node_id for seen in self.history.nodes_blocking()}
        self.assertEqual(noted, {"dp-7", "dp-8", "dp-9"})

    def test_what_another_release_has_noted_differently_is_no_reason_not_to_start(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.successResultOf(self.roster.stopService())
        for document in ("no JSON", "[]", "{}", '{"address": "a", "software": "s", "last_ack": {"new": 1}}'):
            with connection(self.history.path) as database:
                database.execute("UPDATE nodes SET document = ?", (document,))
            self.begin()
            (node,) = self.fleet.nodes()
            self.assertEqual((node.node_id, node.presence), ("dp-1", Presence.DEPARTED), document)
            self.assertIs(standing(node, TARGET), Standing.BEHIND)

    def test_a_kill_loses_no_more_than_the_last_seconds(self) -> None:
        self.arrive("dp-1")
        self.clock.advance(INTERVAL_S)
        self.arrive("dp-2")
        self.kill()
        self.assertEqual(self.names(), ["dp-1"])

    def test_after_a_day_they_are_forgotten(self) -> None:
        self.fleet.left(self.arrive("dp-1"))
        self.clock.advance(INTERVAL_S)
        self.clock.advance(DAY_S)
        self.clock.advance(INTERVAL_S)
        self.assertEqual(self.history.nodes_blocking(), [])
        self.restart()
        self.assertEqual(self.names(), [])

    def test_one_that_stays_and_says_nothing_new_is_not_forgotten(self) -> None:
        node = self.arrive("dp-1")
        for _ in range(2 * DAY_S // 600):
            self.clock.advance(600)
            node.last_seen = self.clock.seconds()
        self.kill()
        self.assertEqual(self.names(), ["dp-1"])

    def test_nothing_new_is_not_written(self) -> None:
        self.arrive("dp-1")
        self.clock.advance(INTERVAL_S)
        self.history.disk_is_full = True
        self.clock.advance(INTERVAL_S)
        self.assertEqual([line for line in self.logged.lines if "noted" in line], [])

    def test_a_full_disk_is_said_once_and_they_are_noted_when_there_is_room(self) -> None:
        self.history.disk_is_full = True
        self.arrive("dp-1")
        self.clock.pump([INTERVAL_S] * 3)
        self.assertEqual(self.logged.text.count("which data planes there are cannot be noted"), 1)
        self.history.disk_is_full = False
        self.clock.advance(INTERVAL_S)
        self.kill()
        self.assertEqual(self.names(), ["dp-1"])
