"""What data planes say they have done, and sums of it."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice

from attrs import define, field, frozen

from cellrouter.controlplane.placements import MAX_PLACEMENTS, Seen
from cellrouter.observe.histogram import BUCKETS, Histogram, quantile_ms

_MAX_COUNT = 2**53
_MAX_SINCE = 64
_MAX_NAMES = 1000
_NOTHING = Histogram()


@frozen
class Counters:
    """What one data plane has done, since it was started or in a while.

    :ivar total: exchanges that have ended.
    :ivar server_errors: those that were answered with a 5xx.
    :ivar exact: those whose routing key is in the table.
    :ivar default: those whose routing key is not.
    :ivar latency: how long they took.
    :ivar placements: how many each placement was given.
    :ivar process: when it was started, as it says: what tells its counts from those of another process.
    """

    total: int = 0
    server_errors: int = 0
    exact: int = 0
    default: int = 0
    latency: Histogram = _NOTHING
    placements: Mapping[str, int] = field(factory=dict)
    process: str | None = None

    @classmethod
    def reported(cls, requests: Mapping[str, object], placements: Mapping[str, Seen]) -> "Counters | None":
        """Read what a data plane says in its status.

        :param requests: not yet checked.
        :param placements: how it sees its placements.
        :returns: None when it does not say that, or nonsense.
        """
        total, server_errors, exact, default = (
            _count(requests.get(name, least))
            for name, least in (("total", None), ("server_errors", None), ("exact", 0), ("default", 0))
        )
        if total is None or server_errors is None or exact is None or default is None:
            return None
        if max(server_errors, exact + default) > total:
            return None
        try:
            latency = _latency(requests)
        except ValueError:
            return None
        process = requests.get("since")
        return cls(
            *(total, server_errors, exact, default, latency),
            {name: seen.requests for name, seen in placements.items() if seen.requests is not None},
            process if isinstance(process, str) and len(process) <= _MAX_SINCE else None,
        )

    def document(self) -> dict[str, object]:
        """Write of it what :meth:`reported` needs."""
        return {
            "total": self.total,
            "server_errors": self.server_errors,
            "latency": self.latency.packed(),
        }

    def since(self, earlier: "Counters") -> "Counters | None":
        """Take away what the same data plane had done before.

        :returns: None when it was restarted in between, or when these are two data planes that share a name.
        """
        if self.process != earlier.process or self.total < earlier.total:
            return None
        total = self.total - earlier.total
        exact = min(total, max(0, self.exact - earlier.exact))
        return Counters(
            total,
            min(total, max(0, self.server_errors - earlier.server_errors)),
            exact,
            min(total - exact, max(0, self.default - earlier.default)),
            self.latency.since(earlier.latency),
            {
                name: done
                for name, count in self.placements.items()
                if (done := _risen(count, earlier.placements.get(name, 0)))
            },
            self.process,
        )

    def plus(self, later: "Counters") -> "Counters":
        """Add up what was done in a while and in the one after it."""
        return Counters(
            self.total + later.total,
            self.server_errors + later.server_errors,
            self.exact + later.exact,
            self.default + later.default,
            self.latency.plus(later.latency),
            dict(islice((Counter(self.placements) + Counter(later.placements)).items(), MAX_PLACEMENTS)),
            self.process,
        )


@define
class Tally:
    """A sum of what data planes have done.

    :ivar total: exchanges that have ended.
    :ivar server_errors: those that were answered with a 5xx.
    :ivar exact: those whose routing key is in the table.
    :ivar default: those whose routing key is not.
    :ivar latency: how long they took: how many, for each bucket.
    :ivar placements: how many each placement was given.
    """

    total: int = 0
    server_errors: int = 0
    exact: int = 0
    default: int = 0
    latency: list[int] = field(factory=lambda: [0] * BUCKETS)
    placements: dict[str, int] = field(factory=dict)

    def add(self, done: Counters) -> None:
        """Count what was done."""
        self.total += done.total
        self.server_errors += done.server_errors
        self.exact += done.exact
        self.default += done.default
        latency, placements = self.latency, self.placements
        for number, count in zip(done.latency.buckets, done.latency.counts, strict=True):
            latency[number] += count
        for name, count in done.placements.items():
            if name in placements or len(placements) < _MAX_NAMES:
                placements[name] = placements.get(name, 0) + count

    def plus(self, other: "Tally") -> "Tally":
        """Add up."""
        names = self.placements.keys() | other.placements.keys()
        return Tally(
            self.total + other.total,
            self.server_errors + other.server_errors,
            self.exact + other.exact,
            self.default + other.default,
            list(map(sum, zip(self.latency, other.latency, strict=True))),
            {name: self.placements.get(name, 0) + other.placements.get(name, 0) for name in names},
        )

    def counters(self) -> Counters:
        """Give the sum as if one data plane had done it all; where it went is not said."""
        latency = Histogram.of(self.latency)
        return Counters(self.total, self.server_errors, self.exact, self.default, latency)

    @property
    def timed(self) -> int:
        """Of how many it is known how long they took."""
        return sum(self.latency)

    @property
    def errors_pct(self) -> float:
        """How many percent were answered with a 5xx."""
        return 100 * self.server_errors / self.total if self.total else 0.0

    @property
    def keyed(self) -> int:
        """How many had a routing key that was looked for in the table.

        The share of the default placement is one of these. A request without a key goes there as well, and
        no change of the table is the reason or the remedy: a flood of them would hide what the share is there
        to show, or be taken for it.
        """
        return self.exact + self.default

    def quantile_ms(self, share: float) -> float | None:
        """Say what a share of the exchanges did not exceed; None when there were none."""
        return quantile_ms(self.latency, share)

    @property
    def p99_ms(self) -> float | None:
        """What 99% of the exchanges did not exceed; None when there were none."""
        return self.quantile_ms(0.99)


def _count(value: object) -> int | None:
    """Read a count; None when it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT:
        return value
    return None


def _latency(requests: Mapping[str, object]) -> Histogram:
    """Read how long exchanges took.

    :raises ValueError: when it is not said.
    """
    if "latency" in requests:
        return Histogram.from_packed(requests["latency"])
    # So say those that were built before the other form was.
    return Histogram.from_pairs(requests.get("latency_ms"))


def _risen(now: int, before: int) -> int:
    """Tell by how much a placement's count has risen; one that moved began at zero again."""
    return now - before if now >= before else now
