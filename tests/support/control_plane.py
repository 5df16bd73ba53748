"""A control plane that does what a test tells it to, on a real socket."""

import json
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.trial.unittest import TestCase

from cellrouter.config import load_document


class Link(WebSocketServerProtocol):
    """One data plane's connection."""

    def onConnect(self, request: Any) -> str:
        """Speak the protocol the data plane offers."""
        return str(request.protocols[0])

    def onOpen(self) -> None:
        """Take note."""
        self.factory.control_plane._opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Take note."""
        self.factory.control_plane._received(json.loads(payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Take note."""
        self.factory.control_plane._closed(self)


class ScriptedControlPlane:
    """Listen on a free port of loopback for as long as the test runs or until it is told to stop.

    :ivar messages: every message received so far.
    :ivar greeting: a message that everybody who connects is sent.

    :param test: stops it when it ends.
    :param reactor: listens.
    :param port: where; 0 for any free port.
    :param tls: a TLS context factory, for ``wss``.
    """

    def __init__(self, test: TestCase, reactor: Any, port: int = 0, tls: Any = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.greeting: dict[str, Any] | None = None
        self._links: list[Link] = []
        self._waiters: list[tuple[str, int, Deferred[dict[str, Any]]]] = []
        factory = WebSocketServerFactory(protocols=["cellrouter.v1"], reactor=reactor)
        factory.protocol = Link
        factory.control_plane = self
        factory.noisy = False
        self._scheme = "ws" if tls is None else "wss"
        self._port: IListeningPort = (
            reactor.listenTCP(port, factory, interface="127.0.0.1")
            if tls is None
            else reactor.listenSSL(port, factory, tls, interface="127.0.0.1")
        )
        self.port: int = self._port.getHost().port
        test.addCleanup(self.stop)

    @property
    def url(self) -> str:
        """Where data planes connect to."""
        return f"{self._scheme}://127.0.0.1:{self.port}/connect"

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to everybody."""
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, payload: bytes, binary: bool = False) -> None:
        """Send any payload to everybody."""
        for link in self._links:
            link.sendMessage(payload, isBinary=binary)

    def received(self, kind: str, times: int = 1) -> "Deferred[dict[str, Any]]":
        """Wait for a message of a type, so many in all.

        :returns: a Deferred of the last of them.
        """
        waiter: Deferred[dict[str, Any]] = Deferred()
        self._waiters.append((kind, times, waiter))
        self._tell()
        return waiter

    async def stop(self) -> None:
        """Close the port and every connection without a word, as a crash would."""
        if self._port is not None:
            port, self._port = self._port, None
            for link in self._links:
                link.transport.abortConnection()
            await port.stopListening()

    def _opened(self, link: Link) -> None:
        self._links.append(link)
        if self.greeting is not None:
            link.sendMessage(json.dumps(self.greeting).encode())

    def _closed(self, link: Link) -> None:
        if link in self._links:
            self._links.remove(link)

    def _received(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self._tell()

    def _tell(self) -> None:
        for waiter in self._waiters.copy():
            kind, times, found = waiter
            matching = [message for message in self.messages if message["type"] == kind]
            if len(matching) >= times:
                self._waiters.remove(waiter)
                found.callback(matching[times - 1])


def snapshot_message(
    document: dict[str, Any], revision: int | None = 1, source_id: str | None = "one"
) -> dict[str, Any]:
    """Make the message that carries a valid document."""
    return {
        "type": "config_snapshot",
        "revision": revision,
        "source_id": source_id,
        "hash": load_document(document).hash,
        "config": document,
    }
