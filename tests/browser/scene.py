"""A control plane and data planes that say what they are told to, for somebody to look at."""

from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet import reactor

from cellrouter.config import Match
from cellrouter.observe.traffic import Traffic
from tests.integration.data_plane_client import Recording, RecordingClient, connect
from tests.support.documents import text
from tests.support.processes import ON_LOOPBACK, TWISTD, Child, start

WRONG = [
    {"path": "/placements/tier2/concurrency_limit", "code": "out_of_range", "message": "0 is less than 1"},
    {"path": "/routingTable/acme", "code": "unknown_placement", "message": 'there is no placement "teir2"'},
]


class ActedDataPlane:
    """A data plane that acks what it is sent, or refuses it, and says that it works when it is told to.

    :ivar name: its node id.
    :ivar errors: why it refuses what it is sent; empty when it acks.
    :ivar snapshot: what it was sent last.
    """

    def __init__(self, name: str, errors: list[dict[str, str]] | None = None) -> None:
        self.name = name
        self.errors = errors or []
        self.snapshot: dict[str, Any] = {}
        self._client: RecordingClient
        self._recording: Recording | None = None
        self._traffic = Traffic()

    async def join(self, port: int, version: str = "0.1.0") -> None:
        """Connect to a control plane, say hello, and wait for the first snapshot."""
        self._client, self._recording = await connect(reactor, port)
        self._client.send({"type": "hello", "node_id": self.name, "software": version, "running": None})
        await self._recording.snapshot(self._took)
        self._recording.snapshot(lambda snapshot: self._took(snapshot) and False)

    def _took(self, snapshot: dict[str, Any]) -> bool:
        if snapshot is self.snapshot:
            return True
        self.snapshot = snapshot
        said = {
            "version": snapshot["config"]["version"],
            "revision": snapshot["revision"],
            "hash": snapshot["hash"],
        }
        if self.errors:
            self._client.send({"type": "nack", **said, "errors": self.errors})
        else:
            self._client.send({"type": "ack", **said, "apply_ms": 1.0})
        return True

    def work(self, requests: int, stray: int = 50, ailing: bool = False) -> None:
        """Do some requests more, and tell all that it has done.

        :param requests: how many.
        :param stray: one of so many has a key that is not in the table.
        :param ailing: whether it finds the default placement ill.
        """
        for request in range(requests):
            match = Match.EXACT if request % stray else Match.DEFAULT
            self._traffic.count(502 if request % 900 == 899 else 200, (request % 97) ** 2 / 1e6, match)
        placements = {
            name: {"healthy": healthy, "circuit": circuit, "in_flight": in_flight, "requests": done}
            for name, healthy, circuit, in_flight, done in (
                ("tier1", True, "closed", 12, self._traffic.exact),
                ("tier3", not ailing, "open" if ailing else "closed", 3, self._traffic.default),
            )
        }
        self._client.send({"type": "status", "placements": placements, "requests": self._traffic.report()})

    async def leave(self) -> None:
        """Lose the connection, if there is one."""
        if self._recording is not None:
            self._client.transport.abortConnection()
            await self._recording.closed
            self._recording = None


@define(eq=False)
class Scene:
    """Starts everybody, and ends them.

    :ivar control_plane: the newest one.
    :ivar port: where it listens, the next one too.

    :param folder: for the file and the state.
    """

    folder: Path
    control_plane: Child = field(init=False)
    port: int = 0
    data_planes: dict[str, ActedDataPlane] = field(factory=dict)

    @property
    def url(self) -> str:
        """Of the control plane, with the slash at the end."""
        return f"http://127.0.0.1:{self.port}/"

    def write(self, routes: int, version: str, placement: str = "tier1", **more: Any) -> None:
        """Write the config file, all at once."""
        table = {f"customer-{number}": placement for number in range(routes)}
        draft = self.folder / "draft"
        draft.write_bytes(text(version, routingTable=table, **more))
        draft.rename(self.folder / "routing.json")

    async def serve(self, *options: str) -> Child:
        """Start a control plane: the first one anywhere, each further one where it was."""
        listen = f"tcp:{self.port}:interface=127.0.0.1" if self.port else ON_LOOPBACK
        self.control_plane = start(
            (
                *(*TWISTD, "-n", "--pidfile=", "cellrouter-cp", "--port", listen),
                *("--state-dir", str(self.folder / "state"), "--config", str(self.folder / "routing.json")),
                *("--poll-interval", "100ms", *options),
            ),
            self.folder,
        )
        self.port = await self.control_plane.port("control plane")
        return self.control_plane

    async def join(self, name: str, errors: list[dict[str, str]] | None = None) -> ActedDataPlane:
        """Let a data plane connect."""
        self.data_planes[name] = data_plane = ActedDataPlane(name, errors)
        await data_plane.join(self.port)
        return data_plane

    async def stop(self) -> None:
        """Let everybody go."""
        for data_plane in self.data_planes.values():
            await data_plane.leave()
        await self.control_plane.stop("KILL")
