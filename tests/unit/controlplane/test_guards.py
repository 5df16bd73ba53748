"""A change that is larger than changes are is found, with its numbers."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Counts
from cellrouter.controlplane.guards import FROM_ROUTES, Guards

NOTHING = Counts(1000, 1000, 0, 0, 0, 0, 0, 0, 0)


class GuardTests(SynchronousTestCase):
    """Guards as they are by default, on a table of 1000 routes."""

    def exceeded(self, **changed: int) -> list[str]:
        return [excess.guard for excess in Guards().exceeded(evolve(NOTHING, **changed))]

    def test_no_change_is_within_every_guard(self) -> None:
        self.assertEqual(self.exceeded(), [])

    def test_as_much_as_is_allowed_may_be_removed_and_no_more(self) -> None:
        self.assertEqual(self.exceeded(removed=50, routes_after=950), [])
        self.assertEqual(self.exceeded(removed=51, routes_after=949), ["max-removed-pct"])

    def test_as_much_as_is_allowed_may_be_moved_and_no_more(self) -> None:
        self.assertEqual(self.exceeded(moved=100), [])
        self.assertEqual(self.exceeded(moved=101), ["max-remapped-pct"])

    def test_a_table_that_doubles_is_beyond_the_guard(self) -> None:
        self.assertEqual(self.exceeded(added=999, routes_after=1999), [])
        self.assertEqual(self.exceeded(added=1000, routes_after=2000), ["max-growth"])

    def test_an_empty_table_is_beyond_the_guard_however_short_it_was(self) -> None:
        self.assertEqual(self.exceeded(removed=1000, routes_after=0), ["never-empty"])
        self.assertEqual(self.exceeded(routes_before=1, removed=1, routes_after=0), ["never-empty"])
        self.assertEqual(self.exceeded(routes_before=0, routes_after=0), [])

    def test_a_short_table_may_change_as_it_likes(self) -> None:
        few = {"routes_before": FROM_ROUTES - 1, "routes_after": 500, "moved": 10, "removed": 9}
        self.assertEqual(self.exceeded(**few), [])
        self.assertEqual(len(self.exceeded(**{**few, "routes_before": FROM_ROUTES})), 3)

    def test_an_excess_says_how_much_and_by_which_option(self) -> None:
        (excess,) = Guards(max_removed_pct=2.5).exceeded(evolve(NOTHING, removed=375, routes_after=625))
        self.assertEqual(str(excess), "375 of 1000 routes are removed: 37.5%, --max-removed-pct is 2.5")

    def test_guards_can_be_opened(self) -> None:
        counts = evolve(NOTHING, removed=999, moved=1, routes_after=1)
        self.assertEqual(Guards(100, 100, 1000).exceeded(counts), ())
