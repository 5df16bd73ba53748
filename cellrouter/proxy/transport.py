"""Writing at the end of the reactor's turn, all connections one after the other.

A write to one of Twisted's TCP transports waits for the next turn: two system calls to be told that the
socket is writable, which it nearly always is. Writing at once saves these, but wakes the process on the other
side for each message. Written in a row, most messages find it awake.
"""

from functools import partial
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.tcp import Connection
from twisted.logger import Logger

_log = Logger()

MOST_PENDING_BYTES = 64 * 1024
"""How much waits for the end of a turn."""


class Turn:
    """The writers that have something to send when the reactor has handled what it was told of.

    :param reactor: tells when that is; the one on uvloop has a cheaper way to do so than ``callLater``.
    """

    __slots__ = ("_at_end", "_waiting")

    def __init__(self, reactor: IReactorTime) -> None:
        self._at_end = getattr(reactor, "call_at_end_of_turn", partial(reactor.callLater, 0))
        self._waiting: list[Writer] = []

    def add(self, writer: "Writer") -> None:
        """Let a writer send at the end of the turn."""
        if not self._waiting:
            self._at_end(self._end)
        self._waiting.append(writer)

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        for writer in waiting:
            try:
                writer.flush()
            except Exception:
                # A defect that shows with one connection must not take the others' messages with it.
                _log.failure("writing to a connection failed")


class Writer:
    """Writes to one transport.

    A plain slotted class: every message passes through one.

    :ivar untouched: whether nothing has been sent since somebody set it.

    :param turn: says when.
    :param transport: a connected transport of any kind; one that is not plain TCP gets everything at once.
    """

    __slots__ = ("_at_once", "_pending", "_transport", "_turn", "untouched")

    def __init__(self, turn: Turn, transport: Any) -> None:
        self._turn = turn
        self._transport = transport
        self._pending = b""
        self.untouched = True
        self._at_once = not isinstance(transport, Connection) or transport.TLS

    def write(self, data: bytes) -> None:
        """Write at the end of the turn.

        Like the transport's own ``write`` this keeps the order, buffers what the socket does not take, and
        pauses the transport's producer when that is much.

        :param data: not empty.
        """
        if self._at_once:
            self.untouched = False
            self._transport.write(data)
        elif self._pending:
            self._pending += data
            if len(self._pending) >= MOST_PENDING_BYTES:
                # So much is worth a call, and a producer must hear in time that its reader is slow.
                self.flush()
        else:
            self._pending = data
            self._turn.add(self)

    def drop(self) -> None:
        """Forget what waits: a connection that is given up must not send it after all."""
        self._pending = b""

    def flush(self) -> None:
        """Write what waits; to be called before the transport is told to close."""
        data, self._pending = self._pending, b""
        if not data:
            return
        self.untouched = False
        transport = self._transport
        if (
            transport.dataBuffer
            or transport._tempDataBuffer
            or not transport.connected
            or transport._writeDisconnected
        ):
            transport.write(data)
            return
        sent = transport.writeSomeData(data)
        if not isinstance(sent, int):
            # The connection is broken; the reactor finds that out when it writes, and tells the protocol.
            transport.write(data)
        elif sent < len(data):
            transport.write(data[sent:])


def unsent_bytes(transport: Any) -> int:
    """Count what a transport has been given and the kernel has not taken.

    :param transport: of any kind; below TLS it is the TCP transport's bytes that count.
    """
    while not isinstance(transport, Connection):
        transport = getattr(transport, "transport", None)
        if transport is None:
            return 0
    buffered = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return buffered + int(getattr(transport, "handed_over_bytes", 0))
