"""The lean door: a client's HTTP/1.1 connection."""

from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IHalfCloseableProtocol, IProtocol, IPushProducer, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from cellrouter.http1 import (
    BodyReader,
    ChunkedReader,
    LengthReader,
    Refused,
    RequestBuffer,
    RequestHead,
    bad_request,
    framed,
    parse_request_head,
)
from cellrouter.proxy.engine import ProxyEngine
from cellrouter.proxy.exchange import Exchange
from cellrouter.proxy.interfaces import IDownstream
from cellrouter.proxy.peers import peer_of
from cellrouter.proxy.transport import Writer, unsent_bytes

LINGER_S = 5.0
"""Seconds that a client may send on after its answer, so that the answer is not lost to a reset."""

MOST_REQUESTS_AT_ONCE = 32
"""How many requests of one client are begun before others have their turn."""

LAST_REQUEST_S = 1.0
"""Seconds that an idle connection gets in a drain: its next request may be on its way. The answer to that one
says that it was the last."""


class _State(Enum):
    """What a client's connection is doing."""

    WAITING = auto()
    """For the head of a request, or for the rest of one."""

    RECEIVING = auto()
    """The body of a request is arriving; its response may have begun."""

    ANSWERING = auto()
    """The request has arrived, its response has not been sent. What arrives now is the next request."""

    TUNNELLING = auto()
    """The cell has switched protocols; whatever arrives is passed on."""

    LINGERING = auto()
    """Everything is sent, and what arrives is ignored until the client closes."""

    CLOSING = auto()
    """The connection ends when everything is sent."""

    HANDED_OVER = auto()
    """twisted.web's own channel has the connection."""


# As globals, since looking up a member of an enumeration takes five times as long, and requests ask often.
_WAITING, _RECEIVING, _ANSWERING, _TUNNELLING, _LINGERING, _CLOSING, _HANDED_OVER = _State


@implementer(IDownstream, IPushProducer, IHalfCloseableProtocol)
class LeanChannel(Protocol):
    """One client's connection, used for one exchange after the other.

    It is a producer to its own transport: when too much of a response waits there, the cell is paused.

    :ivar deadline_s: when :meth:`expire` is due.

    :param engine: routes.
    :param debug_paths: paths that twisted.web answers.
    :param stock_channel: makes twisted.web's own channel.
    """

    def __init__(
        self,
        engine: ProxyEngine,
        debug_paths: frozenset[bytes],
        stock_channel: Callable[[], IProtocol],
    ) -> None:
        self.deadline_s = inf
        self._engine = engine
        self._debug_paths = debug_paths
        self._stock_channel = stock_channel
        self._state = _WAITING
        self._buffer = RequestBuffer(engine.limits)
        self._ahead = b""
        self._advancing = False
        self._reading_paused = False
        self._writing_paused = False
        self._unsent_before = 0
        self._exchange: Exchange | None = None
        self._stock: Any = None

    def connectionMade(self) -> None:
        """Prepare the transport."""
        transport: Any = self.transport
        peer = transport.getPeer()
        if not isinstance(peer, UNIXAddress):
            transport.setTcpNoDelay(True)
        transport.registerProducer(self, True)
        self._writer = writer = Writer(self._engine.turn, transport)
        self._write = writer.write
        self._secure = ISSLTransport.providedBy(transport)
        self._peer = peer_of(self._engine.settings, peer, self._secure)
        self._engine.channel_opened(self)
        self._idle_from_now()

    def dataReceived(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._state is _WAITING:
            self._ahead += data
            self._advance()
        elif self._state is _RECEIVING:
            self._receive(data)
        elif self._state is _ANSWERING:
            self._ahead += data
            self.pause_request()
        elif self._state is _TUNNELLING:
            if self._exchange is not None:
                self._exchange.request_continued(data, False)
        elif self._state is _HANDED_OVER:
            self._stock.dataReceived(data)

    def _advance(self) -> None:
        """Take one request after the other from what has been read.

        An answer that is complete at once leads here again; then the loop that is under way goes on. While
        the client does not read its answers, no more are made, and after some of them others have their turn.
        """
        if self._advancing:
            return
        self._advancing = True
        for _ in range(MOST_REQUESTS_AT_ONCE):
            if not self._ahead or self._state is not _WAITING:
                break
            if self._writing_paused:
                self.pause_request()
                break
            data, self._ahead = self._ahead, b""
            self._begin_request(data)
        else:
            self.pause_request()
            self._engine.reactor.callLater(0, self._advance)
        self._advancing = False

    def _begin_request(self, data: bytes) -> None:
        buffer = self._buffer
        begun = bool(buffer)
        try:
            head = buffer.feed(data)
            if head is None:
                self.resume_request()
                if not begun and buffer:
                    self.deadline_s = self._engine.now() + self._engine.settings.head_timeout_s
                return
            request = parse_request_head(head, self._engine.limits)
        except Refused as refused:
            self._refuse(refused)
            return
        self.deadline_s = inf
        if self._debug_paths and request.target.partition(b"?")[0] in self._debug_paths:
            self._hand_over(request, head.partition(b"\r\n")[2] + buffer.rest)
            return
        self._request = request
        if request.has_body:
            self.resume_request()
            self._begin_body(request, buffer.rest)
            return
        self._ahead = buffer.rest
        if not self._ahead:
            self.resume_request()
        self._state = _ANSWERING
        self._exchange = exchange = Exchange(self._engine, self, self._peer)
        exchange.start(request, b"", True)

    def _begin_body(self, request: RequestHead, data: bytes) -> None:
        reader: BodyReader
        reader = (
            ChunkedReader(bad_request, request.for_connection)
            if request.chunked
            else LengthReader(request.content_length or 0)
        )
        self._reader = reader
        self._state = _RECEIVING
        self._exchange = exchange = Exchange(self._engine, self, self._peer)
        try:
            content = reader.feed(data) if data else b""
        except Refused as refused:
            exchange.refuse(refused, request)
            return
        if reader.done:
            self._ahead = reader.rest
            self._state = _ANSWERING
        exchange.start(request, content, reader.done, reader.trailers)

    def _receive(self, data: bytes) -> None:
        exchange, reader = self._exchange, self._reader
        if exchange is None:
            return
        try:
            content = reader.feed(data)
        except Refused as refused:
            exchange.request_failed(refused)
            return
        if reader.done:
            self._ahead = reader.rest
            self._state = _ANSWERING
        if content or reader.done:
            exchange.request_continued(content, reader.done, reader.trailers)

    def _refuse(self, refused: Refused) -> None:
        """Answer what is no request; where the next one would begin is unknown, so it is the last."""
        self.deadline_s = inf
        self._state = _RECEIVING
        self._request = _UNREADABLE
        self._exchange = exchange = Exchange(self._engine, self, self._peer)
        exchange.refuse(refused)

    def respond(
        self,
        status: int,
        reason: bytes,
        fields: bytes,
        open_ended: bool,
        content: bytes,
        last: bool,
        trailers: bytes = b"",
    ) -> None:
        """Send the head of the final response and the beginning of its body."""
        if status == 101:
            self._switch(reason, fields, content)
            return
        request = self._request
        keep = request.keep_alive and self._state is _ANSWERING and not self._engine.draining
        chunked = open_ended and request.minor == 1
        keep = keep and chunked is open_ended
        self._keep, self._chunked = keep, chunked
        connection = b""
        if not keep:
            connection = b"Connection: close\r\n"
        elif not request.minor:
            connection = b"Connection: keep-alive\r\n"
        if chunked:
            connection += b"Transfer-Encoding: chunked\r\n"
            content = framed(content, last, trailers)
        self._write(b"HTTP/1.1 %d %b\r\n%b%b\r\n%b" % (status, reason, fields, connection, content))
        if last:
            self._response_sent()

    def _switch(self, reason: bytes, fields: bytes, content: bytes) -> None:
        self._state = _TUNNELLING
        self._chunked = False
        self._write(b"HTTP/1.1 101 %b\r\n%b\r\n%b" % (reason, fields, content))
        ahead, self._ahead = self._ahead, b""
        self.resume_request()
        if ahead and self._exchange is not None:
            self._exchange.request_continued(ahead, False)

    def unsent(self) -> int:
        """Count the bytes that wait for the client to read."""
        return unsent_bytes(self.transport)

    def finish(self) -> None:
        """Tell the client that no more bytes follow, after a change of protocols."""
        if self._secure:
            # TLS has no half-closed state that clients could be relied on to know.
            self._close()
            return
        self._writer.flush()
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseWriteConnection()

    def close(self) -> None:
        """End the connection, after a change of protocols."""
        self._exchange = None
        self._close()

    def send(self, content: bytes, last: bool, trailers: bytes = b"") -> None:
        """Send more of the body."""
        if self._chunked:
            content = framed(content, last, trailers)
        if content:
            self._write(content)
        if last:
            self._response_sent()

    def send_interim(self, status: int, reason: bytes, fields: bytes) -> None:
        """Send a 1xx response."""
        self._write(b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, fields))

    def _response_sent(self) -> None:
        self._exchange = None
        whole = self._state is _ANSWERING
        if self._keep:
            self._state = _WAITING
            self._idle_from_now()
            if self._ahead:
                self._advance()
            else:
                self.resume_request()
        elif (whole and not self._ahead) or self._secure:
            self._close()
        else:
            self._linger()

    def _idle_from_now(self) -> None:
        allowed_s = self._engine.settings.keepalive_timeout_s
        if self._engine.draining:
            allowed_s = min(allowed_s, LAST_REQUEST_S)
        self.deadline_s = self._engine.now() + allowed_s

    def _linger(self) -> None:
        self._state = _LINGERING
        self._ahead = b""
        self._writer.flush()
        self._await_reader(self.unsent())
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseWriteConnection()
        self.resume_request()

    def _close(self) -> None:
        self._state = _CLOSING
        self.deadline_s = self._engine.now() + self._engine.settings.body_idle_timeout_s
        self._writer.flush()
        self._unsent_before = self.unsent()
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseConnection()

    def abort(self) -> None:
        """End the connection at once."""
        self._state = _CLOSING
        self.deadline_s = inf
        self._exchange = None
        self._writer.drop()
        transport: Any = self.transport
        transport.abortConnection()

    def pause_request(self) -> None:
        """Read nothing for now."""
        if not self._reading_paused:
            self._reading_paused = True
            transport: Any = self.transport
            transport.pauseProducing()

    def resume_request(self) -> None:
        """Read again."""
        if self._reading_paused:
            self._reading_paused = False
            transport: Any = self.transport
            transport.resumeProducing()

    def expire(self) -> None:
        """No request came, or not the rest of one; or the client did not read its last answer, or close."""
        if self._state in (_LINGERING, _CLOSING, _HANDED_OVER):
            self._expire_end()
        elif self._buffer:
            seconds = self._engine.settings.head_timeout_s
            self._refuse(Refused(408, None, f"the head of the request was not complete in {seconds:g} s"))
        else:
            self._close()

    def _expire_end(self) -> None:
        """Give the connection up, unless the client still reads its last answer."""
        unsent, before = self.unsent(), self._unsent_before
        if unsent < before or (unsent and not before):
            self._await_reader(unsent)
        elif unsent or self._state is not _LINGERING:
            self.abort()
        else:
            # Not abruptly: the kernel may still have something for the client.
            transport: Any = self.transport
            transport.loseConnection()

    def _await_reader(self, unsent: int) -> None:
        """Give a client time to read its last answer, and then to close."""
        self._unsent_before = unsent
        allowed_s = self._engine.settings.body_idle_timeout_s if unsent else LINGER_S
        self.deadline_s = self._engine.now() + allowed_s

    def drain(self) -> None:
        """End with the exchange that it is in, or with the next one if that comes soon."""
        if self._state is _WAITING and not self._buffer:
            self._idle_from_now()

    def readConnectionLost(self) -> None:
        """The client sends no more. Outside a tunnel that is taken for its end, as nginx takes it."""
        if self._state is _TUNNELLING and self._exchange is not None:
            self._exchange.client_finished()
        elif self._state is _LINGERING or (self._state is _WAITING and not self._buffer):
            self._close()
        elif self._state is not _CLOSING:
            transport: Any = self.transport
            transport.abortConnection()

    def writeConnectionLost(self) -> None:
        """The client has been told that we send no more."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.deadline_s = inf
        self._state = _CLOSING
        self._engine.channel_closed(self)
        exchange, self._exchange = self._exchange, None
        if self._stock is not None:
            self._stock.connectionLost(reason)
        elif exchange is not None:
            exchange.client_gone()

    def _hand_over(self, request: RequestHead, data: bytes) -> None:
        """Let twisted.web answer a request, the connection's last: it would not route the next ones.

        :param request: its head.
        :param data: what came after its first line.
        """
        self._state = _HANDED_OVER
        self.deadline_s = self._engine.now() + self._engine.settings.body_idle_timeout_s
        self._writer.flush()
        self.resume_request()
        transport: Any = self.transport
        transport.unregisterProducer()
        self._stock = stock = self._stock_channel()
        stock.makeConnection(transport)
        line = b"%b %b HTTP/1.%d" % (request.method, request.target, request.minor)
        stock.dataReceived(line + b"\r\nConnection: close\r\n" + data)

    def pauseProducing(self) -> None:
        """Too much waits to be sent to the client."""
        self._writing_paused = True
        if self._exchange is not None:
            self._exchange.pause_response()

    def resumeProducing(self) -> None:
        """It has been sent."""
        self._writing_paused = False
        if self._exchange is not None:
            self._exchange.resume_response()
        else:
            self._advance()

    def stopProducing(self) -> None:
        """The connection is gone; ``connectionLost`` tells why."""


_UNREADABLE = RequestHead(b"", b"", 1)
"""Stands for a request that could not be read."""
