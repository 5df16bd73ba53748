"""What the fleet benchmark makes of its samples, and a small fleet that it really runs."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.errors import CouldNotRun
from benchmarks.fleet import CHANGE, REST, Event, Size, most_in_a_second, write
from benchmarks.result import text
from tests.unit.benchmarks.support import SETTINGS

EVENT = Event("20x10", CHANGE, 0.1, 0.2, 1.0, 60.0, 5.0, None, 0.1)


class FiguresTests(SynchronousTestCase):
    """How figures are computed."""

    def test_the_busiest_second_need_not_begin_with_the_clock(self) -> None:
        self.assertEqual(most_in_a_second([0.0, 0.9, 1.1, 1.5, 1.8, 3.0]), 4)
        self.assertEqual(most_in_a_second([5.0]), 1)

    def test_changes_are_medians_with_the_worst_of_memory_and_health(self) -> None:
        found = [EVENT, evolve(EVENT, last_s=0.4, health_ms=9.0), evolve(EVENT, last_s=0.3, peak_mib=61.0)]
        (row,) = write(SETTINGS, found, {})["events"]
        self.assertEqual((row["last_s"], row["health_ms"], row["peak_mib"]), (0.3, 9.0, 61.0))

    def test_what_did_not_happen_has_no_figure(self) -> None:
        rest = evolve(EVENT, what=REST, median_s=None, last_s=None)
        self.assertIn("20x10  rest  -         -       1.00", text(write(SETTINGS, [rest], {})))

    def test_a_name_is_a_size(self) -> None:
        self.assertEqual(Size.of("1000x100000"), Size(1000, 100_000))
        self.assertEqual(str(Size(20, 10)), "20x10")
        for name in ("", "x", "20", "ax1"):
            with self.assertRaises(CouldNotRun):
                Size.of(name)
