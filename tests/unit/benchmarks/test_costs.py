"""The benchmarks' figures, from samples that nobody measured."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.compare import Measured, Sample, Workload
from benchmarks.costs import BYTES, GIB, REQUESTS, Costs, rows
from benchmarks.load import Served
from benchmarks.result import Document, text
from tests.unit.benchmarks.support import SETTINGS


def sample(peer: str, round_number: int, cpu_s: float, others: float = 0.0) -> Sample:
    """Make a sample of 1,000 requests and 2 GiB in two seconds."""
    return Sample(peer, round_number, Served(1000, 2 * GIB, 2.0, 0.5, 1.5), cpu_s, others)


class RowsTests(SynchronousTestCase):
    """How samples become figures."""

    def test_figures_are_medians_and_the_cheapest_is_first(self) -> None:
        router, nginx = rows(
            [
                *(sample("nginx", 1, 0.2), sample("router", 1, 0.1)),
                *(sample("nginx", 2, 0.3), sample("router", 2, 0.9)),
                *(sample("nginx", 3, 0.9), sample("router", 3, 0.15)),
            ],
            REQUESTS,
            "nginx",
        )
        self.assertEqual((router.proxy, nginx.proxy), ("router", "nginx"))
        self.assertAlmostEqual(router.cost, 150.0)
        self.assertAlmostEqual(router.lowest, 100.0)
        self.assertAlmostEqual(router.highest, 900.0)
        self.assertAlmostEqual(nginx.cost, 300.0)
        self.assertEqual(nginx.rate, 500.0)
        self.assertAlmostEqual(nginx.busy, 0.15)

    def test_a_ratio_compares_what_ran_in_the_same_round(self) -> None:
        # In the second round the machine was four times slower, for both; in the third nginx was not there.
        samples = [
            *(sample("nginx", 1, 0.1), sample("router", 1, 0.15)),
            *(sample("nginx", 2, 0.4), sample("router", 2, 0.6)),
            sample("router", 3, 0.1),
        ]
        ratios = {row.proxy: row.ratio for row in rows(samples, REQUESTS, "nginx")}
        self.assertEqual(ratios["nginx"], 1.0)
        self.assertAlmostEqual(ratios["router"] or 0.0, 1.5)

    def test_without_the_baseline_there_is_no_ratio(self) -> None:
        self.assertIsNone(rows([sample("router", 1, 0.1)], REQUESTS, "nginx")[0].ratio)

    def test_long_answers_are_measured_by_their_bytes(self) -> None:
        (row,) = rows([sample("nginx", 1, 0.5)], BYTES, "nginx")
        self.assertEqual((row.cost, row.rate), (250.0, 1024.0))

    def test_nothing_measured_has_no_rows(self) -> None:
        self.assertEqual(rows([], REQUESTS, "nginx"), [])


class DocumentTests(SynchronousTestCase):
    """What is written down."""

    def written(self, measured: Measured) -> Document:
        return Costs("Small answers", Workload("/", 32), REQUESTS, "nginx").write(SETTINGS, measured)

    def test_the_table_has_a_line_for_each_proxy_and_each_that_could_not_run(self) -> None:
        samples = [sample("nginx", 1, 0.1), sample("router", 1, 0.15)]
        measured = Measured(samples, {"envoy": "envoy is not installed"})
        self.assertEqual(
            text(self.written(measured)).splitlines()[:-1],
            [
                "Small answers",
                "",
                "PROXY   CPU US/REQUEST  LOWEST-HIGHEST  TO NGINX  REQUESTS/S  CORE BUSY",
                "nginx   100.0           100.0-100.0     1.00      500         5%",
                "router  150.0           150.0-150.0     1.50      500         8%",
                "could not run: envoy: envoy is not installed",
            ],
        )

    def test_it_says_when_the_machine_was_busy_with_something_else(self) -> None:
        samples = [sample("nginx", 1, 0.1, others=0.05), sample("nginx", 2, 0.1, others=0.06)]
        self.assertEqual(
            self.written(Measured(samples))["notes"],
            ["1 of 2 samples were taken while others had over 5% of a core"],
        )

    def test_it_has_the_figures_and_the_samples_they_come_from(self) -> None:
        samples = [sample("nginx", 1, 0.1), sample("envoy", 1, 0.4), sample("router", 1, 0.2)]
        made = self.written(Measured(samples))
        self.assertEqual([row["proxy"] for row in made["proxies"]], ["nginx", "router", "envoy"])
        self.assertEqual(made["samples"][0]["served"]["requests"], 1000)

    def test_it_has_the_ratio_of_each_to_each(self) -> None:
        made = self.written(Measured([sample("envoy", 1, 0.4), sample("router", 1, 0.2)]))
        self.assertAlmostEqual(made["ratios"]["envoy"]["router"], 0.5)
        self.assertAlmostEqual(made["ratios"]["router"]["envoy"], 2.0)
