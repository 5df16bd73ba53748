"""The stream of events that keeps a page live: its format, and one listener.

A listener is sent what it does not have: each section as it is by now. Nothing waits for a listener that does
not read; when it reads again it is sent how things are then, and when it does not for too long it is dropped.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import cast

from attrs import frozen
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.logger import Logger
from twisted.web.server import Request
from zope.interface import implementer

STALL_TIMEOUT_S = 30.0
RETRY_MS = 2000


def encode_event(kind: str, data: str) -> bytes:
    """Write an event as HTML's chapter on server-sent events wants it.

    :param kind: its type, a word.
    :param data: any text; a line of it begins where a browser would see one.
    """
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    written = "".join(f"data: {line}\n" for line in lines)
    return f"event: {kind}\n{written}\n".encode()


def encode_retry(delay_ms: int) -> bytes:
    """Write how long a browser waits before it connects again."""
    return b"retry: %d\n\n" % delay_ms


@frozen(eq=False)
class Rendering:
    """A section as it was at one time.

    :ivar facts: what it shows that has to be shown at once when it changes.
    :ivar mark: names what it shows.
    :ivar event: it, as listeners are sent it.
    :ivar tick: when it was drawn, as a count.
    """

    facts: str
    mark: str
    event: bytes
    tick: int


class Flow(Enum):
    """How a listener takes what it is sent.

    READING: as it comes. STALLED: its connection's buffer is full. ENDED: it has gone or is to go.
    """

    READING = "reading"
    STALLED = "stalled"
    ENDED = "ended"


@implementer(IPushProducer)
class Listener:
    """A browser that has the page open.

    :param request: its request, which is answered for as long as it lasts.
    :param clock: drives the time-out.
    :param refill: called when it reads again; it may be offered what it missed.
    :param ended: called when it has gone.
    """

    log = Logger()

    def __init__(
        self,
        request: Request,
        clock: IReactorTime,
        refill: "Callable[[Listener], object]",
        ended: "Callable[[Listener], object]",
    ) -> None:
        self._request = request
        self._clock = clock
        self._refill = refill
        self._ended = ended
        self._flow = Flow.READING
        self._has: dict[str, Rendering] = {}
        self._stall_timeout: IDelayedCall | None = None

    def begin(self) -> None:
        """Begin with the answer."""
        self._request.notifyFinish().addBoth(lambda _: self._gone())
        self._request.registerProducer(self, True)
        self.tell(encode_retry(RETRY_MS))

    def tell(self, event: bytes) -> None:
        """Send an event, unless earlier ones are still to be read."""
        if self._flow is Flow.READING:
            self._request.write(event)

    def offer(self, renderings: Mapping[str, Rendering]) -> None:
        """Send the sections that it does not have.

        :param renderings: each section by its name, as it is by now.
        """
        for name, rendering in renderings.items():
            if self._flow is Flow.READING and self._has.get(name) is not rendering:
                self._has[name] = rendering
                self._request.write(rendering.event)

    def end(self) -> None:
        """End the answer; one that is not being read cannot be ended in peace."""
        if self._flow is Flow.STALLED:
            self._abort()
        elif self._flow is Flow.READING:
            self._flow = Flow.ENDED
            self._request.unregisterProducer()
            self._request.finish()

    def pauseProducing(self) -> None:
        """Send nothing for now: the connection's buffer is full."""
        if self._flow is Flow.READING:
            self._flow = Flow.STALLED
            self._stall_timeout = self._clock.callLater(STALL_TIMEOUT_S, self._stalled)

    def resumeProducing(self) -> None:
        """Go on: the buffer is empty."""
        if self._flow is Flow.STALLED:
            self._flow = Flow.READING
            self._cancel_timeout()
            self._refill(self)

    def stopProducing(self) -> None:
        """Do nothing more: the connection is lost, which the request tells of as well."""

    def _stalled(self) -> None:
        self._stall_timeout = None
        peer = getattr(self._request.getClientAddress(), "host", "somebody")
        self.log.info(
            "a browser at {peer} has not read what it was sent in {timeout_s:g} s; its stream is dropped",
            peer=peer,
            timeout_s=STALL_TIMEOUT_S,
        )
        self._abort()

    def _abort(self) -> None:
        cast(ITCPTransport, self._request.channel.transport).abortConnection()

    def _gone(self) -> None:
        self._flow = Flow.ENDED
        self._cancel_timeout()
        self._ended(self)

    def _cancel_timeout(self) -> None:
        if self._stall_timeout is not None:
            self._stall_timeout.cancel()
            self._stall_timeout = None
