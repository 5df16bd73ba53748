"""The compiled form of a config: one dictionary access per request."""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType

from attrs import evolve, frozen

from cellrouter.config.compiled import CompiledConfig
from cellrouter.config.endpoint import Endpoint, parse_endpoint
from cellrouter.config.model import MissingKeyPolicy, Placement, PlacementKey


class Match(Enum):
    """Why a request goes where it goes."""

    EXACT = "exact"
    """Its routing key is in the table."""

    DEFAULT = "default"
    """Its routing key is not in the table."""

    MISSING = "missing"
    """It has no routing key."""


@frozen(eq=False)
class Route:
    """Where a request goes and why; made once per table, shared by all requests, compared by identity.

    :param placement: the placement that serves.
    :param endpoint: the address of its cell.
    :param match: why it was chosen.
    :param settings: the placement's limits.
    """

    placement: PlacementKey
    endpoint: Endpoint
    match: Match
    settings: Placement


@frozen(eq=False)
class RoutingTable:
    """What one config says about every possible routing key, immutable.

    :param reject_missing: whether a request without a routing key is refused instead of routed.
    :param endpoints: every address that a route can lead to.
    :param placements: the exact route to each placement, for reports.
    """

    _routes: Mapping[bytes | None, Route]
    _default: Route
    reject_missing: bool
    endpoints: frozenset[Endpoint]
    placements: Mapping[PlacementKey, Route]

    @classmethod
    def build(cls, config: CompiledConfig, rest: Callable[[], object] = lambda: None) -> "RoutingTable":
        """Make the table of a config.

        :param config: a valid config.
        :param rest: is called after each piece of the work; a thread lets others run there.
        :returns: the table, which shares nothing mutable with it.
        """
        exact = {
            key: Route(key, parse_endpoint(placement.url), Match.EXACT, placement)
            for key, placement in config.placements.items()
        }
        default = exact[config.default_placement]
        routes: dict[bytes | None, Route] = {None: evolve(default, match=Match.MISSING)}
        for placement, keys in config.routes:
            routes.update(dict.fromkeys(keys.split(b"\n"), exact[placement]))
            rest()
        return cls(
            routes=routes,
            default=evolve(default, match=Match.DEFAULT),
            reject_missing=config.missing_key_policy is MissingKeyPolicy.REJECT,
            endpoints=frozenset(route.endpoint for route in exact.values()),
            placements=MappingProxyType(exact),
        )

    def route(self, key: bytes | None) -> Route:
        """Look up a routing key; a key that is unknown, empty or impossible gets the default placement.

        :param key: the value of the request's ``X-Routing-Key``, or ``None`` if it has none.
        :returns: the route; for ``None`` also when :attr:`reject_missing` says not to use it.
        """
        return self._routes.get(key, self._default)
