"""The reactor."""

from asyncio import TimerHandle
from collections.abc import Callable
from math import ceil
from signal import set_wakeup_fd
from socket import AF_INET, AF_INET6
from time import monotonic
from typing import Any

import uvloop
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.main import installReactor
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.process import reapAllProcesses
from twisted.logger import Logger
from twisted.python.failure import Failure

from cellrouter.reactor.stream import UvloopConnection, UvloopConnector, UvloopPort, UvloopServer

TIMER_STEP_S = 0.001
"""What uvloop counts a timer's time in."""


READ_BYTES = 128 * 1024
"""The most that is read at once: uvloop's own choice is 250 KiB, and whoever pauses has that much already."""


class UvloopReactor(AsyncioSelectorReactor):
    """Twisted's asyncio reactor on a loop of uvloop's, with uvloop's transports for TCP.

    :ivar loop: the loop.
    :ivar streams: the connections that uvloop reads and writes.
    :ivar read_buffer: what all of them are read into.
    :ivar call_at_end_of_turn: calls a function when everything that the loop was told of has been handled; it
        cannot be cancelled, and costs a fifth of a call without delay.

    :param loop: a new loop of uvloop's.
    """

    _log = Logger()
    _timer: TimerHandle | None = None
    _timer_due_s = 0.0

    def __init__(self, loop: uvloop.Loop) -> None:
        self.loop = loop
        self.call_at_end_of_turn = loop.call_soon
        self.streams: set[UvloopConnection] = set()
        self.read_buffer = memoryview(bytearray(READ_BYTES))
        self._ticking = False
        loop.set_exception_handler(self._failed)
        super().__init__(loop)

    def _failed(self, loop: object, context: dict[str, Any]) -> None:
        """Log what uvloop has to say, which otherwise goes to asyncio's log."""
        why, message = context.get("exception"), context.get("message")
        if why is None:
            self._log.error("{what}", what=message)
        else:
            self._log.failure("{what}", Failure(why), what=message or "Unexpected error in the loop")

    # TCP

    def listenTCP(
        self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = ""
    ) -> UvloopPort:
        """Listen; see :class:`~twisted.internet.interfaces.IReactorTCP`."""
        listening = UvloopPort(port, factory, backlog, interface, self)
        listening.startListening()
        return listening

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> UvloopConnector:
        """Connect; see :class:`~twisted.internet.interfaces.IReactorTCP`."""
        connector = UvloopConnector(host, port, factory, timeout, bindAddress, self)
        connector.connect()
        return connector

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory) -> Any:
        """Listen on a socket that is there; see :class:`~twisted.internet.interfaces.IReactorSocket`."""
        if addressFamily not in (AF_INET, AF_INET6):
            return super().adoptStreamPort(fileDescriptor, addressFamily, factory)
        listening = UvloopPort._fromListeningDescriptor(self, fileDescriptor, addressFamily, factory)
        listening.startListening()
        return listening

    def adoptStreamConnection(
        self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory
    ) -> Any:
        """Use a connection that is there; see :class:`~twisted.internet.interfaces.IReactorSocket`."""
        if addressFamily not in (AF_INET, AF_INET6):
            return super().adoptStreamConnection(fileDescriptor, addressFamily, factory)
        return UvloopServer._fromConnectedSocket(fileDescriptor, addressFamily, factory, self)

    # What is watched: file descriptors by the base class, the streams by uvloop's own means.

    def addReader(self, reader: Any) -> None:
        """Tell a descriptor when there is something to read."""
        if reader in self.streams:
            reader.watch(True)
        else:
            super().addReader(reader)

    def removeReader(self, reader: Any) -> None:
        """Do not tell it any more."""
        if reader in self.streams:
            reader.watch(False)
        else:
            super().removeReader(reader)

    def addWriter(self, writer: Any) -> None:
        """Tell a descriptor when it can write, or a stream when everything is sent."""
        if writer in self.streams:
            writer.call_when_sent()
        else:
            super().addWriter(writer)

    def getReaders(self) -> list[Any]:
        """List what waits for something to read."""
        return [*super().getReaders(), *(stream for stream in self.streams if stream.reading)]

    def getWriters(self) -> list[Any]:
        """List what waits for the peer to read."""
        return [*super().getWriters(), *(stream for stream in self.streams if stream.unsent)]

    def removeAll(self) -> list[Any]:
        """Watch nothing any more.

        :returns: what was watched.
        """
        streams = [stream for stream in self.streams if stream.reading or stream.unsent]
        for stream in streams:
            stream.watch(False)
        return [*super().removeAll(), *streams]

    # Signals and time

    def startRunning(self, installSignalHandlers: bool = True) -> None:
        """Start; the loop begins to run right after this.

        Then uvloop puts its wake-up descriptor for signals in the place of Twisted's, by which Twisted
        notices that a child process has ended. So that is put back.
        """
        super().startRunning(installSignalHandlers)
        if installSignalHandlers:
            descriptor = set_wakeup_fd(-1)
            set_wakeup_fd(descriptor)
            self.loop.call_soon(self._wake_for_signals, descriptor)

    def _wake_for_signals(self, descriptor: int) -> None:
        set_wakeup_fd(descriptor)
        reapAllProcesses()  # those that ended just before this

    def callLater(
        self,
        delay: float,
        callable: Callable[..., Any],  # noqa: A002 - as in the interface
        *args: object,
        **kwargs: object,
    ) -> DelayedCall:
        """Call later; see :class:`~twisted.internet.interfaces.IReactorTime`.

        What is asked for in one turn of the loop is looked at by one callback at its end: there a call
        without delay is made, and the timer is set for the others.
        """
        call = PosixReactorBase.callLater(self, delay, callable, *args, **kwargs)
        self._reschedule()
        return call

    def _moveCallLaterSooner(self, call: DelayedCall) -> None:
        PosixReactorBase._moveCallLaterSooner(self, call)
        self._reschedule()

    def _reschedule(self) -> None:
        if not self._ticking:
            self._ticking = True
            self.loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._ticking = False
        try:
            self.runUntilCurrent()
        finally:
            self._set_timer()

    def _set_timer(self) -> None:
        """Have a timer that ends when the first call is due, or sooner, which does no harm.

        This goes by a clock that nobody sets, unlike the reactor's.
        """
        delay_s = self.timeout()
        if delay_s is None:
            return
        due_s = monotonic() + delay_s
        if self._timer is not None:
            if self._timer_due_s <= due_s + TIMER_STEP_S:
                return
            self._timer.cancel()
        self._timer_due_s = due_s
        # Rounded up: uvloop rounds to the nearest step, and would be early.
        self._timer = self.loop.call_later(max(1, ceil(delay_s / TIMER_STEP_S)) * TIMER_STEP_S, self._ended)

    def _ended(self) -> None:
        self._timer = None
        self._tick()


def install() -> None:
    """Make it the reactor of this process."""
    installReactor(UvloopReactor(uvloop.new_event_loop()))
