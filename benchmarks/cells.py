"""The cells: two placements that answer as cheaply as can be, so that the proxy is what is measured."""

import contextlib
import json
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from attrs import frozen

from benchmarks.errors import CouldNotRun
from benchmarks.processes import Running, running
from benchmarks.templates import render

ANSWER_BYTES = 147
BIG_BYTES = 10 * 1024 * 1024
KEY = "acme"
START_TIMEOUT_S = 15.0
_RETRY_S = 0.05


@frozen
class Cells:
    """Where the cells listen.

    :param cell: port of tier1, where ``acme`` is.
    :param default_cell: port of tier3, the default placement.
    :param process: who answers.
    """

    cell: int
    default_cell: int
    process: Running


def free_port() -> int:
    """Find a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answer(name: str) -> str:
    """Make the answer of a cell: JSON of :data:`ANSWER_BYTES` bytes that says who it is."""
    bare = len(json.dumps({"cell": name, "rest": ""}))
    return json.dumps({"cell": name, "rest": "x" * (ANSWER_BYTES - bare)})


@contextlib.contextmanager
def cells(core: int, folder: Path) -> Iterator[Cells]:
    """Run both cells for as long as the context lasts.

    :param core: where they run.
    :param folder: an empty folder for their files.
    :raises CouldNotRun: when they do not start.
    """
    cell, default_cell = free_port(), free_port()
    (folder / "big").write_bytes(b"x" * BIG_BYTES)
    nginx = shutil.which("nginx")
    if nginx is not None:
        values = {"answer": answer("tier1"), "default_answer": answer("tier3")}
        configuration = render("cell.conf", folder, cell, default_cell, **values)
        command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    else:
        command = [sys.executable, "-m", "benchmarks.small_cell", str(cell), str(default_cell)]
    with running(command, core, folder) as process:
        await_answer(process, cell, "tier1")
        await_answer(process, default_cell, "tier3")
        yield Cells(cell, default_cell, process)


def await_answer(process: Running, port: int, expected: str, key: str = KEY) -> None:
    """Ask until the right cell answers.

    :param process: who listens, or will.
    :param port: where to ask.
    :param expected: the cell's name.
    :param key: the routing key to send.
    :raises CouldNotRun: when the process ends, or nothing right comes in time.
    """
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        # Looked at before the question is asked: what another process would answer on the port is no answer.
        gone = process.ended
        got = _ask(port, key)
        if got == expected:
            return
        if gone:
            raise CouldNotRun(f"ended with status {process.process.returncode}: {process.last_words()}")
        if time.monotonic() > end:
            raise CouldNotRun(f"for {key} got {got}, not {expected}: {process.last_words()}")
        time.sleep(_RETRY_S)


def _ask(port: int, key: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT_S)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/", headers={"X-Routing-Key": key})
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            return f"{type(error).__name__}"
    if response.status != 200:
        return f"status {response.status}"
    try:
        return str(json.loads(body)["cell"])
    except (ValueError, KeyError, TypeError):
        return "an answer that is no cell's"
