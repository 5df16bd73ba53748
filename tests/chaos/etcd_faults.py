"""Kills control planes and etcd under load, and says what was served meanwhile.

``python -m tests.chaos.etcd_faults --away 60s``. The load runs in this process; every answer is checked.
"""

import argparse
import shutil
from collections.abc import Awaitable, Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from cellrouter.config import parse_duration
from tests.chaos.commands import run_with_fleet
from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.chaos.replicas import Replica, Replicas
from tests.support.etcd import Etcd

OPERATORS = 20
ROW = "{:<70} {:>7} {:>9} {:>7} {:>6}  {}"


class Faults(Replicas):
    """One fault after the other, each with a line of what the load has got meanwhile.

    :param fleet: ends with the command.
    :param away_s: for how long etcd is away.
    """

    def __init__(self, fleet: Fleet, away_s: float) -> None:
        self.fleet = fleet
        self.etcd = Etcd(fleet.folder)
        self.good = True
        self._away_s = away_s
        self._version = 1

    async def run(self) -> bool:
        """Run them all; return whether nothing failed."""
        self.one, self.two = await self.start_replicas()
        await self.start_data_plane(self.one, self.two)
        self.load = Load(await self.fleet.data_port())
        self.load.start()
        print(ROW.format("FAULT", "SECONDS", "ANSWERED", "FAILED", "WRONG", "SERVED MEANWHILE"))
        await self._during("none: a change", self._change)
        for replica, other in ((self.one, self.two), (self.two, self.one)):
            await self._during(
                f"control plane {replica.name} killed, a change, started again",
                lambda replica=replica, other=other: self._kill(replica, other),
            )
        await self._during(
            f"etcd killed for {self._away_s:g} s, control plane one killed and started meanwhile", self._away
        )
        await self._during("etcd killed, started again after a compaction, a change", self._compacted)
        await self._during("3 changes, each compacted at once", self._compact_under_watch)
        await self._during(f"{OPERATORS} times two operators at once", self._operators)
        await self.load.stop()
        check = self.fleet.check
        print(f"access log: {check.statuses.total()} lines, {check.failed} failed, {check.wrong} misrouted")
        await self.fleet.data_plane.stop()
        return self.good and not (check.failed or check.wrong or check.went_back())

    async def _during(self, fault: str, happen: Callable[[], Awaitable[str]]) -> None:
        load, began = self.load, reactor.seconds()
        answered, failed, wrong = load.answers["200"], load.failed, load.wrong
        first = (await self.fleet.served())["version"]
        said = await happen()
        await load.until_answered(1)
        last = (await self.fleet.served())["version"]
        served = (
            f"version {first}" + (f", then {last}" if last != first else "") + (f"; {said}" if said else "")
        )
        row = (load.answers["200"] - answered, load.failed - failed, load.wrong - wrong)
        self.good = self.good and row[0] > 0 and row[1:] == (0, 0)
        print(ROW.format(fault, f"{reactor.seconds() - began:.1f}", *row, served), flush=True)

    async def _change(self) -> str:
        self._version += 1
        await self.put(f"{self._version}", self._version % 2)
        await self.fleet.until_served(f"{self._version}")
        return ""

    async def _kill(self, replica: Replica, other: Replica) -> str:
        await replica.process.stop("KILL")
        await self._change()
        await self.start_replica(replica)
        return await self._agreed()

    async def _agreed(self) -> str:
        healths = [await each.until_active(f"{self._version}") for each in (self.one, self.two)]
        agreed = {(each["revision"], each["source_id"], each["hash"]) for each in healths}
        self.good = self.good and len(agreed) == 1
        return f"both at revision {healths[0]['revision']}" if len(agreed) == 1 else f"NOT AGREED: {agreed}"

    async def _away(self) -> str:
        await self.etcd.stop("KILL")
        await self.two.process.until_logged("nothing can be changed until")
        await self.one.process.stop("KILL")
        await self.start_replica(self.one)
        status, _ = await self.one.post("/config/apply", self.config("refused", 0))
        self.good = self.good and status == 503
        await deferLater(reactor, self._away_s)
        await self.etcd.start()
        await self._change()
        return await self._agreed()

    async def _compacted(self) -> str:
        await self.two.process.stop("KILL")
        for _ in range(3):
            self._version += 1
            revision = await self.put(f"{self._version}", self._version % 2)
        await self.etcd.compact(revision)
        await self.etcd.stop("KILL")
        await self.start_replica(self.two)
        await self.etcd.start()
        await self._change()
        return await self._agreed()

    async def _compact_under_watch(self) -> str:
        for _ in range(3):
            self._version += 1
            await self.etcd.compact(await self.put(f"{self._version}", self._version % 2))
            await self.fleet.until_served(f"{self._version}")
        return await self._agreed()

    async def _operators(self) -> str:
        won, revision = 0, (await self.one.get())["revision"]
        for _ in range(OPERATORS):
            path = f"/config/apply?if-revision={revision}"
            self._version += 1
            proposals = [
                (each, self.config(f"{self._version}{each.name}", cell))
                for cell, each in enumerate((self.one, self.two))
            ]
            answers = await gatherResults(
                [Deferred.fromCoroutine(each.post(path, config)) for each, config in proposals]
            )
            won += sorted(status for status, _ in answers) == [200, 412]
            done = next(answer for status, answer in answers if status == 200)
            revision = done["revision"]
            for each in (self.one, self.two):
                await each.until_active(done["version"])
        self.good = self.good and won == OPERATORS
        return f"one won and one was told, {won} times"


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--away", type=parse_duration, default=60.0, help="how long etcd is; default 60s")
    options = parser.parse_args()
    if shutil.which("etcd") is None:
        raise SystemExit("etcd is not installed")

    async def program(fleet: Fleet) -> bool:
        faults = Faults(fleet, options.away)
        try:
            return await faults.run()
        finally:
            await faults.etcd.stop("KILL")

    run_with_fleet(program)


if __name__ == "__main__":
    main()
