"""What work costs, in figures: CPU time for a unit of it, medians and ratios."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from attrs import asdict, frozen

from benchmarks.compare import Comparison, Measured, Sample, Workload
from benchmarks.lineup import Lineup
from benchmarks.quiet import QUIET, Patience
from benchmarks.result import Document, Settings, document

GIB = 1024**3
MIB = 1024**2


@frozen
class Figures:
    """What a benchmark computes from a sample.

    :param cost_name: heading of the CPU time for a unit of work.
    :param cost: computes it.
    :param rate_name: heading of the work done in a second.
    :param rate: computes it.
    """

    cost_name: str
    cost: Callable[[Sample], float]
    rate_name: str
    rate: Callable[[Sample], float]


REQUESTS = Figures(
    "CPU us/request",
    lambda sample: sample.cpu_s * 1e6 / sample.served.requests,
    "requests/s",
    lambda sample: sample.served.requests / sample.served.duration_s,
)
BYTES = Figures(
    "CPU ms/GiB",
    lambda sample: sample.cpu_s * 1e3 / (sample.served.received_bytes / GIB),
    "MiB/s",
    lambda sample: sample.served.received_bytes / MIB / sample.served.duration_s,
)


@frozen
class Row:
    """One proxy's figures, each the median of its rounds.

    :param proxy: its name.
    :param cost: CPU time for a unit of work.
    :param lowest: the lowest such figure of a round.
    :param highest: the highest.
    :param ratio: its cost to the baseline's in the same round, or None where the baseline has none.
    :param rate: work done in a second.
    :param busy: the share of the time that its core was busy with it; well below 1, the load was what
        was slow.
    """

    proxy: str
    cost: float
    lowest: float
    highest: float
    ratio: float | None
    rate: float
    busy: float


def rows(samples: Sequence[Sample], figures: Figures, baseline: str) -> list[Row]:
    """Compute the figures.

    :param samples: of all proxies and rounds.
    :param figures: which figures.
    :param baseline: whom the others are compared to.
    :returns: a row for each proxy, cheapest first.
    """
    of_baseline = {each.round_number: figures.cost(each) for each in samples if each.peer == baseline}
    names = dict.fromkeys(each.peer for each in samples)
    found = [_row([each for each in samples if each.peer == name], figures, of_baseline) for name in names]
    return sorted(found, key=lambda row: row.cost)


def _row(samples: Sequence[Sample], figures: Figures, of_baseline: Mapping[int, float]) -> Row:
    costs = [figures.cost(each) for each in samples]
    # Both of a round ran within seconds of each other: their ratio holds where the machine's pace does not.
    ratios = [
        figures.cost(each) / of_baseline[each.round_number]
        for each in samples
        if each.round_number in of_baseline
    ]
    return Row(
        proxy=samples[0].peer,
        cost=median(costs),
        lowest=min(costs),
        highest=max(costs),
        ratio=median(ratios) if ratios else None,
        rate=median(map(figures.rate, samples)),
        busy=median(each.cpu_s / each.served.duration_s for each in samples),
    )


@frozen
class Costs:
    """A benchmark of what work costs.

    :param title: what it measures, a line.
    :param workload: what is served.
    :param figures: which figures.
    :param baseline: whom the others are compared to.
    """

    title: str
    workload: Workload
    figures: Figures
    baseline: str

    def measure(self, settings: Settings) -> Document:
        """Measure the costs of all proxies.

        :raises CouldNotRun: when the cells do not start.
        """
        lineup = Lineup(settings.cores, settings.report)
        comparison = Comparison(
            self.workload, settings.seconds, lineup, Patience(settings.cores, settings.patience_s)
        )
        return self.write(settings, comparison.run(settings.peers, settings.rounds))

    def write(self, settings: Settings, measured: Measured) -> Document:
        """Write down what came of it, each sample too."""
        found = rows(measured.samples, self.figures, self.baseline)
        return document(
            self.title,
            settings,
            (
                *("proxy", self.figures.cost_name, "lowest-highest"),
                *(f"to {self.baseline}", self.figures.rate_name, "core busy"),
            ),
            map(_cells, found),
            notes=_notes(measured.samples),
            failures=measured.failures,
            workload=asdict(self.workload),
            cost=self.figures.cost_name,
            rate=self.figures.rate_name,
            proxies=[asdict(row) for row in found],
            ratios={
                row.proxy: {
                    each.proxy: each.ratio for each in rows(measured.samples, self.figures, row.proxy)
                }
                for row in found
            },
            samples=[asdict(sample) for sample in measured.samples],
        )


def _notes(samples: Sequence[Sample]) -> list[str]:
    disturbed = sum(not sample.quiet for sample in samples)
    if not disturbed:
        return []
    total = len(samples)
    return [f"{disturbed} of {total} samples were taken while others had over {QUIET:.0%} of a core"]


def _cells(row: Row) -> tuple[str | None, ...]:
    return (
        row.proxy,
        f"{row.cost:.1f}",
        f"{row.lowest:.1f}-{row.highest:.1f}",
        None if row.ratio is None else f"{row.ratio:.2f}",
        f"{row.rate:,.0f}",
        f"{row.busy:.0%}",
    )
