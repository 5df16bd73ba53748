"""What a fleet does, as an operator sees it: real daemons, real requests, and a typo in the config."""

from itertools import cycle
from typing import Any

import treq
from twisted.internet import reactor
from twisted.internet.task import LoopingCall
from twisted.web.client import HTTPConnectionPool

from tests.integration.test_cli_operate import OperateTestCase
from tests.support.documents import text
from tests.support.processes import Child, until_answers

INTERVAL_S = 0.1
AT_ONCE = 4
UNTIL_COMPARED_S = 90.0
"""What is compared with has to be half a minute old."""

TENANTS = {"acme": "tier1", "globex": "tier1", "initech": "tier1"}


class Load:
    """A few requests at a time, from all tenants in turn."""

    def __init__(self, ports: list[int]) -> None:
        self.statuses: set[int] = set()
        self._pool = HTTPConnectionPool(reactor)
        self._next = cycle([(port, key) for key in TENANTS for port in ports])
        self._loop = LoopingCall(self._ask)

    def start(self) -> None:
        """Begin."""
        self._ended = self._loop.start(INTERVAL_S)

    async def stop(self) -> None:
        """Wait for the requests that are under way."""
        self._loop.stop()
        await self._ended
        await self._pool.closeCachedConnections()

    async def _ask(self) -> None:
        for _ in range(AT_ONCE):
            port, key = next(self._next)
            headers = {"X-Routing-Key": key}
            response = await treq.get(f"http://127.0.0.1:{port}/", headers=headers, pool=self._pool)
            await response.content()
            self.statuses.add(response.code)


class TypoTests(OperateTestCase):
    """A control plane, two data planes and two cells."""

    async def begin(self) -> Child:
        """Start everything, with requests."""
        cells = [self.tool("cell", "--name", name, "--port", "tcp:0:interface=127.0.0.1") for name in "ab"]
        ports = [await cell.port("cell") for cell in cells]
        self.endpoints = {
            name: f"http://127.0.0.1:{port}" for name, port in zip(("tier1", "tier3"), ports, strict=True)
        }
        self.configure("1", TENANTS)
        plane = await self.serve()
        planes = [self.join(name) for name in ("dp-1", "dp-2")]
        self.load = Load([await each.port("data port") for each in planes])
        await self.do("wait", "--revision", "1", "--expect-nodes", "2")
        self.addCleanup(self.load.stop)
        self.load.start()
        return plane

    def configure(self, version: str, tenants: dict[str, str]) -> None:
        """Write the config."""
        draft = self.folder / "draft"
        draft.write_bytes(text(version, routingTable=tenants, cellEndpoints=self.endpoints))
        draft.rename(self.folder / "routing.json")

    async def fleet_with_traffic(self) -> Any:
        """Wait until both data planes have told what they do."""
        while True:
            fleet = await self.do_json("fleet")
            if len([each for each in fleet["data_planes"] if each["traffic"]]) == 2:
                return fleet

    async def test_a_tenant_that_a_typo_drops_from_the_table_is_warned_of(self) -> None:
        plane = await self.begin()
        fleet = await self.fleet_with_traffic()
        self.assertEqual((fleet["traffic"]["share_5xx"], fleet["traffic"]["share_default"]), (0, 0))
        self.assertGreater(fleet["traffic"]["requests_per_s"], 1)
        self.assertGreater(fleet["traffic"]["p99_ms"], 0)
        self.assertEqual(fleet["placements"]["tier1"]["data_planes"], 2)
        self.assertEqual(fleet["placements"]["tier1"]["share"], 1)
        self.assertEqual(fleet["warnings"], [])

        self.configure("2", {"acme": "tier1", "globxe": "tier1", "initech": "tier1"})
        await self.do("wait", "--revision", "2")
        logged = await plane.until_logged(
            r"warn .*has risen from (\d)\.\d\d% to (\d\d)\.\d\d%.*; revision 2 became active at \S+: "
            r"cellrouter diff 1 2",
            timeout_s=UNTIL_COMPARED_S,
        )
        # A third of them, when all that was before is half a minute ago.
        self.assertLess(int(logged[1]), int(logged[2]))
        self.assertLess(int(logged[2]), 40)

        fleet = await self.do_json("fleet")
        (warning,) = fleet["warnings"]
        self.assertEqual(warning["kind"], "default_share")
        self.assertGreater(fleet["traffic"]["share_default"], 0.05)
        said = await self.do("fleet")
        self.assertRegex(said, r"NODE +CONNECTED .* RATE +5XX +P99 +DEFAULT +ERRORS\n")
        self.assertRegex(said, rf"\nwarning: since {warning['since']}: the share of requests that go to")
        metrics = (await until_answers(f"{self.url}/metrics")).decode()
        self.assertIn('\ncellrouter_fleet_warning{kind="default_share"} 1.0\n', metrics)
        self.assertIn("\ncellrouter_fleet_default_ratio 0.", metrics)
        self.assertEqual(plane.stderr.count(b"has risen"), 1)
        self.assertEqual(self.load.statuses, {200})
        self.assertNotIn(b"Traceback", plane.stderr)
