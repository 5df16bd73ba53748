"""A control plane that feeds a data plane, and what it says of it."""

import contextlib
import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from benchmarks.cells import START_TIMEOUT_S, free_port
from benchmarks.errors import CouldNotRun
from benchmarks.peers import PYTHON, TWISTD, Peer
from benchmarks.processes import Running, running

LOOK_S = 0.02


@frozen
class ControlPlane:
    """A control plane that runs.

    :param port: where it listens.
    :param process: what runs.
    """

    port: int
    process: Running

    def last_ack(self) -> tuple[int, float]:
        """Ask for the revision that its data plane has acked, 0 for none, and the ack's ``apply_ms``."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=START_TIMEOUT_S)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/fleet")
                fleet: dict[str, Any] = json.loads(connection.getresponse().read())
            except (OSError, HTTPException, ValueError):
                return 0, 0.0
        acks = [node["last_ack"] for node in fleet["data_planes"] if node["last_ack"]]
        return max(((ack["revision"], ack["apply_ms"]) for ack in acks), default=(0, 0.0))

    def await_ack(self, revision: int, patience_s: float) -> float:
        """Wait for the ack of a revision, or of a later one.

        :returns: its ``apply_ms``.
        :raises CouldNotRun: when it does not come in time.
        """
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            acked, apply_ms = self.last_ack()
            if acked >= revision:
                return apply_ms
            time.sleep(LOOK_S)
        raise CouldNotRun(f"no ack in {patience_s:.0f} s: {self.process.last_words()}")


@contextlib.contextmanager
def control_plane(config: Path, core: int, folder: Path) -> Iterator[ControlPlane]:
    """Run a control plane for as long as the context lasts.

    :param config: the file it watches.
    :param core: where it runs: at the lowest priority, since its work is not what is measured.
    :param folder: an empty folder for its files.
    """
    port = free_port()
    environment = {
        "PORT": f"tcp:{port}:interface=127.0.0.1",
        "CONFIG_PATH": str(config),
        "STATE_DIR": str(folder / "state"),
        "POLL_INTERVAL": "200ms",
    }
    command = ["nice", "-n", "19", PYTHON, *TWISTD, "cellrouter-cp"]
    with running(command, core, folder, environment) as process:
        yield ControlPlane(port, process)


def fed_by(peer: Peer, control_plane_port: int) -> Peer:
    """Change a data plane that watches a file into one that a control plane feeds."""
    url = f"ws://127.0.0.1:{control_plane_port}/connect"
    return evolve(peer, environment={**peer.environment, "CONTROL_PLANE_URL": url})
