"""What was measured, beside what must hold and what is wanted."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.budgets import BUDGETS, Line, document, lines, text
from benchmarks.result import Document

FOUND: dict[str, Document] = {
    "compare": {
        "proxies": [{"proxy": "nginx", "ratio": 1.0}, {"proxy": "cellrouter", "ratio": 2.25}],
        "ratios": {"envoy": {"cellrouter": 0.9}},
    },
    "stream": {"proxies": [{"proxy": "cellrouter", "ratio": 0.2}]},
    "latency": {"proxies": [{"proxy": "cellrouter", "ratio": 2.0}]},
    "routes": {"proxies": [{"proxy": "4-routes", "ratio": 1.0}, {"proxy": "100000-routes", "ratio": 1.02}]},
    "apply": {"proxies": [{"proxy": "cellrouter", "worst_ms": 9.5}]},
    "memory": {"proxies": [{"proxy": "cellrouter", "kib_each": 5.2}]},
    "bodies": {
        "proxies": [
            {"proxy": "cellrouter", "added_mib": 0.5},
            {"proxy": "cellrouter", "added_mib": 1.5},
            {"proxy": "cellrouter-epoll", "added_mib": 7.0},
        ]
    },
    "fleet": {
        "events": [
            {"size": "1000x1000", "what": "restart", "last_s": 2.5},
            {"size": "5000x1000", "what": "change", "last_s": 0.7},
            {"size": "1000x1000", "what": "change", "last_s": 0.25},
        ]
    },
}


class LinesTests(SynchronousTestCase):
    """How a figure is judged."""

    def within(
        self, measured: float | None, must: float | None = 3.0, want: float | None = 1.5
    ) -> str | None:
        return Line("it", must, want, measured).within

    def test_the_stricter_limit_that_holds_is_named(self) -> None:
        self.assertEqual(
            [self.within(each) for each in (1.5, 1.6, 3.0, 3.1)], ["want", "must", "must", "neither"]
        )

    def test_what_was_not_measured_or_has_no_limit_is_not_judged(self) -> None:
        self.assertIsNone(self.within(None))
        self.assertIsNone(self.within(5.0, must=None, want=None))

    def test_each_budget_finds_its_figure(self) -> None:
        measured = [line.measured for line in lines(FOUND)]
        self.assertEqual(measured, [2.25, 0.9, 2.0, 0.2, 5.2, 1.02, 9.5, 1.5, 0.25])

    def test_what_could_not_be_measured_has_no_figure(self) -> None:
        for found in ({}, {name: {"proxies": [], "ratios": {}, "events": []} for name in FOUND}):
            self.assertEqual([line.measured for line in lines(found)], [None] * len(BUDGETS))


class WrittenTests(SynchronousTestCase):
    """How people and programs read it."""

    def test_people_see_limits_figures_and_which_limit_holds(self) -> None:
        first, second, *_, last, _ = text(FOUND).splitlines()
        self.assertEqual(first.split(), ["WHAT", "MUST", "WANT", "MEASURED", "WITHIN"])
        self.assertEqual(
            second.split(), ["CPU", "per", "request", "/", "nginx", "2.30", "1.50", "2.25", "must"]
        )
        self.assertEqual(last.split()[-4:], ["-", "-", "1.50", "-"])

    def test_programs_see_the_same(self) -> None:
        self.assertEqual(
            document(FOUND)[1],
            {
                "what": "CPU per request / Envoy",
                "must": 0.8,
                "want": 0.5,
                "measured": 0.9,
                "within": "neither",
            },
        )
