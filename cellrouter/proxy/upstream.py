"""A connection to a cell."""

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from cellrouter.http1 import (
    MAX_INTERIM_RESPONSES,
    BodyReader,
    HeadLimits,
    Refused,
    ResponseBuffer,
    ResponseHead,
    bad_response,
    framed,
    parse_response_head,
)
from cellrouter.proxy.transport import Writer, unsent_bytes

if TYPE_CHECKING:
    from cellrouter.proxy.exchange import Exchange
    from cellrouter.proxy.pool import CellPool


class _State(Enum):
    """What a connection to a cell is doing."""

    IDLE = auto()
    """Waiting in the pool, or just made. Anything that arrives makes it useless."""

    AWAITING = auto()
    """A request is being sent or was sent; the head of the response has not arrived."""

    RECEIVING = auto()
    """The body of the response is arriving."""

    TUNNELLING = auto()
    """The cell has switched protocols; whatever it sends is passed on until both sides end."""

    CLOSED = auto()
    """Not to be used again."""


# As globals, since looking up a member of an enumeration takes five times as long, and requests ask often.
_IDLE, _AWAITING, _RECEIVING, _TUNNELLING, _CLOSED = _State


@implementer(IPushProducer, IHalfCloseableProtocol)
class UpstreamConnection(Protocol):
    """One connection to a cell, used by one exchange after the other.

    It is a producer to its own transport: when too much of a request waits there, the client is paused.

    :ivar deadline_s: when it has been idle for too long.
    :ivar request_paused: whether the cell does not take what it is sent.

    :param pool: where it comes from and returns to.
    :param limits: of the heads of responses.
    """

    def __init__(self, pool: "CellPool", limits: HeadLimits) -> None:
        self.deadline_s = 0.0
        self.request_paused = False
        self._reading_paused = False
        self._pool = pool
        self._limits = limits
        self._buffer = ResponseBuffer(limits)
        self._state = _IDLE
        self._exchange: Exchange | None = None

    def connectionMade(self) -> None:
        """Prepare the transport."""
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        transport.registerProducer(self, True)
        # The endpoint has put a protocol of its own between, which after this would only pass each call on.
        transport.protocol = self
        self._writer = writer = Writer(self._pool.turn, transport)
        self._write = writer.write

    def begin(
        self,
        exchange: "Exchange",
        method: bytes,
        head: bytes,
        chunked: bool,
        content: bytes,
        last: bool,
        trailers: bytes = b"",
    ) -> None:
        """Send a request.

        :param exchange: is told what the cell answers.
        :param method: the request's method.
        :param head: its head.
        :param chunked: whether its body is sent in chunks.
        :param content: the beginning of the body.
        :param last: whether that is all of it.
        :param trailers: fields that a chunked body ends with, each with its CR LF.
        """
        self._exchange = exchange
        self._method = method
        self._chunked = chunked
        self._sent = last
        self._state = _AWAITING
        self._interim_left = MAX_INTERIM_RESPONSES
        self._writer.untouched = True
        self._write(head + framed(content, last, trailers) if chunked else head + content)

    def send(self, content: bytes, last: bool, trailers: bytes = b"") -> None:
        """Send more of a request's body.

        :param content: of the body.
        :param last: whether the request ends with it.
        :param trailers: fields that a chunked body ends with, each with its CR LF.
        """
        self._sent = last
        if self._chunked:
            content = framed(content, last, trailers)
        if content:
            self._write(content)

    def pause_response(self) -> None:
        """Read nothing for now."""
        self._reading_paused = True
        self._transport.pauseProducing()

    def resume_response(self) -> None:
        """Read again."""
        self._reading_paused = False
        self._transport.resumeProducing()

    def abort(self) -> None:
        """End at once, and tell nobody."""
        self._exchange = None
        if self._state is not _CLOSED:
            self._state = _CLOSED
            self._writer.drop()
            self._transport.abortConnection()

    def close(self) -> None:
        """End, with everything sent before."""
        self._exchange = None
        if self._state is not _CLOSED:
            self._state = _CLOSED
            self._writer.flush()
            self._transport.unregisterProducer()
            self._transport.loseConnection()
            if unsent_bytes(self.transport):
                # It closes when the cell has taken that, which may be never.
                self._pool.await_close(self)

    def abort_close(self) -> None:
        """The cell has had its time to take what was sent before the end."""
        self._transport.abortConnection()

    def finish(self) -> None:
        """Tell the cell that no more bytes follow, after a change of protocols."""
        self._writer.flush()
        self._transport.unregisterProducer()
        self._transport.loseWriteConnection()

    @property
    def _transport(self) -> Any:
        return self.transport

    def dataReceived(self, data: bytes) -> None:
        """Take what the cell sent."""
        if self._state is _RECEIVING:
            self._receive(data)
        elif self._state is _AWAITING:
            if self._writer.untouched:
                self._spoiled()
            else:
                self._await(data)
        elif self._state is _TUNNELLING:
            if self._exchange is not None:
                self._exchange.response_continued(data, False)
        elif self._state is _IDLE:
            # Nobody asked for it: whatever it is, the next request must not take it for its answer.
            self._pool.forget(self)
            self.abort()

    def _spoiled(self) -> None:
        """Something arrived before the request was sent: like what arrives while idle, it answers nothing."""
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.upstream_failed(_lost(clean=True), unsent=True)

    def _await(self, data: bytes) -> None:
        try:
            while (head := self._buffer.feed(data)) is not None:
                response = parse_response_head(head, self._limits)
                data = self._buffer.rest
                if not response.interim:
                    self._begin_response(response, data)
                    return
                self._relay_interim(response)
                if not data or self._exchange is None:
                    return
        except Refused as refused:
            self._fail(refused)

    def _relay_interim(self, response: ResponseHead) -> None:
        self._interim_left -= 1
        if not self._interim_left:
            raise bad_response(f"the cell sent {MAX_INTERIM_RESPONSES} interim responses")
        if self._exchange is not None:
            self._exchange.interim(response)

    def _begin_response(self, response: ResponseHead, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if response.switches:
            if not exchange.offers(response.protocols):
                raise bad_response("the cell switches to a protocol that it was not asked for")
            self._state = _TUNNELLING
            exchange.switched(response, data)
            return
        self._response = response
        self._reader: BodyReader = response.body(self._method)
        self._state = _RECEIVING
        reader = self._reader
        if reader.done:
            reader.rest = data
            content = b""
        else:
            content = reader.feed(data) if data else b""
        if reader.done:
            self._finish()
        exchange.response_began(response, content, reader.done, reader.trailers)

    def _receive(self, data: bytes) -> None:
        exchange, reader = self._exchange, self._reader
        if exchange is None:
            return
        try:
            content = reader.feed(data)
        except Refused as refused:
            self._fail(refused)
            return
        if reader.done:
            self._finish()
        if content or reader.done:
            exchange.response_continued(content, reader.done, reader.trailers)

    def _finish(self) -> None:
        """Go back to the pool, if both messages ended cleanly."""
        self._exchange = None
        if self._sent and self._response.keep_alive and not self._reader.rest and not self.request_paused:
            self._state = _IDLE
            if self._reading_paused:
                self.resume_response()
            self._pool.give_back(self)
        elif self.request_paused:
            # The cell does not read, so what waits to be sent would wait for ever.
            self.abort()
        else:
            self.close()

    def _fail(self, refused: Refused) -> None:
        exchange = self._exchange
        self.abort()
        if exchange is not None:
            exchange.upstream_failed(refused, unsent=False)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        state, exchange = self._state, self._exchange
        self._state, self._exchange = _CLOSED, None
        self._pool.forget(self)
        if exchange is None:
            return
        clean = reason.check(ConnectionDone) is not None
        if state is _RECEIVING and clean and self._reader.close():
            exchange.response_continued(b"", True)
            return
        unsent = self._writer.untouched
        self._writer.drop()
        exchange.upstream_failed(_lost(clean), unsent)

    def readConnectionLost(self) -> None:
        """The cell sends no more."""
        if self._state is _TUNNELLING and self._exchange is not None:
            self._exchange.cell_finished()
        else:
            self.connectionLost()
            self._transport.abortConnection()

    def writeConnectionLost(self) -> None:
        """The cell has been told that we send no more."""

    def pauseProducing(self) -> None:
        """Too much waits to be sent to the cell."""
        self.request_paused = True
        if self._exchange is not None:
            self._exchange.pause_request()

    def resumeProducing(self) -> None:
        """It has been sent."""
        self.request_paused = False
        if self._exchange is not None:
            self._exchange.resume_request()

    def stopProducing(self) -> None:
        """The connection is gone; ``connectionLost`` tells why."""


def _lost(clean: bool) -> Refused:
    if clean:
        return Refused(
            502, "http_response_incomplete", "the cell closed the connection before its answer was complete"
        )
    return Refused(502, "connection_terminated", "the connection to the cell was lost")
