"""``cellrouter demo``: the whole product on one machine, and nothing left of it afterwards."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import treq

from tests.support.processes import Child, ProcessTestCase, until


def children_of(pid: int) -> list[int]:
    """Give the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    """Tell whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


class DemoTests(ProcessTestCase):
    """What it shows and leaves."""

    def demo(self, *options: str) -> Child:
        """Start the demo with a folder for temporary files that can be looked at."""
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        return self.start(
            *(sys.executable, "-m", "cellrouter.cli", "demo", *options),
            environment={"TMPDIR": str(self.temporary)},
        )

    async def test_once_every_key_reaches_its_cell_and_nothing_is_left(self) -> None:
        demo = self.demo("--once")
        self.assertEqual(await demo.until_ended(), 0, demo.stderr.decode())
        rows = [line.split() for line in demo.stdout.decode().splitlines()]
        self.assertEqual(
            [
                (key, status, placement, match, cell)
                for key, status, placement, match, cell, _, ok in rows[1:]
            ],
            [
                ("acme", "200", "tier1", "exact", "tier1"),
                ("globex", "200", "tier2", "exact", "tier2"),
                ("initech", "200", "tier3", "exact", "tier3"),
                ("customer-123", "200", "tier2", "exact", "tier2"),
                ("visa", "200", "visa", "exact", "visa"),
                ("not-in-the-table", "200", "tier3", "default", "tier3"),
            ],
        )
        self.assertEqual(list(self.temporary.iterdir()), [])

    async def test_programs_get_json(self) -> None:
        demo = self.demo("--once", "--json")
        self.assertEqual(await demo.until_ended(), 0, demo.stderr.decode())
        document = json.loads(demo.stdout)
        self.assertEqual([each["right"] for each in document["routes"]], [True] * 6)

    async def test_it_stays_up_until_a_signal_which_leaves_no_process_and_no_file(self) -> None:
        for name in ("INT", "TERM", "HUP"):
            demo = self.demo()
            await demo.until_printed("Ctrl-C")
            router = re.search(rb"ROUTER=(\S+)", demo.stdout)[1].decode()
            response = await treq.get(router, {"X-Routing-Key": "visa"}, persistent=False)
            self.assertEqual((await response.json())["cell"], "visa")
            children = children_of(demo.pid)
            self.assertEqual(len(children), 6)
            self.assertEqual(await demo.stop(name), 0, demo.stderr.decode())
            self.assertEqual([pid for pid in children if runs(pid)], [])
            self.assertEqual(list(self.temporary.iterdir()), [])
            self.temporary.rmdir()

    async def test_a_signal_while_it_starts_leaves_nothing_either(self) -> None:
        demo = self.demo("--once")
        await until(lambda: any(self.temporary.glob("*/*.out")))
        self.assertEqual(await demo.stop(), 1)
        self.assertEqual(demo.stderr.decode(), "")
        self.assertEqual(list(self.temporary.iterdir()), [])

    async def test_the_end_of_the_control_plane_is_told_and_stops_nothing(self) -> None:
        demo = self.demo()
        await demo.until_printed("Ctrl-C")
        pid = int(re.search(rb"CONTROL_PLANE_PID=(\d+)", demo.stdout)[1])
        router = re.search(rb"ROUTER=(\S+)", demo.stdout)[1].decode()
        os.kill(pid, signal.SIGKILL)
        await demo.until_printed("^control-plane ended: SIGKILL; requests are routed as before$")
        response = await treq.get(router, {"X-Routing-Key": "acme"}, persistent=False)
        self.assertEqual((await response.json())["cell"], "tier1")
        self.assertEqual(await demo.stop(), 0)
