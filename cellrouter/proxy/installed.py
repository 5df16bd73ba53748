"""A snapshot as the data path uses it: everything about a route that never changes, worked out once."""

from attrs import field, frozen

from cellrouter.config import Route, RoutingTable
from cellrouter.http1 import explanation
from cellrouter.proxy.pool import CellPool, Pools
from cellrouter.proxy.settings import ProxySettings
from cellrouter.resilience import PlacementState, PlacementStates


@frozen(eq=False)
class Destination:
    """What an exchange needs to know of its route.

    :param route: the route.
    :param cell: the connections to its cell.
    :param state: what its placement is doing.
    :param explanation: the response's fields that say why the request went there, each with its CR LF.
    :param body_limit_bytes: longest request body, if limited.
    :param authority: the cell's host and port, as its URL has them.
    :param logged: placement, endpoint and match, as the access log has them.
    """

    route: Route
    cell: CellPool
    state: PlacementState
    explanation: bytes
    body_limit_bytes: int | None
    authority: bytes
    logged: tuple[str, str, str]


@frozen(eq=False)
class Installed:
    """A snapshot in use. An exchange keeps the one it began with.

    :param table: the compiled config.
    :param version: the operator's label of it.
    :param revision: its revision, if it has one.
    """

    table: RoutingTable
    version: str
    revision: int | None
    _settings: ProxySettings
    _pools: Pools
    _states: PlacementStates
    _destinations: dict[Route, Destination] = field(factory=dict, init=False)

    def destination(self, key: bytes | None) -> Destination:
        """Look up where a request goes.

        :param key: its routing key, or None if it has none.
        """
        route = self.table.route(key)
        known = self._destinations.get(route)
        return known if known is not None else self._work_out(route)

    def _work_out(self, route: Route) -> Destination:
        limits = [
            limit
            for limit in (self._settings.max_request_body_bytes, route.settings.max_request_body_bytes)
            if limit is not None
        ]
        destination = Destination(
            route,
            self._pools[route.endpoint],
            self._states[route.placement],
            explanation(route, self._settings.explain_headers),
            min(limits) if limits else None,
            route.endpoint.url.removeprefix("http://").encode("ascii"),
            (route.placement, route.endpoint.url, route.match.value),
        )
        self._destinations[route] = destination
        return destination
