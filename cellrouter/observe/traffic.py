"""What the data path has done since it started, in numbers that a fleet can add up."""

from bisect import bisect_left

from cellrouter.config import Match
from cellrouter.observe.histogram import BOUNDS_MS, BUCKETS, Histogram, pairs

_BOUNDS_S = tuple(bound_ms / 1000 for bound_ms in BOUNDS_MS)

# Looked up once: each exchange compares them.
_EXACT, _DEFAULT, _MISSING = Match.EXACT, Match.DEFAULT, Match.MISSING


class Traffic:
    """Counts exchanges; slotted and without a call into anything of ours, since each exchange is counted.

    :ivar default: requests whose routing key is not in the table.
    :ivar missing: those without a key.
    :ivar unrouted: those that were refused before they had a route.
    :ivar server_errors: those that were answered with a 5xx, by a cell or by the router.
    :ivar latency: how long exchanges took, from the end of the request's head to their end: how many, for
        each bucket.
    """

    __slots__ = ("default", "latency", "missing", "server_errors", "unrouted")

    def __init__(self) -> None:
        self.default = self.missing = self.unrouted = 0
        self.server_errors = 0
        self.latency = [0] * BUCKETS

    def count(self, status: int, duration_s: float, match: Match | None) -> None:
        """Count an exchange that has ended.

        :param status: what was answered, or 499 when the client went away first.
        :param duration_s: how long it took.
        :param match: why it went where it went, or None when it went nowhere.
        """
        self.latency[bisect_left(_BOUNDS_S, duration_s)] += 1
        # Nearly all are exact: they are what is left of the others.
        if match is not _EXACT:
            if match is _DEFAULT:
                self.default += 1
            elif match is _MISSING:
                self.missing += 1
            else:
                self.unrouted += 1
        if status >= 500:
            self.server_errors += 1

    @property
    def total(self) -> int:
        """How many exchanges have ended."""
        return sum(self.latency)

    @property
    def exact(self) -> int:
        """Those whose routing key is in the table."""
        return self.total - self.default - self.missing - self.unrouted

    def report(self) -> dict[str, object]:
        """Give everything, for messages."""
        return {
            "total": self.total,
            "server_errors": self.server_errors,
            "exact": self.exact,
            "default": self.default,
            "missing": self.missing,
            "unrouted": self.unrouted,
            "latency": Histogram.of(self.latency).packed(),
            "latency_ms": pairs(self.latency),
        }
