"""What goes wrong while a change is rolled out in steps."""

import treq
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from tests.integration.runbook.fleet import CONTROL_PLANE, DATA_PLANE, Fleet
from tests.integration.runbook.walk import Walk

OPTIONS = ("--rollout", "1,100%", "--bake", "30s")
NOBODY = "http://127.0.0.1:1"
REQUEST_INTERVAL_S = 0.2


async def is_halted(fleet: Fleet, walk: Walk) -> None:
    """A placement gets a URL at which nobody listens, and is used."""
    control_plane = fleet.children[CONTROL_PLANE]
    routers = []
    for name in ("dp-2", DATA_PLANE):
        fleet.look_at(name)
        routers.append(fleet.environment["ROUTER"])
    asking = LoopingCall(_ask, routers)
    stopped = asking.start(REQUEST_INTERVAL_S)
    cells = {**fleet.cells, "tier1": NOBODY}
    await fleet.apply(fleet.document("1.1.0", cellEndpoints=cells), "tier1 moves, CHG-8")
    await control_plane.until_logged("halting")
    await walk.to_the_end()
    asking.stop()
    await stopped


def _ask(routers: list[str]) -> "Deferred[None]":
    async def ask() -> None:
        for router in routers:
            response = await treq.get(router, headers={"X-Routing-Key": "acme"}, persistent=False)
            await response.content()

    return Deferred.fromCoroutine(ask())


async def does_not_go_on(fleet: Fleet, walk: Walk) -> None:
    """It is paused; the next one is not wanted any more."""
    control_plane = fleet.children[CONTROL_PLANE]
    await fleet.apply(fleet.document("1.2.0"))
    await control_plane.until_logged("revision 4: all in step 1 have acked")
    await fleet.steer("pause")
    await walk.until("cellrouter wait --revision 4")
    await control_plane.until_logged("revision 4: all in step 2 have acked")
    await fleet.steer("promote")
    await walk.until("cellrouter rollout abort")
    await fleet.apply(fleet.document("1.3.0"))
    await walk.to_the_end()


SCENARIOS = {
    "A rollout is halted": is_halted,
    "A rollout does not go on": does_not_go_on,
}
