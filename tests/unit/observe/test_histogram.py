"""How long things took, over many data planes."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Match
from cellrouter.observe import Histogram, Traffic
from cellrouter.observe.histogram import BOUNDS_MS

times_ms = st.lists(st.floats(min_value=0.0, max_value=200_000.0), min_size=1, max_size=200)


def of(*durations_ms: float) -> Histogram:
    """Count times as the data path does."""
    traffic = Traffic()
    for duration_ms in durations_ms:
        traffic.count(200, duration_ms / 1000, Match.EXACT)
    return traffic.latency


class QuantileTests(SynchronousTestCase):
    """What a share of the times did not exceed."""

    @given(times_ms, st.sampled_from((0.5, 0.9, 0.99, 1.0)))
    def test_it_is_at_most_a_fifth_too_much_and_never_too_little(
        self, times: list[float], share: float
    ) -> None:
        times = sorted(time for time in times if time <= BOUNDS_MS[-1]) or [1.0]
        exact = times[max(0, -(-len(times) * int(share * 100) // 100) - 1)]
        told = of(*times).quantile_ms(share)
        assert told is not None
        self.assertGreaterEqual(told * 1.000001, exact)
        self.assertLessEqual(told, max(exact * 1.2, BOUNDS_MS[0]))

    def test_of_nothing_there_is_none(self) -> None:
        self.assertIsNone(Histogram().quantile_ms(0.99))

    def test_what_took_longer_than_the_longest_bound_counts_as_that(self) -> None:
        self.assertEqual(of(1e9).quantile_ms(0.5), BOUNDS_MS[-1])


class AddingTests(SynchronousTestCase):
    """A fleet's times, and those of a while."""

    @given(times_ms, times_ms)
    def test_the_sum_is_what_one_would_have_counted(self, ours: list[float], theirs: list[float]) -> None:
        total = Histogram.total([of(*ours), of(*theirs)])
        self.assertEqual(total.counts, of(*ours, *theirs).counts)
        self.assertEqual(total.since(of(*ours)).counts, of(*theirs).counts)

    def test_the_sum_of_nothing_is_nothing(self) -> None:
        self.assertEqual(Histogram.total([]).counts, Histogram().counts)

    def test_one_that_began_again_never_counts_below_nothing(self) -> None:
        self.assertEqual(of(1.0).since(of(1.0, 1.0, 2.0)).count, 0)


class MessageTests(SynchronousTestCase):
    """The form that is sent."""

    @given(times_ms)
    def test_it_comes_back_as_it_was(self, times: list[float]) -> None:
        self.assertEqual(Histogram.from_pairs(of(*times).pairs()).counts, of(*times).counts)

    def test_only_buckets_with_anything_in_them_are_sent(self) -> None:
        self.assertEqual(of(0.05, 0.05, 1e9).pairs(), [[0.1, 2], [None, 1]])

    def test_bounds_of_another_program_are_taken_for_the_next_of_ours(self) -> None:
        self.assertEqual(Histogram.from_pairs([[3, 5], [1e12, 1]]).pairs(), [[3.2, 5], [None, 1]])

    def test_anything_else_is_refused(self) -> None:
        for pairs in (
            None,
            {},
            "pairs",
            [1],
            [[1]],
            [[1, 2, 3]],
            [[1.0, -1]],
            [[0, 1]],
            [[-1.0, 1]],
            [["1", 1]],
            [[1.0, 1.5]],
            [[1.0, 2**60]],
            [[float("nan"), 1]],
            [[1.0, 1]] * 1001,
        ):
            self.assertRaises(ValueError, Histogram.from_pairs, pairs)
