"""How much worse the traffic may become where a new snapshot is, by what data planes say they have done."""

from attrs import define, field, frozen

from cellrouter.controlplane.counters import Counters, Tally

MIN_ERRORS = 5
"""Fewer answers with a 5xx than this say nothing of a snapshot."""

MIN_REQUESTS = 500
"""A p99 of fewer exchanges than this is the time of a few outliers."""

MIN_INCREASE_MS = 10.0
"""A p99 that has risen by less is none the worse."""


@frozen
class Gates:
    """How much worse the traffic may become.

    :param max_5xx_increase: percentage points by which the share of 5xx may be higher.
    :param max_p99_increase: percent by which the p99 may be higher.
    """

    max_5xx_increase: float = 1.0
    max_p99_increase: float = 50.0

    def breach(self, new: Tally, old: Tally) -> str | None:
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
        if min(new.timed, old.timed) < MIN_REQUESTS:
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
    """

    new: Tally = field(factory=Tally)
    beside: Tally = field(factory=Tally)
    seen: int = field(init=False, default=0)
    _recent: Tally = field(init=False, factory=Tally)
    _earlier: Tally = field(init=False, factory=Tally)

    def note(self, done: Counters, has_new: bool) -> None:
        """Take note of what a data plane has done.

        :param done: that, since it said so before.
        :param has_new: whether it has the new snapshot.
        """
        if has_new:
            self.new.add(done)
            self.seen += done.total
        else:
            self.beside.add(done)
            self._recent.add(done)

    def begin_bake(self) -> None:
        """Count anew what the data planes do from now on."""
        self.begin_window()
        self.seen = 0

    def begin_window(self) -> None:
        """Look at what the data planes do from now on."""
        self.new, self.beside = Tally(), Tally()

    def age(self) -> None:
        """Forget what was done before the last call."""
        self._earlier, self._recent = self._recent, Tally()

    def recall(self, done: Counters) -> None:
        """Begin with what data planes had done before this control plane was started."""
        self._earlier = Tally()
        self._earlier.add(done)

    @property
    def before(self) -> Tally:
        """What data planes have done lately with the old snapshot."""
        return self._earlier.plus(self._recent)

    @property
    def old(self) -> Tally:
        """What the new snapshot is compared with.

        That is what its neighbours do meanwhile; when that is too little, what all did before they had it.
        """
        return self.beside if self.beside.total >= MIN_REQUESTS else self.before
