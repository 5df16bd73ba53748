"""What the reader of the operations guide has: a control plane, data planes, cells, and their files."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import treq
from attrs import define
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.support.etcd import Etcd
from tests.support.processes import (
    ON_LOOPBACK,
    RETRY_S,
    TWISTD,
    Child,
    ProcessTestCase,
    programs,
    start,
    until_answers,
)

CONFIG = "routing.json"
BOOTSTRAP = "dataplane-initial.json"
CONTROL_PLANE = "control-plane"
OTHER_CONTROL_PLANE = "other-control-plane"
DATA_PLANE = "data-plane"
"""The data plane that the commands are about, by the name of its files; its node id is dp-1."""

NODE_IDS = {DATA_PLANE: "dp-1"}
ROUTES = {"acme": "tier1", "globex": "tier3", **{f"customer-{n:02}": "tier1" for n in range(1, 24)}}
CELLS = ("tier1", "tier3")
ACTOR = "somebody"


@define(eq=False)
class LoggedChild(Child):
    """A child whose output is in files as well, as whoever runs a daemon sees to.

    :ivar files: where to, without ``.log`` and ``.out``.
    """

    files: Path = Path()

    def outReceived(self, data: bytes) -> None:
        _append(self.files.with_suffix(".out"), data)
        super().outReceived(data)

    def errReceived(self, data: bytes) -> None:
        _append(self.files.with_suffix(".log"), data)
        super().errReceived(data)


def _append(file: Path, data: bytes) -> None:
    with file.open("ab") as stream:
        stream.write(data)


class Fleet:
    """The daemons and cells, which end with the test.

    :ivar folder: where everything is, and the commands are run.
    :ivar children: the running daemons and cells by the names of their files.
    :ivar cells: their URLs by their names.
    :ivar ports: their ports; the admin port of a data plane is called ``dp-2 admin``.
    :ivar source: the option that says where the control plane has the config from.
    :ivar etcd: has it, if it is not in the file.
    :ivar environment: the variables that the commands use.

    :param test: ends everything.
    """

    def __init__(self, test: ProcessTestCase) -> None:
        self.folder = test.folder
        self.children: dict[str, Child] = {}
        self.environment = {"PATH": f"{programs(test.folder)}:{os.environ['PATH']}"}
        (test.folder / "bin" / "python3").symlink_to("python")
        self.source: tuple[str, ...] = ("--config", CONFIG)
        self.etcd: Etcd | None = None
        self.ports: dict[str, int] = {}
        self._test = test
        self.cells: dict[str, str] = {}

    async def start_all(self, control_plane: tuple[str, ...] = (), data_planes: tuple[str, ...] = ()) -> None:
        """Start everything, and wait until both data planes run the config.

        :param control_plane: its options.
        :param data_planes: their options.
        """
        await self.start_cells()
        self.write_config("1.0.0")
        await self.start_control_plane(*control_plane)
        await self.start_data_planes(*data_planes)

    async def start_data_planes(self, *options: str) -> None:
        """Start both, and wait until they run the config.

        :param options: more of their options.
        """
        for name in (DATA_PLANE, "dp-2"):
            await self.start_data_plane(name, *options)
        await self.until_converged()

    async def start_cells(self) -> None:
        """Start the cells, and write the config that data planes begin with."""
        for name in CELLS:
            port = self._endpoint(name)
            cell = self.launch(name, "cellrouter", "cell", "--name", name, "--port", port)
            self.ports[name] = await cell.port(f"cell {name}")
            self.cells[name] = f"http://127.0.0.1:{self.ports[name]}"
        self.write(BOOTSTRAP, self.document("0.0.1", routingTable={}))

    def document(self, version: str, **fields: Any) -> dict[str, Any]:
        """Make a config.

        :param version: its label.
        :param fields: more fields, or other values.
        """
        return {
            "version": version,
            "routingTable": ROUTES,
            "cellEndpoints": self.cells,
            "defaultPlacement": "tier3",
            **fields,
        }

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a config into a file, all at once."""
        draft = self.folder / "draft"
        draft.write_text(json.dumps(document, indent=2) + "\n")
        draft.rename(self.folder / name)

    def write_config(self, version: str, **fields: Any) -> None:
        """Change the file that the control plane watches; the parameters are those of :meth:`document`."""
        self.write(CONFIG, self.document(version, **fields))

    async def apply(self, document: Mapping[str, Any], reason: str = "it is meant") -> None:
        """Make a config active as an operator does who knows better than the guards."""
        query = urlencode({"override": reason, "actor": ACTOR})
        await self._post(f"/config/apply?{query}", json.dumps(document).encode())

    async def steer(self, verb: str) -> None:
        """Have a rollout paused, promoted or aborted.

        :param verb: which.
        """
        await self._post(f"/rollout/{verb}?actor={ACTOR}", b"")

    async def _post(self, path: str, body: bytes) -> None:
        response = await treq.post(f"{self.environment['CONTROL_PLANE']}{path}", data=body, persistent=False)
        self._test.assertEqual(response.code, 200, await response.text())

    async def start_control_plane(self, *options: str) -> Child:
        """Start the control plane, on the port that it had before."""
        child = self._daemon(CONTROL_PLANE, "cellrouter-cp", *self.source, *options)
        port = self.ports[CONTROL_PLANE] = await child.port("control plane")
        url = f"http://127.0.0.1:{port}"
        self.environment |= {"CONTROL_PLANE": url, "CONTROL_PLANE_PID": str(child.pid)}
        return child

    async def start_other_control_plane(self) -> Child:
        """Start one more control plane, for the same file."""
        child = self._daemon(OTHER_CONTROL_PLANE, "cellrouter-cp", "--config", CONFIG)
        port = self.ports[OTHER_CONTROL_PLANE] = await child.port("control plane")
        self.environment["OTHER_CONTROL_PLANE"] = f"http://127.0.0.1:{port}"
        return child

    @property
    def control_plane_urls(self) -> str:
        """Where data planes connect to, as they are told."""
        names = [name for name in (CONTROL_PLANE, OTHER_CONTROL_PLANE) if name in self.ports]
        return ",".join(f"ws://127.0.0.1:{self.ports[name]}/connect" for name in names)

    async def start_data_plane(
        self, name: str = DATA_PLANE, *options: str, within: tuple[str, ...] = ()
    ) -> Child:
        """Start a data plane, on the ports that it had before.

        :param name: of its files.
        :param options: more of its options.
        :param within: a command that it is run by.
        """
        child = self._daemon(
            name,
            "cellrouter-dp",
            *("--config", BOOTSTRAP, "--admin", self._endpoint(f"{name} admin")),
            *("--control-plane-url", self.control_plane_urls),
            *("--node-id", NODE_IDS.get(name, name), *options),
            within=within,
        )
        self.ports[name] = await child.port("data port")
        self.ports[f"{name} admin"] = await child.port("admin port")
        if name == DATA_PLANE:
            self.look_at(name)
        return child

    def look_at(self, name: str) -> None:
        """Let the commands be about another data plane."""
        self.environment |= {
            "ROUTER": f"http://127.0.0.1:{self.ports[name]}",
            "DATA_PLANE": f"http://127.0.0.1:{self.ports[f'{name} admin']}",
            "DATA_PLANE_PID": str(self.children[name].pid),
        }

    def launch(self, name: str, *command: str) -> Child:
        """Start a program whose output goes to files.

        :param name: of the files.
        :param command: it, and its arguments.
        """
        child = LoggedChild(files=self.folder / name)
        start(("env", *command), self.folder, self.environment, child)
        self.children[name] = child
        self._test.addCleanup(lambda: Deferred.fromCoroutine(child.stop("KILL")))
        return child

    async def kill(self, name: str) -> None:
        """End a daemon or cell at once."""
        await self.children.pop(name).stop("KILL")

    async def until_converged(self, revision: int | None = None) -> None:
        """Wait until every data plane runs the active config, and the control plane has taken the file."""
        url = f"{self.environment['CONTROL_PLANE']}/fleet"
        while True:
            fleet = json.loads(await until_answers(url))
            there = fleet["converged"] and fleet["connected"] > 1
            if there and revision in (None, fleet["active"]["revision"]):
                return
            await deferLater(reactor, RETRY_S)

    def logs(self) -> dict[Path, bytes]:
        """Read what every daemon has logged by now."""
        return {file: file.read_bytes() for file in self.folder.glob("*.log")}

    def _daemon(self, name: str, daemon: str, *options: str, within: tuple[str, ...] = ()) -> Child:
        return self.launch(
            name,
            *(
                *within,
                *TWISTD,
                "-n",
                "--pidfile=",
                daemon,
                "--port",
                self._endpoint(name),
                "--state-dir",
                name,
            ),
            *("--poll-interval", "100ms", *options),
        )

    def _endpoint(self, name: str) -> str:
        return re.sub(":0:", f":{self.ports.get(name, 0)}:", ON_LOOPBACK)
