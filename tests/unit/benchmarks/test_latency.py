"""Latency at 70% load, from runs that nobody measured."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.latency import Pair, Run, rows, write
from benchmarks.paced import Paced
from benchmarks.result import text
from tests.unit.benchmarks.support import SETTINGS


def run(p99_us: float, late_us: float = 10.0, others: float = 0.0) -> Run:
    """Make a run whose median latency is 100 us."""
    return Run(100.0, p99_us, late_us, others)


def pair(peer: str, own: Run, baseline: Run | None, round_number: int = 1) -> Pair:
    """Make a pair of runs at 1,000 requests/s."""
    return Pair(peer, round_number, 1000, own, baseline)


class RunTests(SynchronousTestCase):
    """How a run becomes figures."""

    def test_latencies_and_delays_are_percentiles(self) -> None:
        paced = Paced(0.0, 10, late_us=[0] * 98 + [5, 6], latency_us=list(range(1, 101)))
        self.assertEqual(Run.of(paced, 0.5), Run(50, 99, 5, 0.5))


class RowsTests(SynchronousTestCase):
    """How pairs become figures."""

    def test_the_ratio_is_to_the_baseline_at_the_same_rate_in_the_same_round(self) -> None:
        pairs = [
            pair("router", run(400.0), run(200.0), 1),
            pair("router", run(4000.0), run(1000.0), 2),
            pair("router", run(600.0), run(200.0), 3),
        ]
        (row,) = rows(pairs)
        self.assertEqual((row.ratio, row.p99_us, row.baseline_p99_us), (3.0, 600.0, 200.0))

    def test_without_the_baseline_there_is_no_ratio_and_it_comes_last(self) -> None:
        pairs = [pair("b", run(1.0), None), pair("a", run(1.0), None), pair("c", run(2.0), run(1.0))]
        self.assertEqual(
            [(row.proxy, row.ratio) for row in rows(pairs)], [("c", 2.0), ("b", None), ("a", None)]
        )


class DocumentTests(SynchronousTestCase):
    """What is written down."""

    def test_the_table_names_the_rate_and_both_latencies(self) -> None:
        nginx = run(250.0)
        pairs = [pair("nginx", nginx, nginx), pair("router", run(1500.0), run(300.0))]
        self.assertEqual(
            text(write(SETTINGS, pairs, {})).splitlines()[2:5],
            [
                "PROXY   REQUESTS/S  P50 US  P99 US  NGINX P99 US  TO NGINX  SENT LATE US",
                "nginx   1,000       100     250     250           1.00      10",
                "router  1,000       100     1,500   300           5.00      10",
            ],
        )

    def test_it_says_when_the_load_measured_itself_and_counts_each_run_once(self) -> None:
        late = run(5000.0, late_us=2000.0, others=0.2)
        pairs = [pair("nginx", late, late), pair("router", run(1.0), run(1.0, others=0.1))]
        self.assertEqual(
            write(SETTINGS, pairs, {})["notes"],
            [
                "1 of 3 loads sent 1% of the requests over 1000 us late",
                "2 of 3 loads ran while others had over 5% of a core",
            ],
        )
