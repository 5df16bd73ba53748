"""Who is compared: how each proxy is found, configured and started."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import Factory, evolve, field, frozen

from benchmarks.cells import Cells, await_answer, free_port
from benchmarks.errors import CouldNotRun
from benchmarks.processes import Running, running
from benchmarks.templates import filled, render, values

VERSION_TIMEOUT_S = 20.0
PYTHON = sys.executable
TWISTD = ("-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=")


@frozen
class Peer:
    """One proxy.

    Texts may name ``@{folder}``, ``@{port}``, ``@{cell}`` and ``@{default_cell}``.

    :param name: what it is called in tables.
    :param program: what is started: a path, or a name that is looked up.
    :param arguments: what follows.
    :param files: what is written into its folder first.
    :param environment: variables on top of our own.
    :param blanks: what the files name that is this proxy's own.
    :param version: arguments that make the program print its version.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    files: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default=Factory(dict))
    blanks: Mapping[str, str] = field(default=Factory(dict))
    version: tuple[str, ...] = ("--version",)


@frozen
class Started:
    """A proxy that answers.

    :param port: where.
    :param process: what runs.
    """

    port: int
    process: Running


def cellrouter(name: str, *twistd_options: str) -> Peer:
    """Describe cellrouter's data plane in file-only mode, as its users run it.

    :param name: what to call it.
    :param twistd_options: for example another reactor.
    """
    return Peer(
        name,
        PYTHON,
        (*TWISTD, *twistd_options, "cellrouter-dp"),
        files=("routing.json",),
        environment={
            "PORT": "tcp:@{port}:interface=127.0.0.1",
            "ADMIN": "off",
            "CONFIG_PATH": "@{folder}/routing.json",
            "STATE_DIR": "@{folder}/state",
            "CONTROL_PLANE_URL": "",
        },
        version=("-c", "import cellrouter; print(cellrouter.__version__)"),
    )


BASELINE = "nginx"
NGINX = Peer(
    BASELINE,
    "nginx",
    ("-e", "stderr", "-p", "@{folder}", "-c", "@{folder}/nginx.conf"),
    files=("nginx.conf",),
    blanks={"buffers": ""},
    version=("-v",),
)
PEERS = (
    NGINX,
    Peer(
        "haproxy",
        "haproxy",
        ("-db", "-f", "@{folder}/haproxy.cfg"),
        files=("haproxy.cfg", "routes.map"),
        version=("-v",),
    ),
    cellrouter("cellrouter"),
    cellrouter("cellrouter-epoll", "-r", "epoll"),
    Peer(
        "envoy",
        "envoy",
        (
            *("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
            *("--config-path", "@{folder}/envoy.yaml"),
        ),
        files=("envoy.yaml",),
    ),
    Peer(
        "traefik",
        "traefik",
        ("--configFile=@{folder}/traefik.yaml",),
        files=("traefik.yaml", "traefik-routes.yaml"),
        environment={"GOMAXPROCS": "1"},
        version=("version",),
    ),
    Peer(
        "aiohttp",
        PYTHON,
        ("-m", "benchmarks.aiohttp_proxy", "@{port}", "@{cell}", "@{default_cell}", "@{folder}/access.log"),
        version=("-c", "import aiohttp; print(aiohttp.__version__)"),
    ),
    Peer(
        "twisted-stock",
        PYTHON,
        ("-m", "benchmarks.stock_twisted", "@{port}", "@{cell}", "@{default_cell}", "@{folder}/access.log"),
        version=("-c", "import twisted; print(twisted.__version__)"),
    ),
)
# Without buffering nginx reads no more than one page at a time, unless told otherwise.
LARGE_BUFFERS = {"buffers": "proxy_buffer_size 64k; proxy_buffers 8 64k;"}
STREAM_PEERS = (*PEERS, evolve(NGINX, name="nginx-64k", blanks=LARGE_BUFFERS))
"""For long answers: nginx at its best, too."""


def program(peer: Peer) -> str:
    """Find a proxy's program: on the path, beside this Python, or where Debian has daemons.

    :raises CouldNotRun: when it is not installed.
    """
    places = [os.environ.get("PATH", os.defpath), str(Path(PYTHON).parent), "/usr/sbin"]
    found = shutil.which(peer.program, path=os.pathsep.join(places))
    if found is None:
        raise CouldNotRun(f"{peer.program} is not installed")
    return found


def version(peer: Peer) -> str | None:
    """Ask a proxy for its version; None when it does not say."""
    try:
        said = subprocess.run(
            [program(peer), *peer.version],
            capture_output=True,
            text=True,
            check=False,
            timeout=VERSION_TIMEOUT_S,
        )
    except (CouldNotRun, OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return None if number is None else number.group()


@contextlib.contextmanager
def started(peer: Peer, cells: Cells, core: int, folder: Path, buffering: str) -> Iterator[Started]:
    """Run a proxy for as long as the context lasts, once it routes as it should.

    :param peer: which.
    :param cells: where it routes to.
    :param core: where it runs.
    :param folder: an empty folder for its files.
    :param buffering: ``on`` or ``off``, for those that can gather a response before they send it.
    :raises CouldNotRun: when it is not installed, or does not start, or does not route.
    """
    path = program(peer)
    port = free_port()
    more = {"port": port, "buffering": buffering, **peer.blanks}
    known = values(folder, cells.cell, cells.default_cell, **more)
    for name in peer.files:
        render(name, folder, cells.cell, cells.default_cell, **more)
    arguments = [filled(each, known) for each in peer.arguments]
    environment = {name: filled(value, known) for name, value in peer.environment.items()}
    with running([path, *arguments], core, folder, environment) as process:
        await_answer(process, port, "tier1")
        await_answer(process, port, "tier3", key="not-in-the-table")
        yield Started(port, process)
