"""What each data plane runs and should run, and when a change has arrived everywhere."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Violation
from cellrouter.controlplane.convergence import (
    ALL_SEEN,
    Convergence,
    Expected,
    Standing,
    Target,
    convergence,
    expected_nodes,
    standing,
)
from cellrouter.controlplane.fleet import Fleet, Node
from cellrouter.wire import Ack, Hello, Nack, Running

TARGET = Target(5, "sha256:five")


class FleetTestCase(SynchronousTestCase):
    """A fleet on a fake clock, which should run revision 5."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.fleet = Fleet(self.clock)

    def arrive(self, name: str, revision: int | None = 4, hash_: str = "sha256:four") -> Node:
        running = Running(version="1", revision=revision, hash=hash_, source="last_known_good")
        return self.fleet.said_hello(self.fleet.arrived("10.0.0.7:1"), Hello(name, "1", running))

    def ack(self, node: Node, revision: int = 5, hash_: str = "sha256:five") -> Node:
        self.clock.advance(1)
        self.fleet.acked(node, Ack(version="1", revision=revision, hash=hash_, apply_ms=1.0))
        return node

    def nack(self, node: Node, revision: int | None = 5, hash_: str | None = "sha256:five") -> Node:
        self.clock.advance(1)
        errors = (Violation("/version", "empty_version", "it is empty"),)
        self.fleet.nacked(node, Nack(version="1", revision=revision, hash=hash_, errors=errors))
        return node


class StandingTests(FleetTestCase):
    """One data plane."""

    def assert_stands(self, node: Node, expected: Standing) -> None:
        self.assertIs(standing(node, TARGET), expected)

    def test_one_that_says_nothing_is_behind(self) -> None:
        self.assert_stands(self.fleet.arrived("10.0.0.7:1"), Standing.BEHIND)

    def test_one_that_runs_an_older_revision_is_behind(self) -> None:
        self.assert_stands(self.arrive("dp"), Standing.BEHIND)
        self.assert_stands(self.ack(self.arrive("dp"), 4, "sha256:four"), Standing.BEHIND)

    def test_one_that_runs_it_and_has_not_acked_it_is_behind(self) -> None:
        self.assert_stands(self.arrive("dp", 5, "sha256:five"), Standing.BEHIND)

    def test_one_that_acked_it_has_acked_it(self) -> None:
        self.assert_stands(self.ack(self.arrive("dp")), Standing.ACKED)

    def test_one_that_refused_it_has_nacked_it(self) -> None:
        self.assert_stands(self.nack(self.arrive("dp")), Standing.NACKED)
        self.assert_stands(self.nack(self.arrive("dp"), hash_=None), Standing.NACKED)

    def test_a_refusal_of_what_could_not_be_read_is_of_the_last_that_was_sent(self) -> None:
        node = self.nack(self.arrive("dp"), None, None)
        self.assert_stands(node, Standing.NACKED)
        later = Target(6, "sha256:six", since=self.clock.seconds() + 1)
        self.assertIs(standing(node, later), Standing.BEHIND)

    def test_the_last_word_counts(self) -> None:
        self.assert_stands(self.ack(self.nack(self.arrive("dp"))), Standing.ACKED)
        self.assert_stands(self.nack(self.ack(self.arrive("dp"))), Standing.NACKED)

    def test_the_last_word_counts_when_the_clock_was_set_back(self) -> None:
        node = self.nack(self.arrive("dp"))
        self.clock.rightNow -= 1000
        self.assert_stands(self.ack(node), Standing.ACKED)

    def test_a_refusal_of_another_revision_says_nothing_of_this_one(self) -> None:
        self.assert_stands(self.nack(self.ack(self.arrive("dp")), 4), Standing.ACKED)

    def test_one_that_runs_another_config_under_the_same_number_has_drifted(self) -> None:
        self.assert_stands(self.arrive("dp", 5, "sha256:other"), Standing.DRIFT)
        self.assert_stands(self.ack(self.arrive("dp"), 5, "sha256:other"), Standing.DRIFT)

    def test_one_that_runs_a_later_revision_has_drifted(self) -> None:
        self.assert_stands(self.arrive("dp", 900, "sha256:other"), Standing.DRIFT)

    def test_one_that_acked_it_and_comes_back_with_another_has_drifted(self) -> None:
        self.ack(self.arrive("dp"))
        self.assert_stands(self.arrive("dp", 7, "sha256:seven"), Standing.DRIFT)


class ConvergenceTests(FleetTestCase):
    """The whole fleet."""

    def find(self, expected: Expected = ALL_SEEN) -> Convergence:
        return convergence([(node, standing(node, TARGET)) for node in self.fleet.nodes()], expected)

    def test_no_data_plane_at_all_is_not_convergence(self) -> None:
        self.assertEqual(self.find(), Convergence(False, (), 1))

    def test_all_that_were_seen_have_to_ack(self) -> None:
        self.ack(self.arrive("dp-1"))
        second = self.arrive("dp-2")
        self.assertEqual(self.find(), Convergence(False, ("dp-2",), 0))
        self.ack(second)
        self.assertTrue(self.find().converged)

    def test_one_that_left_before_it_acked_is_waited_for_until_it_is_forgotten(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.fleet.left(self.arrive("dp-2"))
        self.assertEqual(self.find().waiting_for, ("dp-2",))
        self.clock.advance(25 * 3600)
        self.assertTrue(self.find().converged)

    def test_one_that_left_after_it_acked_is_not_waited_for(self) -> None:
        self.fleet.left(self.ack(self.arrive("dp-1")))
        self.assertTrue(self.find().converged)

    def test_one_without_a_name_that_left_is_not_waited_for(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.fleet.left(self.fleet.arrived("10.0.0.9:1"))
        self.assertTrue(self.find().converged)

    def test_a_name_that_two_give_has_acked_when_one_is_left(self) -> None:
        first = self.ack(self.arrive("dp-1"))
        self.assertIs(self.arrive("dp-1"), first)
        self.ack(first)
        for expected in (ALL_SEEN, Expected(names=("dp-1",)), Expected(count=1)):
            self.assertEqual(self.find(expected), Convergence(False, ("dp-1",), 0))
        self.fleet.left(first)
        self.assertTrue(self.find().converged)

    def test_those_that_are_named_are_waited_for_and_no_others(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.arrive("dp-2")
        self.assertTrue(self.find(Expected(names=("dp-1",))).converged)
        self.assertEqual(self.find(Expected(names=("dp-1", "dp-9"))).waiting_for, ("dp-9",))

    def test_as_many_as_are_expected_are_waited_for(self) -> None:
        self.ack(self.arrive("dp-1"))
        self.assertEqual(self.find(Expected(count=2)), Convergence(False, (), 1))
        second = self.arrive("dp-2")
        self.assertEqual(self.find(Expected(count=2)), Convergence(False, ("dp-2",), 0))
        self.ack(second)
        self.assertTrue(self.find(Expected(count=2)).converged)
        self.assertTrue(self.find(Expected(count=1)).converged)
        self.assertTrue(self.find(Expected(count=0)).converged)


class ExpectedTests(SynchronousTestCase):
    """How it is written."""

    def test_a_number_or_names(self) -> None:
        rows: list[tuple[str, Any]] = [
            ("3", Expected(count=3)),
            ("dp-1", Expected(names=("dp-1",))),
            ("dp-1, dp-2,dp-1", Expected(names=("dp-1", "dp-2"))),
        ]
        for text, expected in rows:
            self.assertEqual(expected_nodes(text), expected)

    def test_nothing_is_neither(self) -> None:
        for text in ("", ",", "dp-1,,dp-2", " "):
            self.assertRaises(ValueError, expected_nodes, text)
