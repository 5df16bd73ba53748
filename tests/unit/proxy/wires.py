"""TCP in memory: Twisted's own transports on sockets that are none, and a reactor that turns when told to."""

from errno import EOPNOTSUPP, EWOULDBLOCK
from socket import IPPROTO_TCP
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

MOST_TURNS = 100_000
_READ_BYTES = 65536


class Socket:
    """What a transport needs of a socket.

    :ivar sent: what the other side has got.
    :ivar room: how many bytes it still takes; None for any number.
    :ivar broken: whether every use fails.
    :ivar delayable: whether it knows the options of TCP.
    :ivar finished: whether the other side knows that no more comes.
    """

    def __init__(self) -> None:
        self.sent = bytearray()
        self.room: int | None = None
        self.broken = False
        self.delayable = True
        self.finished = False
        self.incoming = bytearray()
        self.ended = False

    def send(self, data: bytes) -> int:
        """Take what there is room for."""
        if self.broken:
            raise ConnectionResetError(104, "reset")
        if self.room == 0:
            raise BlockingIOError(EWOULDBLOCK, "full")
        taken = len(data) if self.room is None else min(len(data), self.room)
        self.sent += data[:taken]
        if self.room is not None:
            self.room -= taken
        return taken

    def recv(self, size: int) -> bytes:
        """Give what has come."""
        if self.broken:
            raise ConnectionResetError(104, "reset")
        if not self.incoming and not self.ended:
            raise BlockingIOError(EWOULDBLOCK, "empty")
        data = bytes(self.incoming[:size])
        del self.incoming[:size]
        return data

    def readable(self) -> bool:
        """Whether :meth:`recv` would not wait."""
        return bool(self.incoming) or self.ended or self.broken

    def shutdown(self, how: int) -> None:
        """Tell the other side that no more comes."""
        self.finished = True

    def setsockopt(self, level: int, *arguments: Any) -> None:
        """Be like a socket, of TCP or not."""
        if level == IPPROTO_TCP and not self.delayable:
            raise OSError(EOPNOTSUPP, "not supported")

    def setblocking(self, blocking: bool) -> None:
        """Be like a socket."""

    def fileno(self) -> int:
        """Be like a socket."""
        return 0

    def close(self) -> None:
        """End both ways."""
        self.finished = True


class Wire(Connection):
    """Twisted's TCP transport.

    :ivar end: how the router ended it: ``closed`` or ``aborted``; None if it has not.
    :ivar finishing: whether the router sends no more, even if the other side cannot know that yet.
    """

    def __init__(self, reactor: "WireReactor", protocol: IProtocol, peer: IAddress) -> None:
        self.peer_socket = Socket()
        self.peer_socket.delayable = isinstance(peer, IPv4Address)
        super().__init__(self.peer_socket, protocol, reactor)
        self.logstr = "wire"
        self.end: str | None = None
        self.finishing = False
        self._peer = peer
        self.connected = 1
        reactor.wires.append(self)
        protocol.makeConnection(self)
        self.startReading()

    def getPeer(self) -> IAddress:
        """Say who is on the other side."""
        return self._peer

    def getHost(self) -> IAddress:
        """Say where this side is."""
        return IPv4Address("TCP", "127.0.0.1", 8080)

    def loseConnection(self) -> None:
        """Close."""
        self.end = self.end or "closed"
        super().loseConnection()

    def loseWriteConnection(self) -> None:
        """Close one way."""
        self.finishing = True
        super().loseWriteConnection()

    def abortConnection(self) -> None:
        """Reset."""
        self.end = "aborted"
        super().abortConnection()

    @property
    def gone(self) -> bool:
        """Whether the protocol knows that the connection has ended."""
        return not hasattr(self, "protocol")


class WireReactor(MemoryReactorClock):
    """A reactor that turns when told to, and whose sockets are in memory.

    :ivar wires: every connection there was.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wires: list[Wire] = []

    def settle(self) -> None:
        """Turn until nothing more happens without time passing."""
        for _ in range(MOST_TURNS):
            self.advance(0)
            if not [wire for wire in self.wires if self._turn(wire)] and not self._due():
                return
        raise AssertionError("it never comes to rest")

    def _due(self) -> bool:
        return any(call.getTime() <= self.seconds() for call in self.getDelayedCalls())

    def _turn(self, wire: Wire) -> bool:
        """Do for one connection what a reactor does in a turn; tell whether that was anything."""
        if wire.gone:
            return False
        readable = wire in self.readers and wire.peer_socket.readable()
        if readable and (why := wire.doRead()):
            if why is CONNECTION_DONE:
                self.removeReader(wire)
                wire.readConnectionLost(Failure(why))
            else:
                self._lose(wire, why)
            return True
        writable = wire in self.writers and wire.peer_socket.room != 0
        if writable and (why := wire.doWrite()):
            self._lose(wire, why)
        return readable or writable

    def _lose(self, wire: Wire, why: Exception) -> None:
        self.removeReader(wire)
        self.removeWriter(wire)
        if why in (CONNECTION_DONE, CONNECTION_LOST) and not wire.gone:
            wire.connectionLost(Failure(why))

    def pass_time(self, seconds: float, step_s: float = 0.25) -> None:
        """Let time pass, bit by bit, with whatever happens then."""
        while seconds > 0:
            self.advance(min(step_s, seconds))
            seconds -= step_s
            self.settle()
