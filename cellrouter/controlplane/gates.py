"""How much worse the traffic may become where a new snapshot is, by what data planes say they have done."""

from collections.abc import Mapping

from attrs import define, field, frozen

from cellrouter.observe.histogram import Histogram

MIN_ERRORS = 5
"""Fewer answers with a 5xx than this say nothing of a snapshot."""

MIN_REQUESTS = 500
"""A p99 of fewer exchanges than this is the time of a few outliers."""

MIN_INCREASE_MS = 10.0
"""A p99 that has risen by less is none the worse: for short times that is a bucket or two."""

_MAX_COUNT = 2**53


@frozen
class Traffic:
    """What data planes have done, in numbers that can be added up.

    :ivar total: exchanges that have ended.
    :ivar server_errors: those that were answered with a 5xx.
    :ivar latency: how long they took; not changed any more once it is here.
    """

    total: int = 0
    server_errors: int = 0
    latency: Histogram = field(factory=Histogram)

    @classmethod
    def reported(cls, requests: Mapping[str, object]) -> "Traffic | None":
        """Read what a data plane says in its status.

        :param requests: not yet checked.
        :returns: None when it does not say that, or nonsense.
        """
        total, server_errors = requests.get("total"), requests.get("server_errors")
        if not (_is_count(total) and _is_count(server_errors)):
            return None
        try:
            latency = Histogram.from_pairs(requests.get("latency_ms"))
        except ValueError:
            return None
        assert isinstance(total, int)
        assert isinstance(server_errors, int)
        return cls(total, server_errors, latency)

    def document(self) -> dict[str, object]:
        """Write what :meth:`reported` reads."""
        return {
            "total": self.total,
            "server_errors": self.server_errors,
            "latency_ms": self.latency.pairs(),
        }

    def since(self, earlier: "Traffic") -> "Traffic":
        """Take away what the same data plane had done before; nothing, when it has been restarted since."""
        if self.total < earlier.total:
            return self
        errors = max(0, self.server_errors - earlier.server_errors)
        return Traffic(self.total - earlier.total, errors, self.latency.since(earlier.latency))

    def plus(self, other: "Traffic") -> "Traffic":
        """Add up."""
        latency = Histogram.total((self.latency, other.latency))
        return Traffic(self.total + other.total, self.server_errors + other.server_errors, latency)

    @property
    def errors_pct(self) -> float:
        """How many percent were answered with a 5xx."""
        return 100 * self.server_errors / self.total if self.total else 0.0

    @property
    def p99_ms(self) -> float | None:
        """What 99% of the exchanges did not exceed; None when there were none."""
        return self.latency.quantile_ms(0.99)


@frozen
class Gates:
    """How much worse the traffic may become.

    :param max_5xx_increase: percentage points by which the share of 5xx may be higher.
    :param max_p99_increase: percent by which the p99 may be higher.
    """

    max_5xx_increase: float = 1.0
    max_p99_increase: float = 50.0

    def breach(self, new: Traffic, old: Traffic) -> str | None:
        """Tell what is too much, for people.

        :param new: the traffic of data planes with the new snapshot.
        :param old: what it is compared with; one that is empty is without errors.
        :returns: None when all is well, or too little is known.
        """
        rise = new.errors_pct - old.errors_pct
        if new.server_errors >= MIN_ERRORS and rise > self.max_5xx_increase:
            return (
                f"{new.errors_pct:.2f}% of {new.total} requests were answered with a 5xx,"
                f" {old.errors_pct:.2f}% of {old.total} with the snapshot before;"
                f" --max-5xx-increase is {self.max_5xx_increase:g}"
            )
        if min(new.latency.count, old.latency.count) < MIN_REQUESTS:
            return None
        now_ms, then_ms = new.p99_ms, old.p99_ms
        assert now_ms is not None
        assert then_ms is not None
        limit_ms = max(then_ms * (1 + self.max_p99_increase / 100), then_ms + MIN_INCREASE_MS)
        if now_ms > limit_ms:
            return (
                f"the p99 is {now_ms:g} ms, {then_ms:g} ms with the snapshot before;"
                f" --max-p99-increase is {self.max_p99_increase:g}"
            )
        return None


@define
class Meter:
    """Adds up what the data planes do, apart for those that have the new snapshot and those that do not.

    :ivar new: by those that have it, in the window that is looked at.
    :ivar beside: by the others, in the same.
    :ivar seen: how many requests by those that have it, since the bake began.
    :ivar heard: those that have it and have said what they did, since the bake began.
    """

    new: Traffic = field(factory=Traffic)
    beside: Traffic = field(factory=Traffic)
    seen: int = field(init=False, default=0)
    heard: set[str] = field(init=False, factory=set)
    _recent: Traffic = field(init=False, factory=Traffic)
    _earlier: Traffic = field(init=False, factory=Traffic)
    _last: dict[str, Traffic] = field(init=False, factory=dict)

    def note(self, name: str, traffic: Traffic, has_new: bool) -> None:
        """Take note of a data plane's status.

        The first one is where its count begins: it may have run for days.

        :param name: the data plane.
        :param traffic: all that it has done since it was started.
        :param has_new: whether it has the new snapshot.
        """
        if has_new:
            self.heard.add(name)
        last = self._last.get(name)
        self._last[name] = traffic
        if last is None:
            return
        done = traffic.since(last)
        if has_new:
            self.new = self.new.plus(done)
            self.seen += done.total
        else:
            self.beside = self.beside.plus(done)
            self._recent = self._recent.plus(done)

    def forget(self, name: str) -> None:
        """Forget where the count of a data plane stood: it has left."""
        self._last.pop(name, None)
        self.heard.discard(name)

    def begin_bake(self) -> None:
        """Count anew what the data planes do from now on."""
        self.begin_window()
        self.seen = 0
        self.heard.clear()

    def begin_window(self) -> None:
        """Look at what the data planes do from now on."""
        self.new, self.beside = Traffic(), Traffic()

    def age(self) -> None:
        """Forget what was done before the last call."""
        self._earlier, self._recent = self._recent, Traffic()

    def recall(self, traffic: Traffic) -> None:
        """Begin with what data planes had done before this control plane was started."""
        self._earlier = traffic

    @property
    def before(self) -> Traffic:
        """What data planes have done lately with the old snapshot."""
        return self._earlier.plus(self._recent)

    @property
    def old(self) -> Traffic:
        """What the new snapshot is compared with.

        That is what its neighbours do meanwhile; when that is too little, what all did before they had it.
        """
        return self.beside if self.beside.total >= MIN_REQUESTS else self.before


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT
