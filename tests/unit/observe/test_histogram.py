"""How long things took, over many data planes."""

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Match
from cellrouter.observe import Histogram, Traffic
from cellrouter.observe.histogram import (
    BOUNDS_MS,
    BUCKETS,
    COARSE_BOUNDS_MS,
    coarse,
    pairs,
    quantile_ms,
)

times_ms = st.lists(st.floats(min_value=0.0, max_value=200_000.0), min_size=1, max_size=200)

COARSE_BEFORE_MS = tuple(float(f"{0.1 * 2 ** (step / 4):.4g}") for step in range(81))
"""The bounds of data planes and control planes that know pairs only."""


def counts(*durations_ms: float) -> list[int]:
    """Count times as the data path does."""
    traffic = Traffic()
    for duration_ms in durations_ms:
        traffic.count(200, duration_ms / 1000, Match.EXACT)
    return traffic.latency


def of(*durations_ms: float) -> Histogram:
    """Count times, and give what is sent of them."""
    return Histogram.of(counts(*durations_ms))


def dense(histogram: Histogram) -> list[int]:
    """Give a count for each bucket."""
    return [histogram.by_bucket().get(number, 0) for number in range(BUCKETS)]


class QuantileTests(SynchronousTestCase):
    """What a share of the times did not exceed."""

    @given(times_ms, st.sampled_from((0.5, 0.9, 0.99, 1.0)))
    def test_it_is_a_fortieth_too_much_or_too_little_at_most(self, times: list[float], share: float) -> None:
        times = sorted(time for time in times if time <= BOUNDS_MS[-1]) or [1.0]
        exact = times[max(0, -(-len(times) * int(share * 100) // 100) - 1)]
        told = quantile_ms(counts(*times), share)
        assert told is not None
        self.assertLessEqual(abs(told - max(exact, BOUNDS_MS[0])), 0.025 * told)

    def test_of_nothing_there_is_none(self) -> None:
        self.assertIsNone(quantile_ms(counts(), 0.99))

    def test_what_took_longer_than_the_longest_bound_counts_as_that(self) -> None:
        self.assertEqual(quantile_ms(counts(1e9), 0.5), BOUNDS_MS[-1])


class AddingTests(SynchronousTestCase):
    """Those of a while, and of two."""

    @given(times_ms, times_ms)
    def test_what_is_added_can_be_taken_away(self, ours: list[float], theirs: list[float]) -> None:
        total = of(*ours).plus(of(*theirs))
        self.assertEqual(dense(total), counts(*ours, *theirs))
        self.assertEqual(dense(total.since(of(*ours))), counts(*theirs))

    def test_one_that_began_again_never_counts_below_nothing(self) -> None:
        self.assertEqual(of(1.0).since(of(1.0, 1.0, 2.0)).by_bucket(), {})

    def test_however_much_is_added_up_it_can_be_sent(self) -> None:
        most = 2**53 - 1
        dense_counts = [0] * BUCKETS
        dense_counts[7] = most * 5000
        foreign = {"steps_per_doubling": 1, "buckets": "65534,65535", "counts": f"{most},{most}"}
        for much in (
            Histogram([7], [most]).plus(Histogram([7], [most])),
            Histogram.of(dense_counts),
            Histogram.from_packed({**of().packed(), **foreign}),
        ):
            self.assertEqual(list(much.counts), [most])
            self.assertEqual(Histogram.from_packed(much.packed()).by_bucket(), much.by_bucket())


class CoarseTests(SynchronousTestCase):
    """Fewer buckets, where each costs."""

    def test_their_bounds_are_those_that_there_always_were(self) -> None:
        self.assertEqual(COARSE_BOUNDS_MS, COARSE_BEFORE_MS)

    @given(times_ms)
    def test_each_has_what_is_between_its_bounds(self, times: list[float]) -> None:
        found = coarse(counts(*times))
        self.assertEqual(len(found), len(COARSE_BOUNDS_MS) + 1)
        for number, bound_ms in enumerate(COARSE_BOUNDS_MS):
            within = sum(time / 1000 <= bound_ms / 1000 for time in times)
            self.assertEqual(sum(found[: number + 1]), within)
        self.assertEqual(sum(found), len(times))


class MessageTests(SynchronousTestCase):
    """The form that is sent."""

    @given(times_ms)
    def test_it_comes_back_as_it_was(self, times: list[float]) -> None:
        sent = json.loads(json.dumps(of(*times).packed()))
        self.assertEqual(dense(Histogram.from_packed(sent)), counts(*times))

    def test_only_buckets_with_anything_in_them_are_sent(self) -> None:
        packed = of(0.05, 0.05, 1e9).packed()
        self.assertEqual((packed["buckets"], packed["counts"]), ("0,321", "2,1"))
        self.assertEqual(of().packed()["buckets"], "")

    def test_bounds_of_another_program_are_taken_for_the_next_of_ours(self) -> None:
        ours = of().packed()
        for other, expected in (
            ({"first_ms": 3, "buckets": "0", "counts": "5"}, {79: 5}),
            ({"steps_per_doubling": 4, "buckets": "0,1,40", "counts": "1,2,3"}, {0: 1, 4: 2, 160: 3}),
            ({"steps_per_doubling": 32, "buckets": "1,2,3", "counts": "1,1,1"}, {1: 2, 2: 1}),
            ({"buckets": "320,321,400,60000", "counts": "1,1,1,1"}, {320: 1, 321: 3}),
            ({"steps_per_doubling": 1, "buckets": "65535", "counts": "1"}, {321: 1}),
        ):
            self.assertEqual(Histogram.from_packed({**ours, **other}).by_bucket(), expected, other)

    def test_anything_else_is_refused(self) -> None:
        good = of(1.0, 2.0).packed()
        for bad in (
            *(None, [], "packed", 1, {}),
            *({**good, "first_ms": first_ms} for first_ms in (0, -1.0, "1", None, 1e300, float("nan"))),
            *({**good, "steps_per_doubling": steps} for steps in (0, -1, 1.5, 10**6)),
            *(
                {**good, "buckets": text}
                for text in ("1", "1,1", "1 2", "1,x", "1,-2", "1,[2]", "1,65536", f"1,{2**70}", None, [1, 2])
            ),
            *(
                {**good, "counts": text}
                for text in ("1", "1,2,3", "1,1.5", "1,-2", f"1,{2**60}", "1" + ",1" * 9999)
            ),
            {**good, "counts": f"1,{'9' * 10_000}"},
        ):
            self.assertRaises(ValueError, Histogram.from_packed, bad)


class PairsTests(SynchronousTestCase):
    """The form of programs that know no other."""

    def test_only_buckets_with_anything_in_them_are_sent(self) -> None:
        self.assertEqual(pairs(counts(0.05, 0.05, 1e9)), [[0.1, 2], [None, 1]])

    @given(times_ms)
    def test_they_come_back_in_the_buckets_with_the_same_bounds(self, times: list[float]) -> None:
        sent = json.loads(json.dumps(pairs(counts(*times))))
        self.assertEqual(coarse(dense(Histogram.from_pairs(sent))), coarse(counts(*times)))

    def test_anything_else_is_refused(self) -> None:
        for bad in (
            None,
            {},
            "pairs",
            [1],
            [[1]],
            [[1, 2, 3]],
            [[1.0, -1]],
            [[0, 1]],
            [[-1.0, 1]],
            [["1", 1]],
            [[1.0, 1.5]],
            [[1.0, 2**60]],
            [[float("nan"), 1]],
            [[1.0, 1]] * 1001,
        ):
            self.assertRaises(ValueError, Histogram.from_pairs, bad)
