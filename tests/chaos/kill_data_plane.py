"""Kill the data plane again and again while there is no control plane: it starts with what it acked last.

``python -m tests.chaos.kill_data_plane --times 50``
"""

import argparse
from typing import Any

from twisted.internet import reactor

from tests.chaos.commands import run_with_fleet
from tests.chaos.fleet import Fleet

CHANGES = 3
NAMES = ("version", "revision", "hash")


async def lose_control_plane(fleet: Fleet) -> dict[str, Any]:
    """Start a fleet, change its config a few times, and kill the control plane after the last ack.

    :param fleet: has not been started; its last config is at its second cell.
    :returns: what ``/debug/config-version`` must say of the config from then on.
    """
    await fleet.start()
    for number in range(CHANGES):
        fleet.change(f"change-{number}", fleet.cells[1 - number % 2])
        await fleet.until_acked(f"change-{number}")
    acked = await fleet.acked()
    await fleet.control_plane.stop("KILL")
    return {name: acked[name] for name in NAMES} | {"source": "last_known_good"}


async def kill(fleet: Fleet, expected: dict[str, Any]) -> list[str]:
    """Kill the data plane and start it again.

    :param fleet: its control plane is gone.
    :param expected: as :func:`lose_control_plane` returned it.
    :returns: what is wrong with it after that.
    """
    await fleet.data_plane.stop("KILL")
    await fleet.start_data_plane()
    served, answer = await fleet.served(), await fleet.ask()
    found = {name: served[name] for name in expected}
    problems = []
    if found != expected:
        problems.append(f"it serves {found} and not {expected}")
    if answer != (200, fleet.cells[1]):
        problems.append(f"a request was answered with {answer} and not by {fleet.cells[1]}")
    return problems


async def report(fleet: Fleet, times: int) -> bool:
    """Kill it many times, print what came of it, and return whether that is as it must be."""
    began = reactor.seconds()
    expected = await lose_control_plane(fleet)
    good = 0
    for number in range(1, times + 1):
        problems = await kill(fleet, expected)
        good += not problems
        for problem in problems:
            print(f"after kill {number}: {problem}")
    print(f"last acked config     revision {expected['revision']}, {expected['hash']}")
    print(f"data plane kills      {times} in {reactor.seconds() - began:.1f} s, without a control plane")
    print(f"served it again       {good}")
    print(f"lost or misrouted     {times - good}")
    return good == times


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50, help="how often; default %(default)s")
    options = parser.parse_args()
    run_with_fleet(lambda fleet: report(fleet, options.times))


if __name__ == "__main__":
    main()
