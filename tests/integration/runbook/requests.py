"""What goes wrong with requests."""

import socket
from contextlib import closing

import treq
from twisted.internet.defer import Deferred, gatherResults

from tests.integration.runbook.every_day import nothing_is_wrong
from tests.integration.runbook.fleet import ROUTES, Fleet
from tests.integration.runbook.walk import Walk


async def cell_is_down(fleet: Fleet, walk: Walk) -> None:
    """One is killed, and its placement moved."""
    await fleet.kill("tier1")
    await walk.until("cellrouter diff")
    await fleet.apply(fleet.document("1.1.0", cellEndpoints=dict.fromkeys(fleet.cells, fleet.cells["tier3"])))
    await fleet.until_converged(2)
    await walk.to_the_end()


async def cell_is_slow(fleet: Fleet, walk: Walk) -> None:
    """One takes requests, and does not answer."""
    with closing(socket.create_server(("127.0.0.1", 0))) as stalled:
        url = f"http://127.0.0.1:{stalled.getsockname()[1]}"
        await fleet.apply(fleet.document("1.1.1", cellEndpoints={**fleet.cells, "tier1": url}))
        await fleet.until_converged(3)
        waiting = [Deferred.fromCoroutine(_ask(fleet, "acme")) for _ in range(3)]
        await walk.to_the_end()
        await gatherResults(waiting)


async def _ask(fleet: Fleet, key: str) -> None:
    response = await treq.get(
        fleet.environment["ROUTER"], headers={"X-Routing-Key": key}, persistent=False, timeout=60
    )
    await response.content()


async def nothing_falls_back(fleet: Fleet, walk: Walk) -> None:
    """A config wants a fallback."""
    placements = {name: {"url": url} for name, url in fleet.cells.items()}
    placements["tier1"]["fallback"] = "tier3"
    document = fleet.document("1.1.2", placements=placements)
    del document["cellEndpoints"]
    fleet.write("fallback.json", document)
    await fleet.apply(document)
    await walk.to_the_end()


async def keys_are_lost(fleet: Fleet, walk: Walk) -> None:
    """Three are removed, and one of them is used."""
    lost = ("customer-01", "customer-02", "customer-03")
    await fleet.apply(
        fleet.document(
            "1.2.0",
            routingTable={key: placement for key, placement in ROUTES.items() if key not in lost},
            cellEndpoints=dict.fromkeys(fleet.cells, fleet.cells["tier3"]),
        )
    )
    await fleet.until_converged(5)
    for _ in range(5):
        await _ask(fleet, lost[0])
    await walk.to_the_end()


SCENARIOS = {
    "Which cell, and why": nothing_is_wrong,
    "The router answers 502, 503 or 504": cell_is_down,
    "The router answers 4xx": nothing_is_wrong,
    "A cell is slow": cell_is_slow,
    "Nothing falls back to another cell": nothing_falls_back,
    "More requests than usual go to the default placement": keys_are_lost,
}
