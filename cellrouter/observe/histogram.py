"""How long things took, as counts that can be added up over many data planes.

The buckets are those of a DDSketch: each is as much longer than the one before, so that what is read from the
counts is wrong by the same share everywhere. Decision 19 says why it is not a library's.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import ceil, inf
from operator import sub
from typing import cast

import orjson

STEPS_PER_DOUBLING = 16
FIRST_MS = 0.1

BOUNDS_MS = tuple(
    float(f"{FIRST_MS * 2 ** (step / STEPS_PER_DOUBLING):.4g}") for step in range(20 * STEPS_PER_DOUBLING + 1)
)
"""The longest time of each bucket, 0.1 ms to 105 s, each 4.4% more than the one before; a bucket more is for
what took longer. They are the same for everybody, which is what makes counts comparable."""

BUCKETS = len(BOUNDS_MS) + 1

COARSE = 4
"""So many buckets make one of the coarse ones, 19% apart, that are written where each costs."""

COARSE_BOUNDS_MS = BOUNDS_MS[::COARSE]

Pairs = list[list[float | None]]
"""For each coarse bucket with anything in it, its longest time in milliseconds, None for the one without, and
its count: what control planes read that know no other form."""

Packed = dict[str, object]
"""The form for messages: the bounds by their formula, the numbers of the buckets with anything in them, and
their counts. The numbers are text: all of them cost a strict reader of JSON less than two pairs do."""

_LAST = BUCKETS - 1
_MAX_PAIRS = 1000
_MAX_CHARS = 20_000
_MAX_COUNT = 2**53
_MOST = _MAX_COUNT - 1
"""What is added up from counts that are nonsense stays a count that can be sent and kept."""

_TIMES_MS = (
    BOUNDS_MS[0],
    *(float(f"{(shorter * longer) ** 0.5:.4g}") for shorter, longer in pairwise(BOUNDS_MS)),
    BOUNDS_MS[-1],
)


def quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """Say what a share of the times did not exceed.

    :param counts: one for each bucket.
    :param share: 0.99 for the p99.
    :returns: milliseconds, up to 2.3% more or less than it was; for what took longer than the longest bound,
        that one. None when nothing was counted.
    """
    so_far = list(accumulate(counts))
    if not so_far[-1]:
        return None
    # Rounded up to whole times, and one at least; not above all of them, however the share is rounded.
    wanted = min(max(1, ceil(share * so_far[-1])), so_far[-1])
    return _TIMES_MS[bisect_left(so_far, wanted)]


def coarse(counts: Sequence[int]) -> list[int]:
    """Add up the buckets that make a coarse one.

    :param counts: one for each bucket.
    :returns: one for each of :data:`COARSE_BOUNDS_MS`, and one for what took longer.
    """
    return [
        counts[0],
        *(sum(counts[number : number + COARSE]) for number in range(1, _LAST, COARSE)),
        counts[_LAST],
    ]


class Histogram:
    """Counts of times by bucket, as they are sent and kept: only of buckets with anything in them.

    It is not changed once it is made. Arrays, since a control plane keeps some for each data plane.

    :ivar buckets: the numbers of the buckets, each once.
    :ivar counts: theirs.

    :param buckets: the numbers of the buckets, each once.
    :param counts: theirs.
    :raises ValueError: when these are no numbers that there can be.
    """

    __slots__ = ("buckets", "counts")

    def __init__(self, buckets: Iterable[int] = (), counts: Iterable[int] = ()) -> None:
        try:
            self.buckets, self.counts = array("H", buckets), array("Q", counts)
        except (TypeError, OverflowError):
            raise ValueError("a number of a histogram is none, negative or too large") from None

    @classmethod
    def of(cls, counts: Sequence[int]) -> "Histogram":
        """Make one of a count for each bucket."""
        return cls._by({number: min(count, _MOST) for number, count in enumerate(counts) if count})

    @classmethod
    def _by(cls, counts: Mapping[int, int]) -> "Histogram":
        return cls(counts.keys(), counts.values())

    def by_bucket(self) -> dict[int, int]:
        """Give the counts by the number of their bucket."""
        return dict(zip(self.buckets, self.counts, strict=True))

    def since(self, earlier: "Histogram") -> "Histogram":
        """Take away what was counted before.

        :param earlier: what the same data plane said earlier, not restarted in between.
        """
        if self.buckets == earlier.buckets:
            # So it is nearly always, and takes a third of the time.
            then: Iterable[int] = earlier.counts
        else:
            before = earlier.by_bucket()
            then = [before.get(number, 0) for number in self.buckets]
        risen = map(sub, self.counts, then)
        return Histogram._by(
            {number: more for number, more in zip(self.buckets, risen, strict=True) if more > 0}
        )

    def plus(self, other: "Histogram") -> "Histogram":
        """Add up."""
        added = Counter(self.by_bucket()) + Counter(other.by_bucket())
        return Histogram._by({number: min(count, _MOST) for number, count in added.items()})

    def packed(self) -> Packed:
        """Give the form for messages."""
        return {
            "first_ms": FIRST_MS,
            "steps_per_doubling": STEPS_PER_DOUBLING,
            "buckets": ",".join(map(str, self.buckets)),
            "counts": ",".join(map(str, self.counts)),
        }

    @classmethod
    def from_packed(cls, packed: object) -> "Histogram":
        """Read what another program sent; bounds that are not ours are taken for the next one that is.

        :param packed: the form for messages, not yet checked.
        :raises ValueError: when it is anything else.
        """
        match packed:
            case {
                "first_ms": int() | float() as first_ms,
                "steps_per_doubling": int() as steps,
                "buckets": str() as buckets,
                "counts": str() as counts,
            } if 0 < first_ms < _MAX_COUNT and 0 < steps <= _MAX_PAIRS:
                sent = cls(_array(buckets), _array(counts))
            case _:
                raise ValueError("a histogram is how its bounds are made, the numbers of buckets, and counts")
        if len(sent.buckets) != len(sent.counts) or len(set(sent.buckets)) < len(sent.buckets):
            raise ValueError("a histogram has each bucket once, with its count")
        if max(sent.counts, default=0) >= _MAX_COUNT:
            raise ValueError("a count of a histogram is too large")
        ours = (first_ms, steps) == (FIRST_MS, STEPS_PER_DOUBLING)
        if ours and max(sent.buckets, default=0) <= _LAST:
            return sent
        bounds_ms = [_bound_ms(first_ms, number / steps) for number in sent.buckets]
        return cls._added(zip(bounds_ms, sent.counts, strict=True))

    @classmethod
    def from_pairs(cls, pairs: object) -> "Histogram":
        """Read what a program sent that knows pairs only.

        :param pairs: as in :data:`Pairs`, not yet checked.
        :raises ValueError: when it is anything else.
        """
        if not isinstance(pairs, list) or len(pairs) > _MAX_PAIRS:
            raise ValueError(f"a histogram is an array of at most {_MAX_PAIRS} pairs")
        return cls._added(map(_pair, pairs))

    @classmethod
    def _added(cls, pairs: Iterable[tuple[float, int]]) -> "Histogram":
        found: dict[int, int] = {}
        for bound_ms, count in pairs:
            # Bounds are rounded, so the same one may be a little longer where another program wrote it.
            number = bisect_left(BOUNDS_MS, bound_ms * 0.999)
            found[number] = min(found.get(number, 0) + count, _MOST)
        return cls._by(found)


def pairs(counts: Sequence[int]) -> Pairs:
    """Give the form for control planes that know no other.

    :param counts: one for each bucket.
    """
    bounds = (*COARSE_BOUNDS_MS, None)
    return [[bound, count] for bound, count in zip(bounds, coarse(counts), strict=True) if count]


def _array(text: str) -> list[int]:
    """Read a list of something.

    :raises ValueError: when it is none, or too long.
    """
    if len(text) > _MAX_CHARS:
        raise ValueError(f"the numbers of a histogram have at most {_MAX_CHARS} characters")
    return cast(list[int], orjson.loads(f"[{text}]"))


def _bound_ms(first_ms: float, doublings: float) -> float:
    return first_ms * 2**doublings if doublings < 100 else inf


def _pair(pair: object) -> tuple[float, int]:
    match pair:
        case [None, int(count)] if 0 <= count < _MAX_COUNT:
            return inf, count
        case [int() | float() as bound_ms, int(count)] if bound_ms > 0 and 0 <= count < _MAX_COUNT:
            return bound_ms, count
        case _:
            raise ValueError("each pair is a time in milliseconds, or null, and a count")
