"""What data planes say they have done."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.counters import Counters, Tally
from cellrouter.controlplane.placements import read_placements
from cellrouter.observe.histogram import Histogram

GOOD: dict[str, Any] = {
    "since": "2026-11-24T18:00:00.000Z",
    "total": 10,
    "server_errors": 1,
    "exact": 6,
    "default": 3,
    "latency": Histogram([50, 60], [9, 1]).packed(),
    "latency_ms": [[1.0, 10]],
}
PLACEMENTS = {"tier1": {"url": "http://a", "in_flight": 2, "requests": 6}, "tier3": {"requests": 4}}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def read(requests: dict[str, Any], placements: dict[str, object] | None = None) -> Counters | None:
    """Read a status."""
    return Counters.reported(requests, read_placements(placements or {}))


def good(**changed: Any) -> Counters:
    """Read a status that is as it should be."""
    counters = read({**GOOD, **changed}, PLACEMENTS)
    assert counters is not None
    return counters


class ReadingTests(SynchronousTestCase):
    """A status."""

    def test_it_is_read(self) -> None:
        told = good()
        self.assertEqual((told.total, told.server_errors, told.exact, told.default), (10, 1, 6, 3))
        self.assertEqual(told.latency.by_bucket(), {50: 9, 60: 1})
        self.assertEqual(told.placements, {"tier1": 6, "tier3": 4})

    def test_that_of_an_older_data_plane_is_read_too(self) -> None:
        told = read({"total": 3, "server_errors": 1, "latency_ms": [[0.1, 2], [None, 1]]})
        assert told is not None
        self.assertEqual((told.total, told.latency.by_bucket()), (3, {0: 2, 321: 1}))

    def test_nonsense_says_nothing(self) -> None:
        for changed in (
            *({"total": bad} for bad in (None, "3", True, -1, 2**60, 1.5, 2)),
            *({"server_errors": bad} for bad in (None, -1, 11)),
            *({"default": bad} for bad in ("1", 5)),
            *({"exact": bad} for bad in (None, 8)),
            *({"latency": bad} for bad in (None, [], {"counts": "1"})),
        ):
            self.assertIsNone(read({**GOOD, **changed}), changed)
        self.assertIsNone(read({}))
        self.assertIsNone(read({"total": 3, "server_errors": 1}))

    @given(st.sampled_from([*GOOD, "placements"]), JSON)
    def test_whatever_is_sent_is_read_or_not(self, name: str, value: Any) -> None:
        told = read({**GOOD, name: value}, {"tier1": value, "tier2": {"requests": value, "circuit": value}})
        if told is not None:
            told.since(good())
            good().since(told)
            Tally().add(told)


class DifferenceTests(SynchronousTestCase):
    """Two statuses, one after the other."""

    def test_what_was_done_in_between_is_what_is_more(self) -> None:
        later = read(
            {**GOOD, "total": 15, "server_errors": 2, "exact": 10, "default": 4},
            {"tier1": {"requests": 11}, "tier3": {"requests": 4}},
        )
        assert later is not None
        done = later.since(good())
        assert done is not None
        self.assertEqual((done.total, done.server_errors, done.exact, done.default), (5, 1, 4, 1))
        self.assertEqual(done.placements, {"tier1": 5})
        self.assertEqual(done.latency.by_bucket(), {})

    def test_a_placement_that_moved_began_at_zero(self) -> None:
        later = read({**GOOD, "total": 12}, {"tier1": {"requests": 2}, "tier3": {"requests": 4}})
        assert later is not None
        done = later.since(good())
        assert done is not None
        self.assertEqual(done.placements, {"tier1": 2})

    def test_after_a_restart_there_is_no_difference(self) -> None:
        self.assertIsNone(good(since="2026-11-24T19:00:00.000Z", total=99).since(good()))
        self.assertIsNone(good(total=10).since(good(total=11)))

    def test_parts_are_never_more_than_the_whole_nor_less_than_nothing(self) -> None:
        done = good(total=11, server_errors=9, exact=11, default=0).since(good(default=3, exact=0))
        assert done is not None
        self.assertEqual((done.total, done.server_errors, done.exact, done.default), (1, 1, 1, 0))
        done = good(server_errors=0, exact=0).since(good())
        assert done is not None
        self.assertEqual((done.total, done.server_errors, done.exact), (0, 0, 0))


class TallyTests(SynchronousTestCase):
    """Sums."""

    def test_what_is_added_up_one_by_one_is_the_sum_of_sums(self) -> None:
        one, other, both = Tally(), Tally(), Tally()
        for tally in (one, both):
            tally.add(good())
        for tally in (other, both):
            tally.add(good(default=4, total=11))
        self.assertEqual(one.plus(other), both)
        self.assertEqual((both.total, both.keyed, both.timed), (21, 19, 20))

    def test_requests_without_a_key_are_none_of_the_default_share(self) -> None:
        tally = Tally()
        tally.add(good(total=1000, missing=991))
        self.assertEqual((tally.default, tally.keyed), (3, 9))
