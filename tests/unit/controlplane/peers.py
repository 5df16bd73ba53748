"""A data plane's end of a WebSocket connection, in memory."""

import json
import struct

from attrs import frozen

from cellrouter.controlplane.connection import DataPlaneConnection
from cellrouter.controlplane.hub import Hub
from tests.unit.controlplane.transports import SlowTransport

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


@frozen
class Frame:
    """A frame that the control plane sent."""

    opcode: int
    payload: bytes

    def message(self) -> dict[str, object]:
        """Parse a text frame."""
        message = json.loads(self.payload)
        assert isinstance(message, dict)
        return message


class Peer:
    """Connect to a hub as a data plane does, read only when told to, and send whatever one likes."""

    def __init__(self, hub: Hub, port: int = 50000, subprotocols: str | None = "cellrouter.v1") -> None:
        self.transport = SlowTransport(port=port)
        self.connection: DataPlaneConnection = hub.factory.buildProtocol(None)
        self.transport.protocol = self.connection
        self.connection.makeConnection(self.transport)
        offer = f"Sec-WebSocket-Protocol: {subprotocols}\r\n" if subprotocols else ""
        self.connection.dataReceived(
            b"GET /connect HTTP/1.1\r\nHost: cp:8081\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + offer.encode()
            + b"\r\n"
        )
        head, _, self._unread = self.transport.value().partition(b"\r\n\r\n")
        self.response_head = head.decode()
        self.transport.clear()
        self.transport.write(self._unread)
        self._unread = b""

    @property
    def dropped(self) -> bool:
        """Whether the control plane has ended the connection."""
        return self.transport.aborted or self.transport.disconnecting

    def send(self, message: object) -> None:
        """Send a JSON message."""
        self.send_frame(TEXT, json.dumps(message).encode())

    def send_frame(self, opcode: int, payload: bytes) -> None:
        """Send any frame, masked with zeros."""
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
        elif length < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
        self.connection.dataReceived(head + b"\0\0\0\0" + payload)

    def read(self) -> list[Frame]:
        """Read everything the control plane has to send by now."""
        self._unread += self.transport.drain_all()
        frames = []
        while self._unread:
            opcode, length = self._unread[0] & 0x0F, self._unread[1]
            start = 2
            if length == 126:
                length, start = struct.unpack("!H", self._unread[2:4])[0], 4
            elif length == 127:
                length, start = struct.unpack("!Q", self._unread[2:10])[0], 10
            frames.append(Frame(opcode, self._unread[start : start + length]))
            self._unread = self._unread[start + length :]
        return frames

    def revisions(self) -> list[object]:
        """Read, and give the revisions of the snapshots among what was read."""
        return [frame.message()["revision"] for frame in self.read() if frame.opcode == TEXT]
