"""What a change means: every difference is counted once, and spelling is none."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Differences, RoutingConfig, compare, load_document
from cellrouter.config.differences import MAX_LISTED_KEYS
from tests.support.documents import document


def config(routes: dict[str, str] | None = None, **fields: Any) -> RoutingConfig:
    """Make a config with the placements tier1 and tier3."""
    table = {"acme": "tier1"} if routes is None else routes
    return load_document(document(routingTable=table, **fields)).config


class CompareTests(SynchronousTestCase):
    """Two configs."""

    def assert_nothing(self, differences: Differences) -> None:
        self.assertEqual(
            (differences.added, differences.removed, differences.moved, dict(differences.placements)),
            ((), (), (), {}),
        )

    def test_a_config_does_not_differ_from_itself(self) -> None:
        differences = compare(config(), config())
        self.assert_nothing(differences)
        self.assertEqual(str(differences.counts), "only the version")
        self.assertEqual(dict(differences.settings), {})

    def test_keys_are_added_removed_and_moved(self) -> None:
        before = config({"stays": "tier1", "goes": "tier1", "moves": "tier1", "also-moves": "tier1"})
        after = config({"stays": "tier1", "comes": "tier3", "moves": "tier3", "also-moves": "tier3"})
        differences = compare(before, after)
        (moved,) = differences.moved
        self.assertEqual((moved.before, moved.after, moved.keys), ("tier1", "tier3", ("also-moves", "moves")))
        self.assertEqual([group.keys for group in differences.added], [("comes",)])
        self.assertEqual([group.keys for group in differences.removed], [("goes",)])
        counts = differences.counts
        self.assertEqual((counts.routes_before, counts.routes_after), (4, 4))
        self.assertEqual(str(counts), "routes: 1 added, 1 removed, 2 moved")

    def test_the_largest_group_comes_first(self) -> None:
        before = config({"a": "tier1", "b": "tier3", "c": "tier3"})
        after = config({"a": "tier3", "b": "tier1", "c": "tier1"})
        self.assertEqual([group.before for group in compare(before, after).moved], ["tier3", "tier1"])

    def test_how_a_placement_is_written_makes_no_difference(self) -> None:
        url = "http://127.0.0.1:9001"
        short = config(cellEndpoints={"tier1": url, "tier3": url})
        long = config(cellEndpoints={}, placements={"tier1": {"url": url}, "tier3": {"url": url}})
        self.assert_nothing(compare(short, long))

    def test_placements_are_added_removed_and_changed(self) -> None:
        url = "http://127.0.0.1:9001"
        before = config({}, cellEndpoints={"tier1": url, "tier2": url, "tier3": url})
        after = config({}, cellEndpoints={"tier1": "http://127.0.0.1:9002", "tier3": url, "tier4": url})
        differences = compare(before, after)
        self.assertEqual(list(differences.placements), ["tier1", "tier2", "tier4"])
        self.assertEqual(str(differences.counts), "placements: 1 added, 1 removed, 1 changed")
        self.assertEqual(
            differences.document()["placements"],
            [
                {"placement": "tier1", "from": {"url": url}, "to": {"url": "http://127.0.0.1:9002"}},
                {"placement": "tier2", "from": {"url": url}, "to": None},
                {"placement": "tier4", "from": None, "to": {"url": url}},
            ],
        )

    def test_where_everything_else_goes_is_a_setting(self) -> None:
        differences = compare(config(), config(defaultPlacement="tier1", missingKeyPolicy="reject"))
        self.assertEqual(
            dict(differences.settings),
            {"defaultPlacement": ("tier3", "tier1"), "missingKeyPolicy": ("default", "reject")},
        )
        self.assertEqual(str(differences.counts), "settings: 2 changed")

    def test_the_document_counts_all_keys_and_names_some(self) -> None:
        after = config({f"customer-{number}": "tier1" for number in range(1000)})
        said = compare(config({}), after).document()
        self.assertEqual(next(iter(said)), "counts")
        (added,) = said["added"]
        self.assertEqual((added["count"], len(added["keys"])), (1000, MAX_LISTED_KEYS))
        json.dumps(said)
