"""The budgets: what must hold, what is wanted, and what was measured."""

from collections.abc import Callable, Mapping

from attrs import asdict, frozen

from benchmarks.fleet import CHANGE
from benchmarks.result import Document
from benchmarks.suite import MANY_ROUTES
from cellrouter.cli.output import table

PRODUCT = "cellrouter"
HEADINGS = ("what", "must", "want", "measured", "within")
Benchmarks = Mapping[str, Document]
"""What each benchmark found, by its name."""


@frozen
class Budget:
    """What something may cost.

    :param what: what it is, with its unit.
    :param must: the most it may be, if there is a limit.
    :param want: the most it should be, if there is a wish.
    :param benchmark: who measures it.
    :param figure: takes it out of what that found; KeyError when it is not there.
    """

    what: str
    must: float | None
    want: float | None
    benchmark: str
    figure: Callable[[Document], float | None]


@frozen
class Line:
    """A budget and what was measured.

    :param what: what it is, with its unit.
    :param must: the most it may be.
    :param want: the most it should be.
    :param measured: what it is, or None when it was not measured.
    """

    what: str
    must: float | None
    want: float | None
    measured: float | None

    @property
    def within(self) -> str | None:
        """Tell the stricter limit that holds."""
        if self.measured is None or self.must is None:
            return None
        if self.want is not None and self.measured <= self.want:
            return "want"
        return "must" if self.measured <= self.must else "neither"


def _of(found: Document, proxy: str = PRODUCT) -> dict[str, float]:
    """Take one proxy's row.

    :raises KeyError: when there is none.
    """
    for row in found.get("proxies", ()):
        if row["proxy"] == proxy:
            return dict(row)
    raise KeyError(proxy)


def _added(found: Document) -> float:
    added = [row["added_mib"] for row in found.get("proxies", ()) if row["proxy"] == PRODUCT]
    if not added:
        raise KeyError(PRODUCT)
    return float(max(added))


def _fleet(found: Document, size: str, what: str) -> dict[str, float]:
    """Take what happened to a fleet.

    :raises KeyError: when it did not.
    """
    for event in found.get("events", ()):
        if (event["size"], event["what"]) == (size, what):
            return dict(event)
    raise KeyError(size)


BUDGETS = (
    Budget("CPU per request / nginx", 2.3, 1.5, "compare", lambda found: _of(found)["ratio"]),
    Budget("CPU per request / Envoy", 0.8, 0.5, "compare", lambda found: found["ratios"]["envoy"][PRODUCT]),
    Budget("p99 latency at 70% load / nginx", 3.0, 1.5, "latency", lambda found: _of(found)["ratio"]),
    Budget("10 MiB bodies, CPU per GiB / nginx", 2.5, 1.5, "stream", lambda found: _of(found)["ratio"]),
    Budget("KiB for an idle connection", 12.0, 6.0, "memory", lambda found: _of(found)["kib_each"]),
    Budget(
        *("CPU with 100,000 routes / with 4", 1.05, 1.0, "routes"),
        lambda found: _of(found, MANY_ROUTES)["ratio"],
    ),
    Budget(
        *("longest latency while 100,000 routes are applied, ms", 50.0, 10.0, "apply"),
        lambda found: _of(found)["worst_ms"],
    ),
    Budget("MiB added while 1 GiB passes", None, None, "bodies", _added),
    Budget(
        *("1,000 data planes, 1,000 routes: last ack, s", 1.0, 0.5, "fleet"),
        lambda found: _fleet(found, "1000x1000", CHANGE)["last_s"],
    ),
)


def lines(benchmarks: Benchmarks) -> list[Line]:
    """Compare what was measured with the budgets; what was not has no figure."""
    return [Line(budget.what, budget.must, budget.want, _measured(budget, benchmarks)) for budget in BUDGETS]


def _measured(budget: Budget, benchmarks: Benchmarks) -> float | None:
    try:
        return budget.figure(benchmarks[budget.benchmark])
    except KeyError:
        return None


def document(benchmarks: Benchmarks) -> list[Document]:
    """Write the comparison for programs."""
    return [{**asdict(line), "within": line.within} for line in lines(benchmarks)]


def text(benchmarks: Benchmarks) -> str:
    """Write the comparison as people read it."""
    return table(
        HEADINGS,
        (
            (line.what, *map(_number, (line.must, line.want, line.measured)), line.within)
            for line in lines(benchmarks)
        ),
    )


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
