"""The last decisions."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.observe import Decisions


class DecisionsTests(SynchronousTestCase):
    """A ring that forgets the oldest."""

    def test_the_newest_comes_first_and_the_oldest_is_forgotten(self) -> None:
        decisions = Decisions(size=2)
        self.assertEqual(decisions.recent(), [])
        for number in range(3):
            decisions.add({"n": number})
        self.assertEqual(decisions.recent(), [{"n": 2}, {"n": 1}])

    def test_256_are_kept_unless_told_otherwise(self) -> None:
        decisions = Decisions()
        for number in range(300):
            decisions.add({"n": number})
        self.assertEqual(len(decisions.recent()), 256)

    def test_what_was_given_does_not_change_later(self) -> None:
        decisions = Decisions()
        recent = decisions.recent()
        decisions.add({"n": 1})
        self.assertEqual(recent, [])
