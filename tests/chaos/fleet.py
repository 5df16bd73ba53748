"""Two cells, a control plane and a data plane: real processes on loopback that can be killed at any time."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import treq
from attrs import define, field

from tests.chaos.access_log import AccessLogCheck, LoggingDataPlane
from tests.support.documents import document
from tests.support.processes import ON_LOOPBACK, TWISTD, Child, start, until_answers

CELL = (sys.executable, str(Path(__file__).with_name("cell.py")))
POLL = ("--poll-interval", "100ms")
FIRST = "first"
"""The config that a fleet begins with."""


@define(eq=False)
class Fleet:
    """Starts and ends the processes.

    :ivar cells: the URLs of the cells, which answer with them.
    :ivar control_plane: the newest one.
    :ivar data_plane: the newest one.
    :ivar check: checks the access logs of all data planes.

    :param folder: for everybody's files.
    """

    folder: Path
    cells: list[str] = field(factory=list)
    check: AccessLogCheck = field(factory=lambda: AccessLogCheck({}))
    control_plane: Child = field(init=False)
    data_plane: Child = field(init=False)
    _control_plane_port: int = 0
    _children: list[Child] = field(factory=list)

    @property
    def file(self) -> Path:
        """The config file that is watched."""
        return self.folder / "routing.json"

    async def start(self) -> None:
        """Start everything, and wait until the data plane serves revision 1 of the config."""
        await self.start_cells()
        self.change(FIRST, self.cells[0])
        await self.start_control_plane()
        await self.start_data_plane()
        await self.until_served(FIRST)

    async def start_cells(self) -> None:
        """Start both cells."""
        for _ in range(2):
            await self.start_cell()

    async def start_cell(self, port: int = 0) -> Child:
        """Start a cell.

        :param port: where; 0 for any free port.
        """
        cell = self.run(*CELL, str(port))
        url = (await cell.until_printed(r"^http\S+"))[0].decode()
        if url not in self.cells:
            self.cells.append(url)
        return cell

    def change(self, version: str, cell: str, **fields: Any) -> None:
        """Change the config file, all at once.

        :param version: the config's label.
        :param cell: the URL of the cell that both placements, ``tier1`` for ``acme`` and ``tier3``, are at.
        :param fields: more fields of the document, or other values.
        """
        self.check.cells[version] = cell
        endpoints = {"tier1": cell, "tier3": cell}
        draft = self.folder / "draft.json"
        draft.write_text(json.dumps(document(version, **{"cellEndpoints": endpoints, **fields})))
        draft.rename(self.file)

    async def start_control_plane(self, *options: str, within: Sequence[str] = ()) -> None:
        """Start the control plane, always on the same port, and wait until it listens.

        :param options: more options.
        :param within: a command that runs the command that follows it.
        """
        port = f"tcp:{self._control_plane_port}:interface=127.0.0.1"
        ours = ("--port", port, "--config", str(self.file), *POLL)
        command = _daemon("cellrouter-cp", self.folder / "cp", *ours, *options)
        self.control_plane = self.run(*within, *command)
        self._control_plane_port = await self.control_plane.port("control plane")

    async def start_data_plane(self, *options: str, within: Sequence[str] = ()) -> None:
        """Start a data plane on free ports that has its config from the control plane; wait until it listens.

        :param options: more options.
        :param within: a command that runs the command that follows it.
        """
        bootstrap = self.folder / "bootstrap.json"
        bootstrap.write_text(json.dumps(document("bootstrap")))
        url = f"ws://127.0.0.1:{self._control_plane_port}/connect"
        ours = ("--control-plane-url", url, "--config", str(bootstrap), *options)
        await self._start_data_plane(within, *ours)

    async def start_data_plane_alone(self, *options: str, within: Sequence[str] = ()) -> None:
        """Start a data plane that watches the config file itself, and wait until it listens.

        :param options: more options.
        :param within: a command that runs the command that follows it.
        """
        await self._start_data_plane(within, "--config", str(self.file), *POLL, *options)

    async def _start_data_plane(self, within: Sequence[str], *options: str) -> None:
        ports = ("--port", ON_LOOPBACK, "--admin", ON_LOOPBACK)
        command = _daemon("cellrouter-dp", self.folder / "dp", *ports, *options)
        self.data_plane = self.run(*within, *command, child=LoggingDataPlane(check=self.check))
        await self.data_plane.port("data port")

    async def until_served(self, version: str) -> None:
        """Wait until the data plane says that it serves a config that the control plane sent."""
        await self.data_plane.until_logged(f'serving version "{version}", revision .*, from control_plane')

    async def until_acked(self, version: str) -> None:
        """Wait until the control plane says that the data plane acked a config."""
        await self.control_plane.until_logged(rf"runs revision \d+, version '{version}'")

    async def acked(self) -> dict[str, Any]:
        """Ask the control plane which config the data plane acked last."""
        (data_plane,) = (await self.ask_control_plane("/fleet"))["data_planes"]
        return data_plane["last_ack"]

    @property
    def control_plane_url(self) -> str:
        """Where the control plane is."""
        return f"http://127.0.0.1:{self._control_plane_port}"

    async def ask_control_plane(self, path: str) -> Any:
        """GET a JSON document of the control plane's."""
        return json.loads(await until_answers(f"{self.control_plane_url}{path}"))

    async def data_port(self) -> int:
        """Give the number of the data plane's port."""
        return await self.data_plane.port("data port")

    async def served(self) -> dict[str, Any]:
        """Ask the data plane's data port which config it serves."""
        url = f"http://127.0.0.1:{await self.data_port()}/debug/config-version"
        return json.loads(await until_answers(url))

    async def ask(self, key: str = "acme", path: str = "/") -> tuple[int, str]:
        """Send a request on a connection of its own; return the answer's status and body."""
        url = f"http://127.0.0.1:{await self.data_port()}{path}"
        response = await treq.get(url, {"X-Routing-Key": key}, persistent=False)
        return response.code, await response.text()

    def run(self, *command: str, child: Child | None = None) -> Child:
        """Start a process that ends with the fleet."""
        child = start(command, self.folder, child=child)
        self._children.append(child)
        return child

    async def stop(self) -> None:
        """Kill everything that still runs."""
        for child in self._children:
            if child.status is None:
                # One that a test has halted ends by this, too.
                os.kill(child.pid, signal.SIGKILL)
            await child.until_ended()


def _daemon(name: str, state: Path, *options: str) -> tuple[str, ...]:
    return (*TWISTD, "-n", "--pidfile=", name, "--state-dir", str(state), *options)
