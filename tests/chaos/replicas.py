"""Several control planes on one key of a real etcd, with data planes that know all of them."""

import json
from typing import Any

import treq
from attrs import define, field
from twisted.internet.defer import Deferred

from tests.chaos.cases import ChaosTestCase
from tests.chaos.fleet import POLL, Fleet
from tests.support.documents import document
from tests.support.etcd import KEY, Etcd, demand_etcd
from tests.support.processes import TWISTD, Child, until_answers


@define(eq=False)
class Replica:
    """One of several control planes.

    :ivar process: the newest one.
    :ivar port: where it listens, the same one after each start.

    :param name: its state folder.
    :param etcd_port: where it looks for etcd.
    """

    name: str
    etcd_port: int
    process: Child = field(init=False)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str = "/health", status: int = 200) -> dict[str, Any]:
        """Ask it for a document, until the answer has a status."""
        return json.loads(await until_answers(f"{self.url}{path}", status))

    async def post(self, path: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
        """Tell it to do something; return the status and the answer."""
        response = await treq.post(f"{self.url}{path}", body, persistent=False)
        return response.code, json.loads(await response.content())

    async def until_active(self, version: str) -> dict[str, Any]:
        """Wait until a config is active here; return ``/health``."""
        await self.process.until_logged(rf"revision \d+, version {version}, is active")
        return await self.get()


class Replicas:
    """What is done with control planes on one key, in tests and in commands.

    :ivar fleet: has the cells and the data plane; every process ends with it.
    :ivar etcd: has the key; it ends by itself.
    """

    fleet: Fleet
    etcd: Etcd

    async def start_etcd(self) -> None:
        """Start etcd and the cells, and put the first config."""
        await self.etcd.start()
        await self.fleet.start_cells()
        await self.put("1", 0)

    async def start_replicas(self) -> tuple[Replica, Replica]:
        """Start etcd, the cells and two control planes, and wait until the first config is active."""
        await self.start_etcd()
        replicas = Replica("one", self.etcd.port), Replica("two", self.etcd.port)
        for replica in replicas:
            await self.start_replica(replica)
            await replica.until_active("1")
        return replicas

    async def start_replica(self, replica: Replica, *options: str) -> None:
        """Start a control plane, and wait until it listens."""
        replica.process = self.fleet.run(
            *(
                *TWISTD,
                "-n",
                "--pidfile=",
                "cellrouter-cp",
                "--state-dir",
                str(self.fleet.folder / replica.name),
            ),
            *("--port", f"tcp:{replica.port}:interface=127.0.0.1", *POLL),
            *("--config-source", f"etcd:http://127.0.0.1:{replica.etcd_port}/{KEY}", *options),
        )
        replica.port = await replica.process.port("control plane")

    async def start_data_plane(self, *replicas: Replica) -> None:
        """Start a data plane that knows some control planes, and wait until it serves what they have."""
        urls = ",".join(f"ws://127.0.0.1:{replica.port}/connect" for replica in replicas)
        await self.fleet.start_data_plane("--control-plane-url", urls)
        await self.fleet.data_plane.until_logged("serving version .*, from control_plane")

    def config(self, version: str, cell: int, **fields: Any) -> bytes:
        """Make a config that sends everything to one of the cells."""
        url = self.fleet.cells[cell]
        self.fleet.check.cells[version] = url
        return json.dumps(
            document(version, **{"cellEndpoints": {"tier1": url, "tier3": url}, **fields})
        ).encode()

    async def put(self, version: str, cell: int, **fields: Any) -> int:
        """Put a config into etcd, by other means than a control plane; return its revision."""
        return await self.etcd.put(self.config(version, cell, **fields))


class ReplicatedTestCase(Replicas, ChaosTestCase):
    """An etcd that runs, and two cells."""

    etcd_options: tuple[str, ...] = ()

    def setUp(self) -> None:
        demand_etcd()
        super().setUp()
        self.etcd = Etcd(self.folder, *self.etcd_options)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.etcd.stop("KILL")))

    def assert_none_misrouted(self) -> None:
        """Check what the data plane has logged of its requests."""
        check = self.fleet.check
        self.assertEqual((check.wrong, check.failed, check.went_back()), (0, 0, []), check.wrong_line)
        self.assert_no_traceback()
