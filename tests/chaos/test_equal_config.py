"""An equal config a hundred times is none: no connection is touched and nothing is rebuilt."""

import contextlib  # "suppress" in a module means something else to trial
import json
from pathlib import Path

import treq
from twisted.internet import reactor

from tests.chaos.cases import ChaosTestCase
from tests.chaos.load import CONNECTIONS, Load
from tests.support.control_plane import ScriptedControlPlane, snapshot_message
from tests.support.documents import document
from tests.support.processes import Child, until

TIMES = 100
KEEP = ("--upstream-idle-timeout", "10m")
"""So that no connection ends for another reason."""


def connections(process: Child) -> set[str]:
    """Name the sockets of a process; no two of a machine are called the same."""
    found = set()
    for file in Path(f"/proc/{process.pid}/fd").iterdir():
        # One that is closed meanwhile is no connection any more.
        with contextlib.suppress(FileNotFoundError):
            found.add(str(file.readlink()))
    return {name for name in found if name.startswith("socket:")}


class EqualConfigTests(ChaosTestCase):
    """Pushed to the control plane, and by a control plane to a data plane, under load."""

    async def warm(self) -> Load:
        """Load the data plane, and wait until every connection has been used."""
        load = await self.load()
        await load.until_answered(10 * CONNECTIONS)
        return load

    async def test_one_that_is_pushed_again_and_again_reaches_no_data_plane(self) -> None:
        """It is pushed with other white space and another order of keys each time."""
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_control_plane()
        await self.fleet.start_data_plane(*KEEP)
        await self.fleet.until_acked("1")
        load = await self.warm()
        before, logged = connections(self.fleet.data_plane), self.fleet.data_plane.stderr
        content = json.loads(self.fleet.file.read_bytes())
        for number in range(TIMES):
            again = json.dumps(dict(reversed(content.items())) if number % 2 else content, indent=number % 8)
            draft = self.folder / "again.json"
            draft.write_text(again)
            draft.rename(self.fleet.file)
            url = f"{self.fleet.control_plane_url}/config/apply"
            response = await treq.post(url, data=again.encode(), persistent=False)
            self.assertEqual((await response.json())["result"], "unchanged")
        await load.until_answered(CONNECTIONS)
        self.assertLessEqual(before, connections(self.fleet.data_plane))
        self.assertEqual(self.fleet.data_plane.stderr, logged)
        self.assertEqual(self.fleet.control_plane.stderr.count(b"is active; sending it"), 1)
        self.assertNotIn(b"disconnected", self.fleet.control_plane.stderr)
        self.assertEqual(len((await self.fleet.ask_control_plane("/config/versions"))["versions"]), 1)
        self.assertFalse((await self.fleet.ask_control_plane("/health"))["file_differs"])
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)

    async def test_one_that_a_data_plane_is_sent_again_and_again_is_acked_and_touches_nothing(self) -> None:
        """As by a third party that numbers what it sends, or one that sends what it has every few seconds."""
        control_plane = ScriptedControlPlane(self, reactor)
        await self.fleet.start_cells()
        cell = self.fleet.cells[0]
        config = document("1", cellEndpoints={"tier1": cell, "tier3": cell})
        self.fleet.check.cells["1"] = cell
        await self.fleet.start_data_plane("--control-plane-url", control_plane.url, *KEEP)
        await control_plane.received("hello")
        control_plane.send(snapshot_message(config, 1))
        await control_plane.received("ack")
        load = await self.warm()
        before, since = connections(self.fleet.data_plane), (await self.fleet.served())["applied_at"]
        for number in range(2, TIMES + 2):
            control_plane.send(snapshot_message(config, number))
            ack = await control_plane.received("ack", number)
            self.assertEqual(ack["revision"], number)
        self.assertLessEqual(before, connections(self.fleet.data_plane))
        served = await self.fleet.served()
        self.assertEqual((served["revision"], served["applied_at"]), (TIMES + 1, since))
        same = b'serving version "1", revision '
        told = [line for line in self.fleet.data_plane.stderr.splitlines() if same in line]
        self.assertTrue(all(line.endswith(b": the same config as before") for line in told[1:]))
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        await until(lambda: self.fleet.check.statuses.total() >= load.answers.total())
        self.assertEqual(self.fleet.check.wrong, 0)
        self.assert_no_traceback()
