"""Latency at 70% of what a proxy can serve, beside nginx's at the same rate."""

from collections.abc import Mapping, Sequence
from math import inf
from statistics import median

from attrs import asdict, define, frozen

from benchmarks.lineup import Lineup, Up
from benchmarks.load import drive
from benchmarks.machine import TICKS_PER_S
from benchmarks.paced import Paced, pace, percentile
from benchmarks.peers import BASELINE, Started
from benchmarks.quiet import MAX_TRIES, QUIET, Patience, Watch
from benchmarks.result import Document, Settings, document

SHARE = 0.7
CONNECTIONS = 64
CAPACITY_CONNECTIONS = 32
CAPACITY_S = 2
WARM_UP_S = 1
LATE_US = 1000
"""A load that sent one request in a hundred later than this measured itself."""


@frozen
class Run:
    """One load at a constant rate.

    :param p50_us: the median latency.
    :param p99_us: what one request in a hundred took longer than.
    :param late_p99_us: what one in a hundred was sent later than, after it was due.
    :param others: the share of a core that nobody of ours took.
    """

    p50_us: float
    p99_us: float
    late_p99_us: float
    others: float

    @classmethod
    def of(cls, paced: Paced, others: float) -> "Run":
        """Compute the figures."""
        return cls(
            percentile(paced.latency_us, 0.5),
            percentile(paced.latency_us, 0.99),
            percentile(paced.late_us, 0.99),
            others,
        )


@frozen
class Pair:
    """A proxy and the baseline at the same rate, one directly after the other.

    :param peer: the proxy's name.
    :param round_number: from 1 up.
    :param per_s: requests in a second.
    :param run: the proxy's.
    :param baseline: the baseline's, or None where it has none.
    """

    peer: str
    round_number: int
    per_s: int
    run: Run
    baseline: Run | None

    @property
    def runs(self) -> list[Run]:
        """Every run there was, the one of the baseline beside itself once."""
        return [self.run] if self.baseline in (None, self.run) else [self.run, self.baseline]


@frozen
class Row:
    """One proxy's figures, each the median of its rounds.

    :param proxy: its name.
    :param per_s: requests in a second.
    :param p50_us: the median latency.
    :param p99_us: what one request in a hundred took longer than.
    :param baseline_p99_us: the same of the baseline at that rate, or None where it has none.
    :param ratio: the proxy's to the baseline's in the same round, or None.
    :param late_p99_us: what one request in a hundred was sent later than, after it was due.
    """

    proxy: str
    per_s: int
    p50_us: float
    p99_us: float
    baseline_p99_us: float | None
    ratio: float | None
    late_p99_us: float


@define
class Latency:
    """Measures pairs of runs: a proxy at 70% of its capacity, and the baseline at that rate.

    :param settings: how much is measured.
    :param lineup: starts the proxies.
    :param patience: waits until nobody else is busy.
    """

    settings: Settings
    lineup: Lineup
    patience: Patience

    def run(self) -> list[Pair]:
        """Measure every proxy in every round; one that fails is left out from then on.

        :raises CouldNotRun: when the cells do not start.
        """
        pairs = []
        with self.lineup.up(self.settings.peers) as up:
            rates: dict[str, int] = {}
            for name, proxy in self.lineup.turns(up):
                with self.lineup.failing(name):
                    rates[name] = self._rate(name, proxy)
            for number in range(1, self.settings.rounds + 1):
                for name, proxy in self.lineup.turns(up):
                    with self.lineup.failing(name):
                        pairs.append(self._pair(name, proxy, up, number, rates[name]))
        return pairs

    def _rate(self, name: str, proxy: Started) -> int:
        """Find out what 70% of a proxy's capacity are."""
        core = self.settings.cores.load
        drive(proxy.port, "/", CAPACITY_CONNECTIONS, WARM_UP_S, core)
        self.patience.await_quiet()
        before_s = proxy.process.cpu_s()
        served = drive(proxy.port, "/", CAPACITY_CONNECTIONS, CAPACITY_S, core)
        # By its CPU time, so that neither a slow load nor others on its core make it look slower.
        cpu_s = max(1 / TICKS_PER_S, proxy.process.cpu_s() - before_s)
        per_s = max(1, round(SHARE * served.requests / cpu_s))
        self.settings.report(f"{name}: {SHARE:.0%} of its capacity are {per_s:,} requests/s")
        return per_s

    def _pair(self, name: str, proxy: Started, up: Up, number: int, per_s: int) -> Pair:
        self.patience.await_quiet()
        run = self._run(proxy, up, per_s)
        beside = None
        if name == BASELINE:
            beside = run
        elif BASELINE in up.proxies and BASELINE not in self.lineup.failures:
            with self.lineup.failing(BASELINE):
                beside = self._run(up.proxies[BASELINE], up, per_s)
        self.settings.report(f"round {number}: {name}: p99 {run.p99_us:.0f} us at {per_s:,} requests/s")
        return Pair(name, number, per_s, run, beside)

    def _run(self, proxy: Started, up: Up, per_s: int) -> Run:
        """Load a proxy, and again if somebody else was busy meanwhile."""
        seconds = self.settings.seconds
        for _ in range(MAX_TRIES):
            watch = Watch(proxy, up.to, self.settings.cores)
            paced = pace(proxy.port, per_s, seconds, CONNECTIONS, self.settings.cores.load)
            run = Run.of(paced, watch.spent().others_s / seconds)
            if run.others <= QUIET or not self.patience.has(seconds):
                break
        return run


def rows(pairs: Sequence[Pair]) -> list[Row]:
    """Compute the figures.

    :param pairs: of all proxies and rounds.
    :returns: a row for each proxy, the lowest ratio first.
    """
    names = dict.fromkeys(pair.peer for pair in pairs)
    found = [_row([pair for pair in pairs if pair.peer == name]) for name in names]
    return sorted(found, key=lambda row: inf if row.ratio is None else row.ratio)


def _row(pairs: Sequence[Pair]) -> Row:
    beside = [(pair.run.p99_us, pair.baseline.p99_us) for pair in pairs if pair.baseline is not None]
    return Row(
        proxy=pairs[0].peer,
        per_s=pairs[0].per_s,
        p50_us=median(pair.run.p50_us for pair in pairs),
        p99_us=median(pair.run.p99_us for pair in pairs),
        baseline_p99_us=median(baseline for _, baseline in beside) if beside else None,
        ratio=median(own / baseline for own, baseline in beside) if beside else None,
        late_p99_us=median(pair.run.late_p99_us for pair in pairs),
    )


def measure(settings: Settings) -> Document:
    """Measure latencies.

    :raises CouldNotRun: when the cells do not start.
    """
    lineup = Lineup(settings.cores, settings.report)
    pairs = Latency(settings, lineup, Patience(settings.cores, settings.patience_s)).run()
    return write(settings, pairs, lineup.failures)


def write(settings: Settings, pairs: Sequence[Pair], failures: Mapping[str, str]) -> Document:
    """Write down what came of it."""
    found = rows(pairs)
    return document(
        f"Latency at {SHARE:.0%} of a proxy's own capacity, and {BASELINE}'s at the same rate",
        settings,
        (
            "proxy",
            "requests/s",
            "p50 us",
            "p99 us",
            f"{BASELINE} p99 us",
            f"to {BASELINE}",
            "sent late us",
        ),
        map(_cells, found),
        notes=_notes(pairs),
        failures=failures,
        proxies=[asdict(row) for row in found],
        samples=[asdict(pair) for pair in pairs],
    )


def _cells(row: Row) -> tuple[str | None, ...]:
    return (
        row.proxy,
        f"{row.per_s:,}",
        f"{row.p50_us:,.0f}",
        f"{row.p99_us:,.0f}",
        None if row.baseline_p99_us is None else f"{row.baseline_p99_us:,.0f}",
        None if row.ratio is None else f"{row.ratio:.2f}",
        f"{row.late_p99_us:,.0f}",
    )


def _notes(pairs: Sequence[Pair]) -> list[str]:
    runs = [run for pair in pairs for run in pair.runs]
    notes = []
    if late := sum(run.late_p99_us > LATE_US for run in runs):
        notes.append(f"{late} of {len(runs)} loads sent 1% of the requests over {LATE_US} us late")
    if disturbed := sum(run.others > QUIET for run in runs):
        notes.append(f"{disturbed} of {len(runs)} loads ran while others had over {QUIET:.0%} of a core")
    return notes
