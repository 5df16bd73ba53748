"""A data plane's WebSocket client that records what it is sent: Autobahn's, on a real socket."""

import json
from collections.abc import Callable

from attrs import define, field
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IReactorTCP


@define(eq=False)
class Recording:
    """What one connection saw, and a way to wait for more of it."""

    snapshots: list[dict[str, object]] = field(factory=list)
    close_code: int | None = None
    closed: "Deferred[None]" = field(factory=Deferred)
    _waiting: list[tuple[Callable[[dict[str, object]], bool], "Deferred[dict[str, object]]"]] = field(
        factory=list
    )

    def snapshot(self, wanted: Callable[[dict[str, object]], bool]) -> "Deferred[dict[str, object]]":
        """Wait for a snapshot.

        :param wanted: tells the one that is waited for.
        :returns: fires with the first such snapshot, one that has come already included.
        """
        arrived: Deferred[dict[str, object]] = Deferred()
        self._waiting.append((wanted, arrived))
        for snapshot in self.snapshots:
            self._tell(snapshot)
        return arrived

    def took(self, snapshot: dict[str, object]) -> None:
        """Take note of a snapshot."""
        self.snapshots.append(snapshot)
        self._tell(snapshot)

    def _tell(self, snapshot: dict[str, object]) -> None:
        told = [waiter for waiter in self._waiting if waiter[0](snapshot)]
        self._waiting = [waiter for waiter in self._waiting if waiter not in told]
        for _, arrived in told:
            arrived.callback(snapshot)


class RecordingClient(WebSocketClientProtocol):
    """Record every snapshot; say nothing unless told to."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.recording.took(json.loads(payload))

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.factory.recording.close_code = code
        self.factory.recording.closed.callback(None)

    def send(self, message: object) -> None:
        """Send a JSON message."""
        self.sendMessage(json.dumps(message).encode())


async def connect(
    reactor: IReactorTCP,
    port: int,
    protocols: tuple[str, ...] = ("cellrouter.v1",),
    headers: dict[str, str] | None = None,
) -> tuple[RecordingClient, Recording]:
    """Open ``/connect`` on loopback.

    :param reactor: makes the connection.
    :param port: the control plane's port.
    :param protocols: the subprotocols to offer.
    :param headers: further fields of the request.
    :returns: the open connection and what it records.
    :raises Exception: when the control plane refuses the upgrade.
    """
    factory = WebSocketClientFactory(
        f"ws://127.0.0.1:{port}/connect", protocols=list(protocols), headers=headers, reactor=reactor
    )
    factory.protocol = RecordingClient
    factory.recording = Recording()
    client = await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)
    opened = client.is_open
    closed = factory.recording.closed
    closed.addCallback(
        lambda _: opened.called or opened.errback(ConnectionRefusedError(client.wasNotCleanReason))
    )
    await opened
    return client, factory.recording
