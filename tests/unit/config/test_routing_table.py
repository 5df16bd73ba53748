"""Every possible routing key has a route."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import (
    CompiledConfig,
    Endpoint,
    Match,
    PlacementKey,
    Route,
    RoutingTable,
    load_document,
)
from tests.support.documents import compiled, document

untimed = settings(deadline=None)

ROUTES = {"acme": "tier1", "Acme": "tier3", "~": "tier2"}
PLACEMENTS = {"tier2": {"url": "http://[::1]:9002/", "concurrency_limit": 3}}


def build(**fields: object) -> RoutingTable:
    """Compile a document."""
    return RoutingTable.build(compiled(**fields))


class RoutingTableTests(SynchronousTestCase):
    """A table and what it says."""

    def setUp(self) -> None:
        self.table = build(routingTable=ROUTES, placements=PLACEMENTS)

    def test_a_known_key_goes_to_its_placement(self) -> None:
        route = self.table.route(b"acme")
        self.assertEqual((route.placement, route.match), ("tier1", Match.EXACT))
        self.assertEqual(route.endpoint, Endpoint("http://127.0.0.1:9001", "127.0.0.1", 9001))

    def test_keys_are_compared_byte_for_byte(self) -> None:
        for key, placement in ((b"acme", "tier1"), (b"Acme", "tier3"), (b"~", "tier2")):
            self.assertEqual(self.table.route(key).placement, placement)
        for key in (b"ACME", b" acme", b"acme ", b"acme\0", b"acm", "acmé".encode()):
            self.assertIs(self.table.route(key).match, Match.DEFAULT, key)

    @untimed
    @given(st.binary())
    def test_every_other_key_goes_to_the_default_placement(self, key: bytes) -> None:
        table = build(routingTable={})
        route = table.route(key)
        self.assertEqual((route.placement, route.match), ("tier3", Match.DEFAULT))
        self.assertEqual(route.endpoint.port, 9003)

    def test_no_key_is_told_from_an_unknown_one(self) -> None:
        route = self.table.route(None)
        self.assertEqual((route.placement, route.match), ("tier3", Match.MISSING))

    def test_the_policy_for_no_key(self) -> None:
        for policy, rejects in (("default", False), ("reject", True)):
            self.assertIs(build(missingKeyPolicy=policy).reject_missing, rejects)
        self.assertIs(self.table.reject_missing, False)

    def test_a_lookup_makes_nothing(self) -> None:
        for key in (b"acme", b"unknown", b"", None):
            self.assertIs(self.table.route(key), self.table.route(key))
        both = build(routingTable={"a": "tier1", "b": "tier1"})
        self.assertIs(both.route(b"a"), both.route(b"b"))

    def test_a_route_knows_the_limits_of_its_placement(self) -> None:
        self.assertEqual(self.table.route(b"~").settings.concurrency_limit, 3)
        self.assertIsNone(self.table.route(b"acme").settings.concurrency_limit)

    def test_what_it_can_lead_to(self) -> None:
        self.assertEqual(
            {endpoint.url for endpoint in self.table.endpoints},
            {"http://127.0.0.1:9001", "http://127.0.0.1:9003", "http://[::1]:9002"},
        )
        self.assertEqual(set(self.table.placements), {"tier1", "tier2", "tier3"})
        self.assertIs(self.table.placements[PlacementKey("tier1")], self.table.route(b"acme"))

    def test_it_cannot_be_changed(self) -> None:
        # mypy knows that it must not work: hence the ignores.
        with self.assertRaises(AttributeError):
            self.table.reject_missing = True  # type: ignore[misc]
        with self.assertRaises(AttributeError):
            self.table.route(b"acme").placement = PlacementKey("tier3")  # type: ignore[misc]
        with self.assertRaises(TypeError):
            self.table.placements[PlacementKey("x")] = self.table.route(None)  # type: ignore[index]

    def test_it_shares_nothing_with_the_document(self) -> None:
        source = document()
        table = RoutingTable.build(CompiledConfig.of(load_document(source)))
        source["routingTable"]["acme"] = "tier3"
        source["cellEndpoints"].clear()
        self.assertEqual(table.route(b"acme").placement, "tier1")

    def test_routes_are_compared_by_identity(self) -> None:
        route = self.table.route(b"acme")
        self.assertNotEqual(route, Route(route.placement, route.endpoint, route.match, route.settings))
