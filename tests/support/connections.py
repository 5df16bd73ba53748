"""Raw connections for tests: bytes are sent and awaited as they are, nothing is interpreted."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as OutOfTime
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

BOUND_S = 10.0
"""How long a test waits for something that must happen. A bound on hanging, never what is measured."""

POURED = bytes(range(256)) * 256
"""What :meth:`Connection.pour` writes over and over."""

_SHOWN_BYTES = 2000
_STILL_LOOKS = 15
_LOOK_S = 0.02
_TURNS = 4


class NeverHappenedError(AssertionError):
    """What a test waited for did not happen in time, or can no longer happen."""


class Connection(Protocol):
    """One end of a TCP connection.

    :ivar received: everything that arrived.
    :ivar end: how it ended: ``closed`` properly, or ``reset``; None while it is open.
    :ivar poured: how many bytes of :meth:`pour` the transport has taken.
    """

    def __init__(self) -> None:
        self.received = bytearray()
        self.end: str | None = None
        self.poured = 0
        self._to_pour = 0
        self._waiting: list[Deferred[None]] = []

    def __repr__(self) -> str:
        shown = bytes(self.received[-_SHOWN_BYTES:])
        return f"<{type(self).__name__} {self.end or 'open'}, received {len(self.received)}: {shown!r}>"

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self.changed()

    def connectionLost(self, reason: Failure) -> None:
        self.end = "closed" if reason.check(ConnectionDone) else "reset"
        self.changed()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.transport.write(data)

    def close(self) -> None:
        """Close once everything is sent."""
        self.transport.loseConnection()

    def reset(self) -> None:
        """Send a reset; what has not been sent yet is lost."""
        self.transport.abortConnection()

    async def pour(self, size: int) -> None:
        """Send many bytes, as fast as the other side takes them.

        :param size: how many; :data:`POURED` is repeated.
        """
        self._to_pour = self.poured + size
        self.transport.registerProducer(self, False)
        await self.until(lambda: self.poured == self._to_pour)

    def resumeProducing(self) -> None:
        """Send the next part, for the transport has sent what it had."""
        part = POURED[: self._to_pour - self.poured]
        self.poured += len(part)
        self.transport.write(part)
        if self.poured == self._to_pour:
            self.transport.unregisterProducer()
        self.changed()

    def stopProducing(self) -> None:
        """Send no more."""

    def changed(self) -> None:
        """Let everybody who waits look again."""
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.called:
                change.callback(None)

    async def until(self, condition: Callable[[], Any], timeout_s: float = BOUND_S) -> None:
        """Wait until a condition of this connection holds.

        :param condition: looked at whenever something happens here.
        :param timeout_s: seconds without any change after which the wait fails.
        :raises NeverHappenedError: when nothing happens in time, or the connection ends first.
        """
        while not condition():
            if self.end:
                raise NeverHappenedError(f"it ended first: {self!r}")
            change: Deferred[None] = Deferred()
            self._waiting.append(change)
            try:
                await change.addTimeout(timeout_s, reactor)
            except OutOfTime:
                raise NeverHappenedError(f"nothing happened for {timeout_s} s: {self!r}") from None

    async def until_received(self, expected: bytes | int) -> None:
        """Wait until bytes, or so many of them, have arrived."""
        if isinstance(expected, int):
            await self.until(lambda: len(self.received) >= expected)
        else:
            await self.until(lambda: expected in self.received)

    async def until_ended(self) -> str:
        """Wait for the end; return how it ended."""
        await self.until(lambda: self.end)
        return str(self.end)


async def turns() -> None:
    """Let the reactor turn a few times, so that bytes written before and after go out and arrive apart."""
    for _ in range(_TURNS):
        await deferLater(reactor, 0)


async def until_still(count: Callable[[], int], enough: int) -> int:
    """Wait until a count no longer rises, which nothing can tell of: it was the same for many looks.

    :param count: gives it.
    :param enough: where a count that never stays still has shown what it had to.
    :returns: the count.
    """
    last, looks = count(), 0
    while looks < _STILL_LOOKS and last < enough:
        await deferLater(reactor, _LOOK_S)
        looks = looks + 1 if count() == last else 0
        last = count()
    return last
