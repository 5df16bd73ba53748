"""The demo: a control plane, a data plane and four cells on this machine, and a request to each cell."""

import json
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from attrs import asdict, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.web.http_headers import Headers

from cellrouter.cli.children import Child, ChildFailedError, Children
from cellrouter.cli.client import fetch, get_json
from cellrouter.cli.output import as_json, table

CELLS = ("tier1", "tier2", "tier3", "visa")
ROUTING_TABLE = {
    "acme": "tier1",
    "globex": "tier2",
    "initech": "tier3",
    "customer-123": "tier2",
    "visa": "visa",
}
DEFAULT_PLACEMENT = "tier3"
VERSION = "1.0.0"
BOOTSTRAP_VERSION = "0.0.1"
REQUESTS = {key: ROUTING_TABLE.get(key, DEFAULT_PLACEMENT) for key in (*ROUTING_TABLE, "not-in-the-table")}
"""The routing keys that are tried, and the placement each must reach."""

ON_LOOPBACK = "tcp:0:interface=127.0.0.1"
POLL_INTERVAL = "500ms"
CONFIG_TIMEOUT_S = 30.0
RETRY_S = 0.05
NO_DEMO = "the demo cannot go on"
TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=")
CELL = (sys.executable, "-m", "cellrouter.cli", "cell")


@frozen
class Routed:
    """What came of one request.

    :param routing_key: what it was sent with.
    :param status: the response's status.
    :param placement: the placement that the router says it chose.
    :param match: why, in the router's word.
    :param cell: the name of the cell that answered.
    :param endpoint: the URL that the router says it sent it to.
    :param expected: the placement that the config says.
    """

    routing_key: str
    status: int
    placement: str | None
    match: str | None
    cell: str | None
    endpoint: str | None
    expected: str

    @property
    def right(self) -> bool:
        """Whether the right cell answered."""
        return self.status == 200 and self.placement == self.cell == self.expected


@frozen
class Running:
    """Where everything is once it runs.

    :param router: URL for clients.
    :param data_plane: URL of the data plane's admin port.
    :param control_plane: URL of the control plane.
    :param config: the file that the control plane watches.
    :param control_plane_pid: the control plane's process.
    :param logs: the folder with everybody's log.
    """

    router: str
    data_plane: str
    control_plane: str
    config: str
    control_plane_pid: int
    logs: str


async def run(reactor: Any, once: bool, json_wanted: bool, echo: Callable[[str], object]) -> int:
    """Run the demo, until it is done or the reactor stops; it leaves no process and no file behind.

    :param reactor: runs it.
    :param once: stop as soon as the routes are checked.
    :param json_wanted: print JSON instead of text.
    :param echo: prints.
    :returns: the exit status: 0 when every request reached its cell.
    :raises click.ClickException: when something did not start.
    """
    ended: Deferred[None] = Deferred()
    interrupted = False

    def interrupt() -> "Deferred[None]":
        nonlocal interrupted
        interrupted = not ended.called
        demo.cancel()
        return ended

    def end(result: object) -> object:
        ended.callback(None)
        return result

    _end_with_the_terminal(reactor)
    demo = Deferred.fromCoroutine(_run(reactor, once, json_wanted, echo))
    reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    try:
        return await demo.addBoth(end)
    except (CancelledError, click.ClickException):
        if not interrupted:
            raise
        return 1 if once else 0


def _end_with_the_terminal(reactor: Any) -> None:
    """Take the end of the terminal as a signal to end, unless it is to be ignored: nohup."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reactor.stop))


async def _run(reactor: Any, once: bool, json_wanted: bool, echo: Callable[[str], object]) -> int:
    with TemporaryDirectory(prefix="cellrouter-demo-") as folder:
        children = Children(reactor, Path(folder))
        try:
            running = await _start(reactor, children, Path(folder))
            routed = [
                await _send(reactor, running.router, key, expected) for key, expected in REQUESTS.items()
            ]
            echo(as_json(_document(running, routed)) if json_wanted else _text(routed))
            right = all(each.right for each in routed)
            if not once:
                if not json_wanted:
                    echo(_hints(running))
                await _stay(children, echo)
            return 0 if right else 1
        except ChildFailedError as error:
            raise click.ClickException(str(error)) from None
        finally:
            await children.stop()


async def _start(reactor: Any, children: Children, folder: Path) -> Running:
    """Start everything, each when what it needs is there."""
    cells = {name: children.start(name, (*CELL, "--name", name, "--port", ON_LOOPBACK)) for name in CELLS}
    urls = {
        name: f"http://127.0.0.1:{await cell.port(f'cell {name}', reactor)}" for name, cell in cells.items()
    }
    config, bootstrap = folder / "routing.json", folder / "dataplane-initial.json"
    config.write_text(as_json(document(VERSION, ROUTING_TABLE, urls)) + "\n")
    bootstrap.write_text(as_json(document(BOOTSTRAP_VERSION, {}, urls)) + "\n")
    control_plane = children.start(
        "control-plane",
        [
            *(*TWISTD, "cellrouter-cp", "--port", ON_LOOPBACK, "--config", str(config)),
            *("--state-dir", str(folder / "control-plane"), "--poll-interval", POLL_INTERVAL),
        ],
    )
    control_port = await control_plane.port("control plane", reactor)
    data_plane = children.start(
        "data-plane",
        [
            *(*TWISTD, "cellrouter-dp", "--port", ON_LOOPBACK, "--admin", ON_LOOPBACK),
            *("--control-plane-url", f"ws://127.0.0.1:{control_port}/connect"),
            *("--config", str(bootstrap), "--state-dir", str(folder / "data-plane")),
        ],
    )
    running = Running(
        router=f"http://127.0.0.1:{await data_plane.port('data port', reactor)}",
        data_plane=f"http://127.0.0.1:{await data_plane.port('admin port', reactor)}",
        control_plane=f"http://127.0.0.1:{control_port}",
        config=str(config),
        control_plane_pid=control_plane.pid,
        logs=str(folder),
    )
    await _until_applied(reactor, running.router, VERSION)
    return running


def document(version: str, routing_table: dict[str, str], urls: dict[str, str]) -> dict[str, object]:
    """Make the demo's config.

    :param version: its version.
    :param routing_table: its routes.
    :param urls: each cell's URL.
    :returns: the document.
    """
    return {
        "version": version,
        "routingTable": routing_table,
        "cellEndpoints": urls,
        "defaultPlacement": DEFAULT_PLACEMENT,
    }


async def _until_applied(reactor: Any, router: str, version: str) -> None:
    """Ask the data plane until it runs a version of the config."""
    end = reactor.seconds() + CONFIG_TIMEOUT_S
    while True:
        running = await get_json(reactor, f"{router}/debug/config-version", NO_DEMO)
        if running.get("version") == version:
            return
        if reactor.seconds() > end:
            raise click.ClickException(f"the data plane did not get version {version}: {json.dumps(running)}")
        await deferLater(reactor, RETRY_S)


async def _send(reactor: Any, router: str, key: str, expected: str) -> Routed:
    """Send one request through the router."""
    headers = Headers({"X-Routing-Key": [key]})
    response, answer = await fetch(reactor, f"{router}/", NO_DEMO, headers=headers)

    def header(name: str) -> str | None:
        value: str | None = response.headers.getRawHeaders(name, [None])[0]
        return value

    return Routed(
        routing_key=key,
        status=response.code,
        placement=header("X-Route-Reason"),
        match=header("X-Route-Match"),
        cell=(answer or {}).get("cell"),
        endpoint=header("X-Routed-To"),
        expected=expected,
    )


async def _stay(children: Children, echo: Callable[[str], object]) -> None:
    """Report each child's end, until the reactor stops."""

    def report(child: Child) -> None:
        goes_on = "; requests are routed as before" if child.name == "control-plane" else ""
        echo(f"{child.name} ended: {child.ending}{goes_on}")

    await children.watch(report)


def _document(running: Running, routed: list[Routed]) -> dict[str, object]:
    return {**asdict(running), "routes": [{**asdict(each), "right": each.right} for each in routed]}


def _text(routed: list[Routed]) -> str:
    headings = ("routing key", "status", "placement", "match", "cell", "endpoint", "")
    rows = [
        (
            *(each.routing_key, each.status, each.placement, each.match, each.cell, each.endpoint),
            "ok" if each.right else f"wrong: expected {each.expected}",
        )
        for each in routed
    ]
    return table(headings, rows)


def _hints(running: Running) -> str:
    tool = "cellrouter" if shutil.which("cellrouter") else f"{sys.executable} -m cellrouter.cli"
    return f"""
Router         {running.router}
Admin port     {running.data_plane}/debug/config-version
Control plane  {running.control_plane}/fleet
Config         {running.config}
Logs           {running.logs}

In another terminal:

  export ROUTER={running.router} DATA_PLANE={running.data_plane}
  export CONTROL_PLANE={running.control_plane} CONTROL_PLANE_PID={running.control_plane_pid}
  export CONFIG={running.config} LOGS={running.logs}

  curl -i -H 'X-Routing-Key: acme' $ROUTER/hello         # send a request
  {tool + " route acme":<53}  # ask where one would go
  sed -i 's/"acme": "tier1"/"acme": "visa"/' $CONFIG     # change the config, then send it again
  kill -9 $CONTROL_PLANE_PID                             # requests are routed as before

Ctrl-C ends everything.
"""
