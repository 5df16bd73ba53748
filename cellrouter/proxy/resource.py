"""The stock door: the proxy as a resource of twisted.web."""

from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from cellrouter.http1 import Refused, take_request_head
from cellrouter.proxy.engine import ProxyEngine
from cellrouter.proxy.exchange import Exchange
from cellrouter.proxy.interfaces import IDownstream
from cellrouter.proxy.peers import peer_of
from cellrouter.proxy.transport import unsent_bytes

PIECE_BYTES = 64 * 1024


class CellProxyResource(Resource):
    """A resource that routes every request to its cell, under any stock ``Site``.

    twisted.web reads a request whole before it calls a resource, and writes header names in a case of its
    own; apart from that the answers are those of the lean door.

    :param engine: routes.
    """

    isLeaf = True

    def __init__(self, engine: ProxyEngine) -> None:
        Resource.__init__(self)
        self._engine = engine

    def render(self, request: Request) -> int:
        """Route a request."""
        StockDownstream(self._engine, request).begin()
        return NOT_DONE_YET


@implementer(IDownstream, IPushProducer)
class StockDownstream:
    """The client's side of an exchange, by a request of twisted.web.

    :param engine: routes.
    :param request: the request.
    """

    def __init__(self, engine: ProxyEngine, request: Request) -> None:
        self._engine = engine
        self._request: Any = request
        self._left = 0
        self._paused = False
        self._feeding = False
        secure = bool(request.isSecure())
        self._exchange = Exchange(engine, self, peer_of(engine.settings, request.getClientAddress(), secure))

    def begin(self) -> None:
        """Start the exchange."""
        request = self._request
        request.notifyFinish().addErrback(self._gone)
        request.registerProducer(self, True)
        minor = 0 if request.clientproto == b"HTTP/1.0" else 1
        body = request.content
        self._left = body.seek(0, 2)
        body.seek(0)
        headers = request.requestHeaders.getAllRawHeaders()
        fields = [(name, value) for name, values in headers for value in values]
        try:
            head = take_request_head(request.method, request.uri, minor, fields, self._engine.limits)
            if head.upgrade is not None:
                raise Refused(501, "http_request_error", "the router does not switch protocols here")
        except Refused as refused:
            self._exchange.refuse(refused)
            return
        if self._left and not head.has_body:
            # HTTP/2 may leave the length out.
            head.take([b"Content-Length: %d" % self._left])
        # A client that waited for a 100 got it from twisted.web.
        head.lines = [line for line in head.lines if line != b"Expect: 100-continue"]
        content = self._next_piece()
        self._exchange.start(head, content, not self._left)
        self._feed()

    def _next_piece(self) -> bytes:
        content: bytes = self._request.content.read(PIECE_BYTES)
        self._left -= len(content)
        return content

    def _feed(self) -> None:
        """Give the exchange content while it takes it."""
        if self._feeding:
            return
        self._feeding = True
        while self._left and not self._paused:
            content = self._next_piece()
            self._exchange.request_continued(content, not self._left)
        self._feeding = False

    def _gone(self, failure: Failure) -> None:
        self._left = 0
        self._exchange.client_gone()

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
        request = self._request
        request.setResponseCode(status, reason)
        # What the cell says stands alone: no default of twisted.web's joins it.
        request.defaultContentType = None
        headers = request.responseHeaders
        for name, _ in list(headers.getAllRawHeaders()):
            if name.lower() != b"connection":
                headers.removeHeader(name)
        for line in fields.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b": ")
            headers.addRawHeader(name, value)
        # twisted.web ends the connections of 1.0 clients, without saying so.
        if self._engine.draining or request.clientproto == b"HTTP/1.0":
            headers.setRawHeaders(b"Connection", [b"close"])
            request.channel.persistent = False
        self.send(content, last)

    def send(self, content: bytes, last: bool, trailers: bytes = b"") -> None:
        """Send more of the body; twisted.web has no trailers."""
        self._request.write(content)
        if last:
            self._left = 0
            self._request.unregisterProducer()
            self._request.finish()

    def send_interim(self, status: int, reason: bytes, fields: bytes) -> None:
        """Send nothing: twisted.web has no interim responses."""

    def unsent(self) -> int:
        """Count the bytes that wait for the client to read."""
        return unsent_bytes(self._request.transport)

    def finish(self) -> None:
        """Do nothing: this door refuses a change of protocols."""

    def close(self) -> None:
        """Do nothing, like :meth:`finish`."""

    def abort(self) -> None:
        """End the connection in a way that no client takes for the end of the response."""
        self._left = 0
        self._request.transport.abortConnection()

    def pause_request(self) -> None:
        """Give no more content for now."""
        self._paused = True

    def resume_request(self) -> None:
        """Give content again."""
        self._paused = False
        self._feed()

    def pauseProducing(self) -> None:
        """Too much waits to be sent to the client."""
        self._exchange.pause_response()

    def resumeProducing(self) -> None:
        """It has been sent."""
        self._exchange.resume_response()

    def stopProducing(self) -> None:
        """The connection is gone; ``notifyFinish`` tells of it."""
