"""A control plane operated as it is typed: real processes, real exit statuses."""

import json
from pathlib import Path
from typing import Any

from twisted.internet import reactor

from tests.integration.test_cli import ToolTestCase
from tests.support.cells import Cell, answer, response
from tests.support.documents import document, text
from tests.support.processes import Child


class OperateTestCase(ToolTestCase):
    """A control plane, polling ten times a second, and the tool.

    :ivar url: of the control plane.
    """

    def write(self, count: int, version: str, placement: str = "tier1", name: str = "routing.json") -> Path:
        """Write a config with so many routes, all at once."""
        routes = {f"customer-{number}": placement for number in range(count)}
        draft = self.folder / "draft"
        draft.write_bytes(text(version, routingTable=routes))
        return draft.rename(self.folder / name)

    async def serve(self, *options: str) -> Child:
        """Start the control plane with what is in ``routing.json``."""
        file = self.folder / "routing.json"
        plane = self.start_control_plane("--config", str(file), "--poll-interval", "100ms", *options)
        self.url = f"http://127.0.0.1:{await plane.port('control plane')}"
        return plane

    def join(self, name: str, *more: str) -> Child:
        """Start a data plane."""
        bootstrap = self.folder / "bootstrap.json"
        bootstrap.write_text(json.dumps(document("0", routingTable={})))
        url = f"ws{self.url.removeprefix('http')}/connect"
        options = ("--control-plane-url", url, "--config", str(bootstrap), "--node-id", name)
        return self.start_data_plane(*options, "--state-dir", str(self.folder / name), *more)

    async def do(self, *arguments: str, status: int = 0) -> str:
        """Run the tool; return what it printed, on standard error when it failed."""
        child = self.tool("--control-plane", self.url, *arguments)
        self.assertEqual(await child.until_ended(), status, child.stdout + child.stderr)
        self.assertNotIn(b"Traceback", child.stderr)
        return (child.stderr if status else child.stdout).decode()

    async def do_json(self, *arguments: str, status: int = 0) -> Any:
        """Run the tool with ``--json``."""
        child = self.tool("--control-plane", self.url, *arguments, "--json")
        self.assertEqual(await child.until_ended(), status, child.stdout + child.stderr)
        return json.loads(child.stdout)


class OperateTests(OperateTestCase):
    """A day with a control plane."""

    async def test_changes_are_applied_compared_and_rolled_back(self) -> None:
        self.write(100, "1.0.0")
        plane = await self.serve()
        self.join("dp-1")
        await self.do("wait", "--revision", "1", "--expect-nodes", "dp-1")

        other = self.write(100, "1.0.1", "tier3", "other.json")
        said = await self.do("apply", str(other), status=4)
        self.assertIn("100 of 100 routes are moved to another placement: 100.0%", said)
        said = await self.do("apply", str(other), "--override", "tier1 is on fire", "--if-revision", "1")
        self.assertIn("revision 2, version 1.0.1, is active: routes: 100 moved", said)
        await self.do("wait", "--revision", "2")
        self.assertIn(
            "revision 2 is active, not 1", await self.do("apply", str(other), "--if-revision", "1", status=5)
        )
        self.assertIn("unchanged: revision 2", await self.do("apply", str(other)))

        diff = await self.do("diff", "1", "2")
        self.assertIn("100 routes, then 100; routes: 100 moved", diff)
        self.assertRegex(diff, r"moved  100    tier1  tier3  customer-0, customer-1, .*, \.\.\.")

        said = await self.do("rollback", "1", "--reason", "the fire is out")
        self.assertIn("revision 3, version 1.0.0, is active", said)
        await self.do("wait", "--revision", "3")
        await self.do("wait", "--revision", "2", "--timeout", "5s", status=1)
        lines = (await self.do("history")).splitlines()
        self.assertEqual([line[:11].split() for line in lines[1:]], [["*", "3"], ["2"], ["1"]])
        self.assertIn("back to 1: the fire is out", lines[1])
        self.assertIn("tier1 is on fire", lines[2])

        shown = json.loads(await self.do("show", "2", "--document"))
        self.assertEqual(shown, json.loads(other.read_bytes()))
        self.assertRegex(await self.do("show", "3"), r"restores +1\n")
        self.assertIn("revision 9 is not in the history", await self.do("show", "9", status=1))
        # The file says what the rollback brought back.
        self.assertRegex(
            await self.do("fleet"),
            r"dp-1 +yes +3 +sha256:\w+ +acked .*\n(the last 30s: .*\n)?converged: 1 acked\n$",
        )
        self.assertNotIn(b"Traceback", plane.stderr)

    async def test_what_is_held_is_released_by_the_tool(self) -> None:
        self.write(100, "1.0.0")
        plane = await self.serve()
        self.assertIn("no change is held", await self.do("apply", "--override", "planned", status=1))
        self.write(50, "1.0.1")
        await plane.until_logged("is held; revision 1 stays active")
        self.assertIn("is held, see /health", await self.do("fleet"))
        said = await self.do_json("apply", "--override", "planned")
        self.assertEqual((said["revision"], said["reason"], said["counts"]["removed"]), (2, "planned", 50))

    async def test_programs_get_json_and_the_same_statuses(self) -> None:
        self.write(100, "1.0.0")
        await self.serve()
        bad = self.folder / "bad.json"
        bad.write_bytes(text("", routingTable={"acme": "tier9"}))
        problem = await self.do_json("apply", str(bad), status=1)
        self.assertEqual(
            [each["code"] for each in problem["violations"]], ["empty_version", "unknown_placement"]
        )
        other = self.write(10, "1.0.1", name="other.json")
        problem = await self.do_json("apply", str(other), status=4)
        self.assertEqual([each["guard"] for each in problem["exceeded"]], ["max-removed-pct"])
        self.assertEqual((await self.do_json("history"))["active"], 1)
        self.assertEqual((await self.do_json("show", "1"))["config"]["version"], "1.0.0")
        self.assertFalse((await self.do_json("fleet"))["converged"])
        self.assertEqual((await self.do_json("wait", "--timeout", "500ms", status=3))["status"], 3)
        problem = await self.do_json("wait", "--expect-nodes", ",", status=1)
        self.assertEqual(problem["status"], 400)

    async def test_an_invalid_document_is_a_line_for_each_reason(self) -> None:
        self.write(100, "1.0.0")
        await self.serve()
        bad = self.folder / "bad.json"
        bad.write_bytes(text("", routingTable={"acme": "tier9"}))
        lines = (await self.do("apply", str(bad), status=1)).splitlines()
        self.assertEqual([line.split(": ")[1] for line in lines[:2]], ["empty_version", "unknown_placement"])
        self.assertTrue(lines[2].startswith("Error: the config is refused"))

    async def test_a_control_plane_that_is_not_there_is_one_line(self) -> None:
        for arguments in (("history",), ("rollback", "1", "--reason", "x"), ("fleet",)):
            child = self.tool(*arguments, "--control-plane", "http://127.0.0.1:1")
            self.assertEqual(await child.until_ended(), 1)
            self.assertOneLine(child, "no answer", "--control-plane or CONTROL_PLANE")

    async def test_another_server_is_one_line_whatever_is_asked(self) -> None:
        self.write(5, "1.0.0")
        file = str(self.folder / "routing.json")
        url = Cell(self, reactor, answer(response(b'{"held": 3, "detail": "hello"}'))).url
        for arguments in (
            *(("history",), ("show", "1"), ("diff", "1", "2"), ("fleet",), ("rollout", "status")),
            *(("apply", file), ("apply", "--override", "x"), ("rollback", "1", "--reason", "x"), ("wait",)),
        ):
            child = self.tool("--control-plane", url, *arguments)
            self.assertEqual(await child.until_ended(), 1, arguments)
            self.assertOneLine(child, f"Error: {url}: does not answer as a control plane", "CONTROL_PLANE")

    async def test_a_data_plane_that_refuses_a_revision_ends_the_wait_with_its_reasons(self) -> None:
        self.write(5, "1.0.0")
        plane = await self.serve()
        self.join("dp-1")
        self.join("small", "--max-config-bytes", "1000")
        await self.do("wait", "--expect-nodes", "2")
        self.write(5000, "1.0.1")
        said = await self.do("wait", "--revision", "2", status=1)
        self.assertRegex(said, "^small refused revision 2: .*too_large")
        await plane.until_logged("data plane dp-1 .* runs revision 2")
        told = await self.do("fleet")
        self.assertRegex(told, r"small +yes +1 +sha256:\w+ +nacked +\d+s +.*too_large")
        self.assertIn("not converged: 1 acked, 1 nacked; waiting for small", told)

    async def test_data_planes_that_are_expected_are_waited_for(self) -> None:
        self.write(100, "1.0.0")
        await self.serve("--expect-nodes", "dp-1,dp-2")
        self.join("dp-1")
        self.assertIn("converged", await self.do("wait", "--expect-nodes", "1"))
        self.assertIn("waiting for dp-2", await self.do("wait", "--timeout", "1s", status=3))
        self.join("dp-2")
        await self.do("wait")

    async def test_a_control_plane_that_was_killed_misses_those_that_do_not_come_back(self) -> None:
        self.write(100, "1.0.0")
        plane = await self.serve()
        self.join("dp-1")
        leaving = self.join("dp-2")
        await self.do("wait", "--expect-nodes", "dp-1,dp-2")
        await plane.stop()
        await leaving.stop()
        plane = self.start_control_plane(
            *("--config", str(self.folder / "routing.json"), "--poll-interval", "100ms"),
            *("--port", f"tcp:{self.url.rpartition(':')[2]}:interface=127.0.0.1"),
        )
        await plane.port("control plane")
        self.write(101, "1.0.1")
        await plane.until_logged("revision 2 is accepted")
        self.assertIn("waiting for", await self.do("wait", "--timeout", "2s", status=3))
        self.assertRegex(await self.do("fleet"), r"dp-2 +no +1 +sha256:\w+ +behind")
        await plane.until_logged("data plane dp-1 .* runs revision 2")
        self.assertIn("waiting for dp-2", await self.do("fleet"))
