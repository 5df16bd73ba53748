"""What one data plane has yet to be sent, in bounded memory, the newest winning.

An outbox is a pull producer: the transport asks for more each time it has got rid of what it had. So a
snapshot goes out in slices of one shared byte string, and what becomes due meanwhile waits in a slot per
kind (the newest snapshot, the newest pong, a ping, a close), where a newer one replaces an older one.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IProducer, IPullProducer, IReactorTime
from zope.interface import implementer

SLICE_BYTES = 256 * 1024


def cut(frame: bytes) -> tuple[bytes, ...]:
    """Cut a frame into the slices that all data planes are sent: one that waits for its peer copies none.

    :param frame: a whole WebSocket frame.
    """
    return tuple(frame[begin : begin + SLICE_BYTES] for begin in range(0, len(frame), SLICE_BYTES))


class Transport(Protocol):
    """What an outbox uses of a transport; the names are Twisted's."""

    def write(self, data: bytes) -> None:
        """Write bytes."""

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Ask a producer for more each time there is nothing left to write."""

    def unregisterProducer(self) -> None:
        """Ask no more."""

    def abortConnection(self) -> None:
        """Drop the connection and what was not yet sent."""


class Frames(Protocol):
    """What an outbox uses of a WebSocket protocol; the names are Autobahn's."""

    def sendPing(self, payload: bytes | None = None) -> None:
        """Write a ping frame."""

    def sendPong(self, payload: bytes | None = None) -> None:
        """Write a pong frame."""

    def sendCloseFrame(self, code: int, reasonUtf8: bytes) -> None:
        """Write a close frame; nothing may follow it."""


class OutboxState(Enum):
    """Whether the transport is being fed."""

    IDLE = "idle"
    SENDING = "sending"
    ENDED = "ended"


@implementer(IPullProducer)
class Outbox:
    """The outgoing side of one data plane's connection.

    IDLE becomes SENDING when anything is due, and SENDING becomes IDLE when all of it has left the process.
    ENDED is final: a close frame was written or the connection was lost.

    :param frames: writes control frames to the transport.
    :param transport: the connection.
    :param clock: times each message.
    :param stall_timeout_s: seconds within which each message has to leave the process.
    :param on_stalled: called when one has not.
    :param on_ping: called when a ping is written, which may be well after it became due.
    """

    def __init__(
        self,
        frames: Frames,
        transport: Transport,
        clock: IReactorTime,
        stall_timeout_s: float,
        on_stalled: Callable[[], None],
        on_ping: Callable[[], None],
    ) -> None:
        self.state = OutboxState.IDLE
        self._frames = frames
        self._transport = transport
        self._clock = clock
        self._stall_timeout_s = stall_timeout_s
        self._on_stalled = on_stalled
        self._on_ping = on_ping
        self._stall: IDelayedCall | None = None
        self._under_way: Sequence[bytes] = ()
        self._sent_slices = 0
        self._next_frame: Sequence[bytes] | None = None
        self._next_pong: bytes | None = None
        self._ping_due = False
        self._close_due: tuple[int, bytes] | None = None

    def send_frame(self, frame: Sequence[bytes]) -> None:
        """Send a whole WebSocket frame in place of one that is still waiting.

        :param frame: its slices; kept and shared, never copied.
        """
        self._next_frame = frame
        self._start()

    def send_ping(self) -> None:
        """Send a ping, once, however often this is called before it can leave."""
        self._ping_due = True
        self._start()

    def send_pong(self, payload: bytes) -> None:
        """Answer the newest ping; RFC 6455 section 5.5.3 lets earlier ones go unanswered."""
        self._next_pong = payload
        self._start()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame after the frame under way, in place of everything that waits."""
        self._close_due = (code, reason.encode())
        self._start()

    def resumeProducing(self) -> None:
        """Write the next piece: the transport has none left."""
        if self._sent_slices < len(self._under_way):
            self._write_slice()
            return
        self._under_way, self._sent_slices = (), 0
        self._cancel_stall()
        if not self._write_next():
            self.state = OutboxState.IDLE
            self._transport.unregisterProducer()
        elif self.state is OutboxState.SENDING:
            self._stall = self._clock.callLater(self._stall_timeout_s, self._stalled)

    def stopProducing(self) -> None:
        """End: the connection is lost."""
        self.state = OutboxState.ENDED
        self._cancel_stall()
        self._under_way, self._next_frame = (), None

    def _start(self) -> None:
        if self.state is OutboxState.IDLE:
            self.state = OutboxState.SENDING
            self._transport.registerProducer(self, False)

    def _write_next(self) -> bool:
        """Write what is due first, and tell whether anything was."""
        if self._close_due is not None:
            code, reason = self._close_due
            self._transport.unregisterProducer()
            self.stopProducing()
            self._frames.sendCloseFrame(code, reason)
        elif self._next_pong is not None:
            payload, self._next_pong = self._next_pong, None
            self._frames.sendPong(payload)
        elif self._ping_due:
            self._ping_due = False
            self._frames.sendPing()
            self._on_ping()
        elif self._next_frame is not None:
            self._under_way, self._next_frame = self._next_frame, None
            self._write_slice()
        else:
            return False
        return True

    def _write_slice(self) -> None:
        self._sent_slices += 1
        self._transport.write(self._under_way[self._sent_slices - 1])

    def _cancel_stall(self) -> None:
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        self._stall = None

    def _stalled(self) -> None:
        self._on_stalled()
