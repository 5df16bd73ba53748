"""A bound on how often something is done."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.budget import Budget


class BudgetTests(SynchronousTestCase):
    """So many at once, so many per second."""

    def test_it_runs_out_and_comes_back(self) -> None:
        clock = Clock()
        budget = Budget(clock, 3, 0.5)
        self.assertEqual([budget.spend() for _ in range(5)], [True, True, True, False, False])
        clock.advance(2)
        self.assertEqual([budget.spend() for _ in range(2)], [True, False])

    def test_who_asks_for_more_than_is_left_gets_nothing_and_loses_nothing(self) -> None:
        budget = Budget(Clock(), 10, 1)
        self.assertEqual([budget.spend(amount) for amount in (6, 6, 4, 1)], [True, False, True, False])

    def test_it_never_holds_more_than_its_burst(self) -> None:
        clock = Clock()
        budget = Budget(clock, 2, 10)
        clock.advance(1000)
        self.assertEqual([budget.spend() for _ in range(3)], [True, True, False])

    def test_a_clock_that_is_set_back_does_not_stop_it_for_long(self) -> None:
        clock = Clock()
        clock.advance(1000)
        budget = Budget(clock, 1, 1)
        budget.spend()
        clock.rightNow = 0.0
        self.assertFalse(budget.spend())
        clock.advance(1)
        self.assertTrue(budget.spend())
