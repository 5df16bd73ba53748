"""What the demo shows, without running it."""

import json
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli.demo import CELLS, REQUESTS, ROUTING_TABLE, VERSION, Routed, document
from cellrouter.config import load_document

SHIPPED = Path(__file__).parents[3] / "config" / "routing.json"


class DemoTests(SynchronousTestCase):
    """Its config and its judgement."""

    def test_its_config_is_the_one_that_ships(self) -> None:
        shipped = json.loads(SHIPPED.read_text())
        urls = {name: f"http://127.0.0.1:{9001 + number}" for number, name in enumerate(CELLS)}
        self.assertEqual(document(VERSION, ROUTING_TABLE, urls), shipped)
        self.assertEqual(load_document(shipped).config.version, "1.0.0")

    def test_every_cell_gets_a_request_and_so_does_the_default(self) -> None:
        self.assertEqual(set(REQUESTS.values()), set(CELLS))
        self.assertEqual([key for key in REQUESTS if key not in ROUTING_TABLE], ["not-in-the-table"])

    def test_a_request_is_right_only_if_the_expected_cell_answered(self) -> None:
        right = Routed("acme", 200, "tier1", "exact", "tier1", "http://127.0.0.1:1", "tier1")
        self.assertTrue(right.right)
        wrong = (
            {"status": 502},
            {"placement": "tier2"},
            {"cell": "tier2"},
            {"cell": None},
            {"expected": "visa"},
        )
        for change in wrong:
            self.assertFalse(evolve(right, **change).right, change)
