"""What goes wrong with one data plane."""

import socket
import sys
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGUSR1

from twisted.internet.threads import deferToThread

from tests.chaos import jumping_clock
from tests.integration.runbook.fleet import CONTROL_PLANE, DATA_PLANE, Fleet
from tests.integration.runbook.walk import Walk
from tests.support.processes import until_answers

LKG = "last-known-good.json"
WITH_JUMPING_CLOCK = (sys.executable, str(Path(jumping_clock.__file__)))
MANY = 1300
"""Requests with long paths: more than the access log's buffer holds."""


async def does_not_start(_: Fleet, walk: Walk) -> None:
    """There is nothing to begin with, or somebody else on its port."""
    await walk.to_the_end()


async def serves_its_bootstrap_config(fleet: Fleet, walk: Walk) -> None:
    """It is started with an empty folder, and there is no control plane."""
    await fleet.kill(CONTROL_PLANE)
    await fleet.kill(DATA_PLANE)
    for file in (fleet.folder / DATA_PLANE).iterdir():
        file.unlink()
    await fleet.start_data_plane()
    await walk.through("kill")
    await fleet.children[DATA_PLANE].until_ended()
    await fleet.start_data_plane()
    await walk.to_the_end()
    await fleet.start_control_plane()
    await fleet.until_converged()


async def has_a_corrupt_config(fleet: Fleet, walk: Walk) -> None:
    """Something has written into its file."""
    await fleet.apply(fleet.document("1.1.0"))
    await fleet.until_converged()
    await fleet.kill(DATA_PLANE)
    (fleet.folder / DATA_PLANE / LKG).write_bytes(bytes(1000))
    await fleet.start_data_plane()
    await walk.to_the_end()


async def has_a_full_disk(fleet: Fleet, walk: Walk) -> None:
    """There is no room for what it writes."""
    draft = fleet.folder / DATA_PLANE / f"{LKG}.draft"
    draft.symlink_to("/dev/full")
    await fleet.apply(fleet.document("1.2.0"))
    await walk.to_the_end()
    draft.unlink()


async def loses_its_log(fleet: Fleet, walk: Walk) -> None:
    """Nobody reads it; then whoever read it is gone. Of another one the disk is full."""
    stalled = await fleet.start_data_plane("dp-3")
    fleet.look_at("dp-3")
    stdout = stalled.transport.pipes[1]
    stdout.pauseProducing()
    await deferToThread(_send_many, fleet.environment["ROUTER"])
    stdout.resumeProducing()
    await stalled.until_logged("were dropped")
    stalled.transport.closeChildFD(1)
    await until_answers(fleet.environment["ROUTER"])
    await stalled.until_logged("ends here")
    await fleet.start_data_plane("dp-4", within=("sh", "-c", 'exec "$@" > /dev/full', "sh"))
    fleet.look_at("dp-4")
    await until_answers(fleet.environment["ROUTER"])
    fleet.look_at("dp-3")
    await walk.to_the_end()
    for name in ("dp-3", "dp-4"):
        await fleet.kill(name)


def _send_many(router: str) -> None:
    connection = HTTPConnection(router.removeprefix("http://"))
    for _ in range(MANY):
        connection.request("GET", "/" + "x" * 8000)
        connection.getresponse().read()
    connection.close()


async def is_full(fleet: Fleet, walk: Walk) -> None:
    """It takes two clients, and they are there."""
    await fleet.start_data_plane("dp-3", "--max-connections", "2")
    fleet.look_at("dp-3")
    address = ("127.0.0.1", int(fleet.environment["ROUTER"].rpartition(":")[2]))
    clients = [socket.create_connection(address) for _ in range(2)]
    await walk.to_the_end()
    for client in clients:
        client.close()
    await fleet.kill("dp-3")


async def is_stopped(fleet: Fleet, walk: Walk) -> None:
    """It drains, with time for a load balancer."""
    await fleet.start_data_plane("dp-3", "--drain-delay", "8s")
    fleet.look_at("dp-3")
    await walk.to_the_end()
    assert await fleet.children.pop("dp-3").until_ended() == 0


async def takes_memory(fleet: Fleet, walk: Walk) -> None:
    """It is looked at; it takes what it should."""
    fleet.look_at(DATA_PLANE)
    await walk.to_the_end()


async def has_a_wrong_clock(fleet: Fleet, walk: Walk) -> None:
    """It is a day ahead."""
    await fleet.kill(DATA_PLANE)
    child = await fleet.start_data_plane(within=WITH_JUMPING_CLOCK)
    child.transport.signalProcess(SIGUSR1)
    await walk.to_the_end()


SCENARIOS = {
    "A data plane does not start": does_not_start,
    "A data plane serves its bootstrap config": serves_its_bootstrap_config,
    "The config on a data plane's disk is corrupt": has_a_corrupt_config,
    "A data plane's disk is full": has_a_full_disk,
    "The access log is not written": loses_its_log,
    "A data plane has as many clients as it can hold": is_full,
    "A data plane is stopped": is_stopped,
    "A data plane takes much memory": takes_memory,
    "The clock is wrong": has_a_wrong_clock,
}
