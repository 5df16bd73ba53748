"""Config changes under load, by a control plane that is killed now and then.

``python -m tests.chaos.changes_under_load --changes 200 --kill-every 5s`` drives wrk.
"""

import argparse
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater

from cellrouter.config import parse_duration
from tests.chaos.commands import run_with_fleet
from tests.chaos.fleet import FIRST, Fleet

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("wrk.lua")
LONGEST_S = 3600
"""When wrk ends if nobody ends it."""

MAX_MOMENT_S = 0.4
"""Within this time the control plane reads a change, stores it and sends it: a kill hits any of these."""


async def change_under_load(fleet: Fleet, changes: int, kill_due: Callable[[int], bool]) -> int:
    """Move both placements to the other cell again and again, each time when the data plane has followed.

    :param fleet: has been started; somebody else loads it.
    :param changes: how often.
    :param kill_due: tells whether the control plane is killed in the middle of the change with this number.
    :returns: how often the control plane was killed.
    """
    chance = random.Random(20270214)
    kills = 0
    for number in range(1, changes + 1):
        fleet.change(f"change-{number}", fleet.cells[number % 2])
        if kill_due(number):
            await deferLater(reactor, chance.uniform(0, MAX_MOMENT_S))
            await fleet.control_plane.stop("KILL")
            await fleet.start_control_plane()
            kills += 1
        await fleet.until_served(f"change-{number}")
    return kills


def every(seconds: float) -> Callable[[int], bool]:
    """Make a function that says true when so much time has passed since it last did."""
    last = reactor.seconds()

    def due(number: int) -> bool:
        nonlocal last
        if reactor.seconds() - last < seconds:
            return False
        last = reactor.seconds()
        return True

    return due


async def report(fleet: Fleet, changes: int, kill_every_s: float) -> bool:
    """Run it under wrk's load, print what came of it, and return whether that is as it must be."""
    await fleet.start()
    url = f"http://127.0.0.1:{await fleet.data_port()}/"
    wrk = fleet.run(
        *("wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{LONGEST_S}s"),
        *("--script", str(SCRIPT), "--header", "X-Routing-Key: acme", url),
    )
    began = reactor.seconds()
    kills = await change_under_load(fleet, changes, every(kill_every_s))
    seconds = reactor.seconds() - began
    await wrk.stop("INT")
    await fleet.data_plane.stop()
    totals, check = json.loads(wrk.stdout.splitlines()[-1]), fleet.check
    failed, wrong = totals["failed"] + check.failed, totals["wrong"] + check.wrong
    went_back, applied = check.went_back(), len(check.versions - {FIRST})
    dropped = b"were dropped" in fleet.data_plane.stderr
    print(f"requests              {totals['requests']} in {seconds:.1f} s, {CONNECTIONS} connections")
    print(f"access log lines      {check.statuses.total()}{', some were dropped' if dropped else ''}")
    print(f"failed requests       {failed}")
    print(f"wrong cell            {wrong}")
    print(f"revisions gone back   {len(went_back)}")
    print(f"changes applied       {applied}")
    print(f"control plane kills   {kills}")
    for problem in (*went_back, *([check.wrong_line.decode()] if check.wrong else [])):
        print(problem)
    return not (failed or wrong or went_back or dropped) and applied >= changes and totals["requests"] > 0


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=200, help="how many; default %(default)s")
    parser.add_argument("--kill-every", type=parse_duration, default=5.0, help="default 5s")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    run_with_fleet(lambda fleet: report(fleet, options.changes, options.kill_every))


if __name__ == "__main__":
    main()
