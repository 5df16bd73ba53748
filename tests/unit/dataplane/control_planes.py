"""A control plane's end of WebSocket connections, in memory."""

import base64
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@frozen
class Frame:
    """A frame that the data plane sent."""

    opcode: int
    payload: bytes


class Peer:
    """One connection, seen from the control plane.

    :ivar request: the data plane's half of the opening handshake.
    :ivar transport: the data plane's.
    :ivar lost: whether the connection has ended.
    """

    def __init__(self, factory: IProtocolFactory) -> None:
        self.transport = StringTransport()
        self.transport.abortConnection = self._aborted
        self.transport.loseConnection = self._closed
        self.transport.setTcpNoDelay = lambda enabled: None
        self.transport.unregisterProducer = lambda: None
        self.lost = False
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        self.request = self._take()
        self._unread = b""

    def accept(self) -> None:
        """Complete the opening handshake."""
        fields = dict(line.split(b": ", 1) for line in self.request.split(b"\r\n") if b": " in line)
        key = {name.lower(): value for name, value in fields.items()}[b"sec-websocket-key"]
        accepted = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        self.feed(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: cellrouter.v1\r\nSec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
        )

    def feed(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.protocol.dataReceived(data)

    def send_frame(self, opcode: int, payload: bytes, final: bool = True) -> None:
        """Send a frame."""
        length = len(payload)
        first = (0x80 if final else 0) | opcode
        if length < 126:
            head = struct.pack("!BB", first, length)
        elif length < 65536:
            head = struct.pack("!BBH", first, 126, length)
        else:
            head = struct.pack("!BBQ", first, 127, length)
        self.feed(head + payload)

    def send(self, message: Any) -> None:
        """Send a JSON message."""
        self.send_frame(TEXT, json.dumps(message).encode())

    def frames(self) -> list[Frame]:
        """Return what the data plane has sent since the last call."""
        data = self._unread + self._take()
        frames = []
        while data:
            opcode, length, start = data[0] & 0x0F, data[1] & 0x7F, 2
            if length == 126:
                (length,), start = struct.unpack("!H", data[2:4]), 4
            mask, payload = data[start : start + 4], data[start + 4 : start + 4 + length]
            frames.append(Frame(opcode, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))))
            data = data[start + 4 + length :]
        return frames

    def messages(self) -> list[Any]:
        """Return the JSON messages among what was sent since the last call."""
        return [json.loads(frame.payload) for frame in self.frames() if frame.opcode == TEXT]

    def lose(self, reason: Exception | None = None) -> None:
        """End the TCP connection."""
        if not self.lost:
            self.lost = True
            self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    def _aborted(self) -> None:
        self.lose(ConnectionAborted())

    def _closed(self) -> None:
        self.lose()

    def _take(self) -> bytes:
        data = self.transport.value()
        self.transport.clear()
        return data


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    """Connects in memory.

    :param attempts: gets the URL of each attempt.
    :param peers: gets each connection.
    :param refuses: says whether an attempt is refused.
    """

    def __init__(self, url: str, attempts: list[str], peers: list[Peer], refuses: Callable[[], bool]) -> None:
        self._url = url
        self._attempts = attempts
        self._peers = peers
        self._refuses = refuses

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """Connect, or refuse."""
        self._attempts.append(self._url)
        if self._refuses():
            return fail(ConnectError())
        peer = Peer(factory)
        self._peers.append(peer)
        return succeed(peer.protocol)
