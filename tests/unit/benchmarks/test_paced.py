"""Latencies at a constant rate, as they are read from what the load says."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.errors import CouldNotRun
from benchmarks.paced import Paced, percentile


class PercentileTests(SynchronousTestCase):
    """The value that a share of all does not exceed."""

    def test_it_is_one_of_the_values(self) -> None:
        hundred = list(range(100, 0, -1))
        self.assertEqual([percentile(hundred, share) for share in (0.5, 0.99, 1.0)], [50, 99, 100])

    def test_of_few_values_it_is_the_highest(self) -> None:
        self.assertEqual(percentile([3, 7, 5], 0.99), 7)
        self.assertEqual(percentile([3], 0.5), 3)


class WindowTests(SynchronousTestCase):
    """The worst of the requests that were due in a window of time."""

    # Due at 100.0, 100.1, 100.2 and so on.
    paced = Paced(begin_s=100.0, per_s=10, late_us=[0] * 5, latency_us=[1000, 9000, 2000, 3000, 8000])

    def test_what_was_due_before_or_after_does_not_count(self) -> None:
        self.assertEqual(self.paced.worst_ms(100.2, 100.4), 3.0)

    def test_what_was_due_at_its_beginning_counts(self) -> None:
        self.assertEqual(self.paced.worst_ms(100.1, 100.4), 9.0)

    def test_it_may_reach_beyond_the_load(self) -> None:
        self.assertEqual(self.paced.worst_ms(99.0, 200.0), 9.0)

    def test_a_window_without_requests_is_no_result(self) -> None:
        self.assertRaises(CouldNotRun, self.paced.worst_ms, 200.0, 300.0)
        self.assertRaises(CouldNotRun, self.paced.worst_ms, 90.0, 99.0)
