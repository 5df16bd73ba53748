"""When the traffic of data planes with a new snapshot is worse than that of the others."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.counters import Counters, Tally
from cellrouter.controlplane.gates import Gates, Meter
from cellrouter.observe.histogram import Histogram


def done(total: int, errors: int = 0, p99_ms: float = 1.0) -> Counters:
    """Make what was done, of which 5% took so long and the rest no time."""
    slow = total // 20
    latency = Histogram.from_pairs([[0.1, total - slow], [p99_ms, slow]])
    return Counters(total, errors, latency=latency)


def traffic(total: int, errors: int = 0, p99_ms: float = 1.0) -> Tally:
    """Make traffic of what was done."""
    tally = Tally()
    tally.add(done(total, errors, p99_ms))
    return tally


class GatesTests(SynchronousTestCase):
    """What is too much."""

    def breach(self, new: Tally, old: Tally) -> str:
        return Gates().breach(new, old) or ""

    def test_the_share_of_5xx_may_rise_by_a_percentage_point(self) -> None:
        old = traffic(10_000, 200)
        self.assertEqual(self.breach(traffic(1000, 30), old), "")
        text = self.breach(traffic(1000, 31), old)
        self.assertIn("3.10% of 1000 requests were answered with a 5xx, 2.00% of 10000 with", text)
        self.assertIn("--max-5xx-increase is 1", text)

    def test_a_few_errors_say_nothing_and_errors_alone_say_enough(self) -> None:
        self.assertEqual(self.breach(traffic(4, 4), traffic(1000)), "")
        self.assertIn("100.00% of 5 requests", self.breach(traffic(5, 5), traffic(1000)))

    def test_with_nothing_to_compare_errors_with_there_should_be_none(self) -> None:
        self.assertIn("2.00% of 1000", self.breach(traffic(1000, 20), Tally()))
        self.assertEqual(self.breach(traffic(1000, 9), Tally()), "")

    def test_the_p99_may_rise_by_a_half(self) -> None:
        old = traffic(1000, p99_ms=100)
        self.assertEqual(self.breach(traffic(1000, p99_ms=140), old), "")
        self.assertIn("--max-p99-increase is 50", self.breach(traffic(1000, p99_ms=200), old))

    def test_a_few_milliseconds_more_or_few_requests_say_nothing(self) -> None:
        self.assertEqual(self.breach(traffic(1000, p99_ms=9), traffic(1000, p99_ms=1)), "")
        self.assertEqual(self.breach(traffic(400, p99_ms=900), traffic(1000, p99_ms=1)), "")
        self.assertEqual(self.breach(traffic(1000, p99_ms=900), traffic(400, p99_ms=1)), "")

    def test_gates_are_as_wide_as_they_are_set(self) -> None:
        wide = Gates(max_5xx_increase=100, max_p99_increase=10_000)
        self.assertIsNone(wide.breach(traffic(1000, 1000, 90), traffic(1000, 0, 1)))
        narrow = Gates(max_5xx_increase=0)
        self.assertIsNotNone(narrow.breach(traffic(100_000, 5), traffic(100_000)))


class MeterTests(SynchronousTestCase):
    """Adding up."""

    def setUp(self) -> None:
        self.meter = Meter()

    def test_those_with_the_new_snapshot_count_apart(self) -> None:
        self.meter.note(done(1000), has_new=True)
        self.meter.note(done(2000), has_new=False)
        self.meter.note(done(3000), has_new=False)
        self.assertEqual((self.meter.new.total, self.meter.old.total), (1000, 5000))

    def test_neighbours_in_the_same_minute_are_the_better_comparison(self) -> None:
        self.meter.note(done(1000, 100), has_new=False)
        self.meter.begin_bake()
        self.assertEqual(self.meter.old.server_errors, 100)
        self.meter.note(done(400), has_new=False)
        self.assertEqual(self.meter.old.total, 1400, "400 are too few to compare with")
        self.meter.note(done(200), has_new=False)
        self.assertEqual((self.meter.old.total, self.meter.old.server_errors), (600, 0))

    def test_what_is_old_ages(self) -> None:
        self.meter.note(done(100), has_new=False)
        self.meter.age()
        self.meter.note(done(200), has_new=False)
        self.meter.begin_bake()
        self.assertEqual(self.meter.old.total, 300)
        self.meter.age()
        self.assertEqual(self.meter.old.total, 200)
