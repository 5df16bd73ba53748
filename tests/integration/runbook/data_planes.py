"""What goes wrong between the control plane and its data planes."""

import json

from twisted.internet import reactor

from tests.integration.data_plane_client import connect
from tests.integration.runbook.fleet import DATA_PLANE, ROUTES, Fleet
from tests.integration.runbook.walk import Walk

MANY_ROUTES = {**ROUTES, **{f"customer-{n:04}": "tier1" for n in range(3975)}}


async def does_not_converge(fleet: Fleet, walk: Walk) -> None:
    """One hangs; later another one is gone."""
    fleet.children[DATA_PLANE].signal("STOP")
    await fleet.apply(fleet.document("1.1.0"))
    await walk.until("kill")
    await walk.until_all_is_logged()
    await walk.until("cellrouter wait")
    await fleet.start_data_plane()
    await walk.until("cellrouter wait --timeout 2s --expect")
    await fleet.kill("dp-2")
    await walk.to_the_end()
    await fleet.start_data_plane("dp-2")


async def refuses_a_config(fleet: Fleet, walk: Walk) -> None:
    """One takes small ones only."""
    await fleet.kill("dp-2")
    await fleet.start_data_plane("dp-2", "--max-config-bytes", "1")
    await fleet.until_converged()
    await fleet.apply(fleet.document("2.0.0", routingTable=MANY_ROUTES))
    await walk.to_the_end()


async def runs_something_else(fleet: Fleet, walk: Walk) -> None:
    """One says that it runs what it has from nobody knows where."""
    port = int(fleet.environment["CONTROL_PLANE"].rpartition(":")[2])
    client, _ = await connect(reactor, port)
    running = {"version": "someone else's", "revision": 99, "hash": "sha256:abc", "source": "control_plane"}
    client.sendMessage(
        json.dumps({"type": "hello", "node_id": "dp-9", "software": "x", "running": running}).encode()
    )
    await walk.to_the_end()
    client.transport.abortConnection()


async def comes_and_goes(fleet: Fleet, walk: Walk) -> None:
    """One is killed."""
    await fleet.kill("dp-2")
    await walk.until("grep")
    await fleet.start_data_plane("dp-2")
    await walk.to_the_end()


async def shares_its_name(fleet: Fleet, walk: Walk) -> None:
    """There is a third one that says it is the second."""
    await fleet.start_data_plane("dp-3", "--node-id", "dp-2")
    await walk.to_the_end()


SCENARIOS = {
    "The fleet does not converge": does_not_converge,
    "A data plane refuses a config": refuses_a_config,
    "A data plane runs something else": runs_something_else,
    "A data plane comes and goes": comes_and_goes,
    "Two data planes have one node id": shares_its_name,
}
