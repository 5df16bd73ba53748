"""The state of placements, from one snapshot to the next."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import CompiledConfig, Placement, PlacementKey, RoutingTable, load_config
from cellrouter.resilience import PlacementStates
from tests.support.documents import compiled, text

TIER1 = PlacementKey("tier1")
TIER3 = PlacementKey("tier3")


def table(tier1: str = "http://127.0.0.1:9001", **fields: object) -> RoutingTable:
    """Make a snapshot in which ``tier1`` is served at a URL."""
    urls = {"tier1": tier1, "tier3": "http://127.0.0.1:9003"}
    return RoutingTable.build(compiled(cellEndpoints=urls, **fields))


class PlacementStatesTests(SynchronousTestCase):
    """What is kept and what is not."""

    def setUp(self) -> None:
        self.states = PlacementStates()
        self.states.install(table())

    def test_exchanges_are_counted(self) -> None:
        state = self.states[TIER1]
        state.enter()
        state.enter()
        state.leave()
        self.assertEqual((state.in_flight, state.requests), (1, 2))
        self.assertEqual((self.states[TIER3].in_flight, self.states[TIER3].requests), (0, 0))

    def test_a_placement_that_keeps_its_url_keeps_its_state_and_gets_the_new_limits(self) -> None:
        state = self.states[TIER1]
        state.enter()
        limited = evolve(
            table().placements[TIER1], settings=Placement("http://127.0.0.1:9001", concurrency_limit=7)
        )
        self.states.install(evolve(table(), placements={TIER1: limited}))
        self.assertIs(self.states[TIER1], state)
        self.assertEqual((state.in_flight, state.settings.concurrency_limit), (1, 7))

    def test_a_placement_that_moves_begins_anew(self) -> None:
        state = self.states[TIER1]
        state.enter()
        self.states.install(table("http://127.0.0.1:9002"))
        self.assertEqual((self.states[TIER1].in_flight, self.states[TIER1].requests), (0, 0))
        state.leave()
        self.assertEqual((state.in_flight, self.states[TIER1].in_flight), (0, 0))

    def test_a_placement_that_leaves_and_returns_begins_anew(self) -> None:
        self.states[TIER1].enter()
        only = text(cellEndpoints={"tier3": "http://127.0.0.1:9003"}, routingTable={})
        self.states.install(RoutingTable.build(CompiledConfig.of(load_config(only))))
        self.assertRaises(KeyError, self.states.__getitem__, TIER1)
        self.states.install(table())
        self.assertEqual(self.states[TIER1].requests, 0)
