"""How long things took, as counts that can be added up over many data planes."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

STEPS_PER_DOUBLING = 4

BOUNDS_MS = tuple(float(f"{0.1 * 2 ** (step / STEPS_PER_DOUBLING):.4g}") for step in range(81))
"""The longest time of each bucket, 0.1 ms to 105 s, each 19% more than the one before; a bucket more is for
what took longer. They are the same for everybody, which is what makes counts comparable."""

Pairs = list[list[float | None]]
"""The form for messages: for each bucket with anything in it, its longest time in milliseconds, None for the
one without, and its count."""

_MAX_PAIRS = 1000
_MAX_COUNT = 2**53


class Histogram:
    """Counts of times by bucket; slotted and mutable, since the data path counts in it.

    :ivar counts: one for each of :data:`BOUNDS_MS`, and one for what took longer.

    :param counts: where to begin; nothing counted unless given.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Sequence[int] | None = None) -> None:
        self.counts = [0] * (len(BOUNDS_MS) + 1) if counts is None else list(counts)

    @classmethod
    def total(cls, histograms: Iterable["Histogram"]) -> "Histogram":
        """Add up."""
        return cls(
            [sum(column) for column in zip(*(each.counts for each in histograms), strict=True)] or None
        )

    def since(self, earlier: "Histogram") -> "Histogram":
        """Take away what was counted before.

        :param earlier: what the same data plane said earlier, not restarted in between.
        """
        return Histogram([max(0, now - then) for now, then in zip(self.counts, earlier.counts, strict=True)])

    @property
    def count(self) -> int:
        """How many times were counted."""
        return sum(self.counts)

    def quantile_ms(self, share: float) -> float | None:
        """Say what a share of the times did not exceed.

        :param share: 0.99 for the p99.
        :returns: milliseconds, up to 19% more than it was; for what took longer than the longest bound,
            that one. None when nothing was counted.
        """
        wanted, seen = share * self.count, 0
        for number, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return BOUNDS_MS[min(number, len(BOUNDS_MS) - 1)]
        return None

    def pairs(self) -> Pairs:
        """Give the form for messages."""
        bounds = (*BOUNDS_MS, None)
        return [[bound, count] for bound, count in zip(bounds, self.counts, strict=True) if count]

    @classmethod
    def from_pairs(cls, pairs: object) -> "Histogram":
        """Read what another program sent; bounds that are not ours are taken for the next one that is.

        :param pairs: the form for messages, not yet checked.
        :raises ValueError: when it is anything else.
        """
        if not isinstance(pairs, list) or len(pairs) > _MAX_PAIRS:
            raise ValueError(f"a histogram is an array of at most {_MAX_PAIRS} pairs")
        histogram = cls()
        for pair in pairs:
            match pair:
                case [None, int(count)] if 0 <= count < _MAX_COUNT:
                    histogram.counts[-1] += count
                case [int() | float() as bound_ms, int(count)] if bound_ms > 0 and 0 <= count < _MAX_COUNT:
                    histogram.counts[bisect_left(BOUNDS_MS, bound_ms)] += count
                case _:
                    raise ValueError("each pair is a time in milliseconds, or null, and a count")
        return histogram
