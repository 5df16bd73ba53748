"""Kill the control plane of a large fleet and start it again: all come back, and traffic notices nothing.

``python -m tests.chaos.reconnect_storm --data-planes 1000 --times 3``. One data plane is a real one, under
load; the others are simulated, and wait for their next attempt as a real one does.
"""

import argparse
import json
import resource
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor

import benchmarks.data_planes
from benchmarks.fleet import most_in_a_second
from tests.chaos.commands import run_with_fleet
from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.support.processes import Child, EndedTooSoonError

SIMULATOR = (sys.executable, str(Path(benchmarks.data_planes.__file__)))
CELLROUTER = (sys.executable, "-m", "cellrouter.cli")
SPARE_FILES = 1000
WAIT_S = 120.0


async def gather(fleet: Fleet, data_planes: int) -> Child:
    """Start a fleet whose other data planes are simulated, and wait until all have acked.

    :param fleet: has not been started.
    :param data_planes: how many are simulated.
    :returns: the simulator.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The control plane and the simulator inherit it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, data_planes + SPARE_FILES)), hard))
    await fleet.start()
    port = fleet.control_plane_url.rpartition(":")[2]
    crowd = fleet.run(*SIMULATOR, port, str(data_planes))
    await crowd.until_printed(r"^\{.*\}$", timeout_s=WAIT_S)
    return crowd


async def restart(fleet: Fleet, crowd: Child, data_planes: int, number: int) -> dict[str, Any]:
    """Kill the control plane, start it again, and wait until everybody is back and has acked.

    :param fleet: all of it is connected.
    :param crowd: the simulator.
    :param data_planes: how many it simulates.
    :param number: of the restart, from 1.
    :returns: what the simulator says of it.
    """
    await fleet.control_plane.stop("KILL")
    await fleet.start_control_plane()
    await crowd.until_printed(r"^\{.*\}$", 1 + number, timeout_s=WAIT_S)
    nodes = str(data_planes + 1)
    wait = (*CELLROUTER, "--control-plane", fleet.control_plane_url, "wait", "--expect-nodes", nodes)
    if await fleet.run(*wait, "--timeout", f"{WAIT_S:.0f}s").until_ended(WAIT_S):
        raise EndedTooSoonError(f"not all {nodes} data planes are back after {WAIT_S} s")
    said: dict[str, Any] = json.loads(crowd.stdout.splitlines()[number])
    return said


async def report(fleet: Fleet, data_planes: int, times: int) -> bool:
    """Restart it a few times under load, print what came of it, and return whether that is as it must be."""
    crowd = await gather(fleet, data_planes)
    load = Load(await fleet.data_port())
    load.start()
    for number in range(1, times + 1):
        began = reactor.seconds()
        said = await restart(fleet, crowd, data_planes, number)
        most = most_in_a_second(said["opened_s"])
        spread_s = max(said["opened_s"]) - min(said["opened_s"])
        took_s = reactor.seconds() - began
        print(
            f"restart {number}: {data_planes + 1} data planes are back after {took_s:.1f} s;"
            f" they came within {spread_s:.1f} s, {most} in the second with most"
        )
    await load.stop()
    served = sum(load.answers.values())
    print(f"requests meanwhile {served}, failed {load.failed}, from a wrong cell {load.wrong}")
    return not (load.failed or load.wrong)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-planes", type=int, default=1000, help="default %(default)s")
    parser.add_argument("--times", type=int, default=3, help="how often; default %(default)s")
    options = parser.parse_args()
    run_with_fleet(lambda fleet: report(fleet, options.data_planes, options.times))


if __name__ == "__main__":
    main()
