"""The config pushes that have taken routing fleets down, each replayed: what is sent, and what is said.

A data plane is connected all the time. What it is sent beyond the first snapshot is what an outage would be
made of.
"""

import json
from typing import Any

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.integration.data_plane_client import connect
from tests.integration.test_cli_operate import OperateTestCase
from tests.support.documents import document

ROUTES = {f"customer-{number}": ("tier1", "tier2")[number % 2] for number in range(100)}
CELLS = {f"tier{number}": f"http://127.0.0.1:900{number}" for number in (1, 2, 3)}
TIMES = 100


def plan(version: str = "1.0.0", routes: dict[str, str] | None = None, **fields: Any) -> bytes:
    """Make a config of 100 customers on two cells, or another one."""
    table = ROUTES if routes is None else routes
    fields = {"cellEndpoints": CELLS, **fields}
    return json.dumps(document(version, routingTable=table, **fields)).encode()


class OutageTests(OperateTestCase):
    """A control plane with a good config, and a data plane that got it."""

    async def begin(self) -> None:
        """Start both."""
        self.push(plan())
        self.plane = await self.serve()
        _, self.recording = client, recording = await connect(reactor, int(self.url.rpartition(":")[2]))
        await recording.snapshot(lambda snapshot: True)

        def drop() -> "Deferred[None]":
            client.transport.abortConnection()
            return recording.closed

        self.addCleanup(drop)

    def push(self, content: bytes) -> None:
        """Change the file, all at once."""
        draft = self.folder / "draft"
        draft.write_bytes(content)
        draft.rename(self.folder / "routing.json")

    async def health(self) -> dict[str, Any]:
        """Ask for the health."""
        response = await treq.get(f"{self.url}/health", persistent=False)
        return await response.json()

    async def assert_refused(self, content: bytes, *reasons: str) -> None:
        """Push what is no valid config; check that nothing is sent and the reasons are said."""
        refused = self.plane.stderr.count(b"is not taken")
        self.push(content)
        await self.plane.until_logged("is not taken; revision 1 stays active", times=refused + 1)
        health = await self.health()
        self.assertEqual(
            (health["status"], health["revision"], health["file"]["state"]), ("ok", 1, "refused")
        )
        for reason in reasons:
            self.assertIn(reason, "\n".join(health["file"]["problems"]))
            self.assertIn(reason, self.plane.stderr.decode())
        self.assert_nothing_sent()

    async def assert_held(self, content: bytes, reason: str) -> None:
        """Push what goes beyond a guard; check that nothing is sent and the numbers are said, once."""
        self.push(content)
        await self.plane.until_logged("is held; revision 1 stays active; release it with")
        self.assertEqual(self.plane.stderr.decode().count(reason), 1)
        health = await self.health()
        self.assertEqual((health["status"], health["revision"], health["file"]["state"]), ("ok", 1, "held"))
        self.assertIn(reason, [each["message"] for each in health["held"]["exceeded"]])
        self.assertIn("is held, see /health", await self.do("fleet"))
        self.assert_nothing_sent()

    def assert_nothing_sent(self) -> None:
        self.assertEqual([each["revision"] for each in self.recording.snapshots], [1])

    async def test_a_file_that_was_written_twice(self) -> None:
        await self.begin()
        await self.assert_refused(plan() + plan(), "invalid_json: line 1, column", "Extra data")
        doubled = plan().replace(b'"customer-0"', b'"customer-1": "tier1", "customer-0"')
        await self.assert_refused(doubled, "/routingTable/customer-1: duplicate_key", "is written 2 times")

    async def test_a_table_that_has_doubled(self) -> None:
        await self.begin()
        twice = {**ROUTES, **{f"{key}-copy": placement for key, placement in ROUTES.items()}}
        await self.assert_held(
            plan("1.0.1", twice), "100 routes become 200: 2.0 times as many, --max-growth is 2"
        )

    async def test_an_empty_file(self) -> None:
        await self.begin()
        await self.assert_refused(b"", "invalid_json: line 1, column 1: the document is empty")
        await self.assert_refused(b"{}", "/routingTable: missing_field", "/version: missing_field")

    async def test_an_empty_table(self) -> None:
        await self.begin()
        await self.assert_held(plan("1.0.1", {}), "the routing table is empty; it has 100 routes")

    async def test_a_blank_field(self) -> None:
        await self.begin()
        await self.assert_refused(plan(""), "/version: empty_version")
        await self.assert_refused(
            plan("1.0.1", cellEndpoints={**CELLS, "tier1": ""}), "/cellEndpoints/tier1: invalid_url"
        )
        await self.assert_refused(
            plan("1.0.1", {**ROUTES, "customer-7": ""}), "/routingTable/customer-7: unknown_placement"
        )
        await self.assert_refused(plan("1.0.1", {**ROUTES, "": "tier1"}), "invalid_routing_key")
        await self.assert_refused(plan("1.0.1", defaultPlacement=""), "/defaultPlacement")
        await self.assert_refused(
            json.dumps({**json.loads(plan()), "routingTable": None}).encode(), "/routingTable: wrong_type"
        )

    async def test_an_older_plan_applied_late(self) -> None:
        await self.begin()
        old = self.folder / "old-plan.json"
        old.write_bytes(plan("old", {**ROUTES, "customer-1": "tier1"}))
        self.push(plan("1.0.1", {**ROUTES, "customer-2": "tier2"}))
        await self.recording.snapshot(lambda snapshot: snapshot["revision"] == 2)
        said = await self.do("apply", str(old), "--if-revision", "1", status=5)
        self.assertIn("revision 2 is active, not 1: the change was made for another config", said)
        self.assertIn("cellrouter diff 1 2", said)
        self.assertIn("moved  1", await self.do("diff", "1", "2"))
        self.assertEqual([each["revision"] for each in self.recording.snapshots], [1, 2])

    async def test_a_change_that_skips_the_gradual_path(self) -> None:
        await self.begin()
        moved = dict.fromkeys(ROUTES, "tier2")
        reason = "50 of 100 routes are moved to another placement: 50.0%, --max-remapped-pct is 10"
        await self.assert_held(plan("1.0.1", moved), reason)
        self.push(plan())
        await self.plane.until_logged("is in order again; revision 1 is active")
        self.assertIsNone((await self.health())["held"])
        self.assert_nothing_sent()
        gradually = {**ROUTES, **{f"customer-{number}": "tier2" for number in range(0, 20, 2)}}
        self.push(plan("1.0.1", gradually))
        await self.recording.snapshot(lambda snapshot: snapshot["revision"] == 2)

    async def test_a_burst_of_changes_leads_to_the_newest(self) -> None:
        await self.begin()
        for number in range(TIMES):
            self.push(plan(f"burst-{number}"))
        last = await self.recording.snapshot(
            lambda snapshot: snapshot["config"]["version"] == f"burst-{TIMES - 1}"
        )
        self.assertLess(last["revision"], 10)
