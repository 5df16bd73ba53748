"""One request and its response, from the head of the one to the end of the other.

All rules of the data path are here and in ``http1``; doors and connections only move bytes.

The response's side walks through :class:`Phase`. The request's side is over when ``_sent`` is true; the two
are independent, since a cell may answer while the client still uploads.
"""

from collections.abc import Sequence
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from cellrouter.http1 import (
    Peer,
    Refused,
    RequestHead,
    ResponseHead,
    phrase,
    problem,
    request_to_cell,
    response_to_client,
    tokens,
)
from cellrouter.proxy.installed import Destination
from cellrouter.proxy.pool import refusal
from cellrouter.proxy.record import CLIENT_CLOSED_REQUEST
from cellrouter.proxy.upstream import UpstreamConnection

if TYPE_CHECKING:
    from cellrouter.proxy.engine import ProxyEngine


class Phase(Enum):
    """How far the response is. It only ever goes forward, unless nothing of the request had been sent yet."""

    STARTING = auto()
    """Nothing has been sent to a cell: the request is looked at, or the cell is being dialled."""

    AWAITING = auto()
    """The request is being sent or was sent; the head of the response has not come."""

    STREAMING = auto()
    """The head of the response went to the client; the body follows."""

    TUNNELLING = auto()
    """The cell has switched protocols: bytes go both ways until both sides have ended."""

    ENDED = auto()
    """The exchange is over, for better or worse, and has been logged."""


# As globals, since looking up a member of an enumeration takes five times as long, and requests ask often.
_STARTING, _AWAITING, _STREAMING, _TUNNELLING, _ENDED = Phase


class Exchange:
    """One request and its response.

    A plain slotted class: one is made per request.

    :ivar request: the request's head, or None if it could not be read.
    :ivar destination: where it goes, once that is known.
    :ivar installed: the snapshot it is routed by.
    :ivar request_id: its ID.
    :ivar deadline_s: when :meth:`expire` is due, in seconds of the reactor.
    :ivar began_s: when it began.
    :ivar upstream_s: the seconds from when the request was first sent until the head of the response came, or
        None.
    :ivar bytes_in: content received from the client.
    :ivar bytes_out: content sent to the client.
    :ivar status: the status of the response, or what stands for it in the log.
    :ivar error: the word for what went wrong, if something did.

    :param engine: what all exchanges share.
    :param downstream: the client's side: an ``IDownstream``.
    :param peer: the client.
    """

    __slots__ = (
        "_answered",
        "_began_upstream_s",
        "_dialling",
        "_downstream",
        "_engine",
        "_first_piece_only",
        "_held",
        "_held_trailers",
        "_peer",
        "_phase",
        "_response_paused",
        "_sent",
        "_taken_before",
        "_upstream",
        "began_s",
        "bytes_in",
        "bytes_out",
        "deadline_s",
        "destination",
        "error",
        "installed",
        "request",
        "request_id",
        "status",
        "upstream_s",
    )

    def __init__(self, engine: "ProxyEngine", downstream: Any, peer: Peer) -> None:
        self._engine = engine
        self._downstream = downstream
        self._peer = peer
        self._phase = _STARTING
        self._sent = False
        self._answered = False
        self._held = self._held_trailers = b""
        self._upstream: UpstreamConnection | None = None
        self._dialling: Deferred[None] | None = None
        self._response_paused = False
        self._first_piece_only = True
        self._taken_before = 0
        self._began_upstream_s = 0.0
        self.installed = engine.installed
        self.request: RequestHead | None = None
        self.destination: Destination | None = None
        self.request_id = b""
        self.deadline_s = inf
        self.began_s = engine.now()
        self.upstream_s: float | None = None
        self.bytes_in = 0
        self.bytes_out = 0
        self.status = 0
        self.error: str | None = None
        engine.exchanges.add(self)

    def start(self, request: RequestHead, content: bytes, last: bool, trailers: bytes = b"") -> None:
        """Route a request, and send it to its cell.

        :param request: its head.
        :param content: the beginning of its body.
        :param last: whether that is all of it.
        :param trailers: fields that a chunked body ends with, each with its CR LF.
        """
        self.request = request
        destination = self._route(request)
        if destination is None:
            self._answer(Refused(400, "http_request_error", "the request has no X-Routing-Key"))
            return
        self._sent = last
        self._held, self._held_trailers = content, trailers
        self.bytes_in = len(content)
        if destination.body_limit_bytes is not None and self._too_large(request.content_length or 0):
            return
        upstream = destination.cell.take(self.began_s)
        if upstream is not None:
            self._send_on(upstream, self.began_s)
        else:
            self._dial(destination)

    def refuse(self, refused: Refused, request: RequestHead | None = None) -> None:
        """Answer a request that could not be read.

        :param refused: why.
        :param request: its head, if only the body could not be read.
        """
        self.request = request
        if request is not None:
            self._route(request)
        self.request_id = self.request_id or self._engine.new_request_id()
        self._answer(refused)

    def _route(self, request: RequestHead) -> Destination | None:
        """Find out where a request goes, or that the config refuses it."""
        self.request_id = self._peer.request_id(request) or self._engine.new_request_id()
        if request.routing_key is None and self.installed.table.reject_missing:
            return None
        self.destination = destination = self.installed.destination(request.routing_key)
        destination.state.enter()
        return destination

    def _dial(self, destination: Destination) -> None:
        if not self._sent:
            self._downstream.pause_request()
        dialling = destination.cell.dial()
        self._dialling = dialling.addCallbacks(self._dialled, self._not_dialled)
        dialling.addErrback(self._defect)

    def _dialled(self, upstream: UpstreamConnection) -> None:
        self._dialling = None
        if self._phase is _ENDED:
            upstream.abort()
            return
        sent = self._sent
        self._send_on(upstream, self._engine.now())
        if not sent and not upstream.request_paused:
            self._downstream.resume_request()

    def _defect(self, failure: Failure) -> None:
        self._engine.log.failure("a request could not be sent on", failure)
        self.abort("proxy_internal_error")

    def _not_dialled(self, failure: Failure) -> None:
        self._dialling = None
        if self._phase is not _ENDED:
            self._answer(refusal(failure))

    def _send_on(self, upstream: UpstreamConnection, now_s: float) -> None:
        request, destination = self.request, self.destination
        assert request is not None
        assert destination is not None
        self._upstream = upstream
        self._phase = _AWAITING
        self._began_upstream_s = now_s
        head = request_to_cell(request, self._peer, self.request_id, destination.authority)
        upstream.begin(
            self, request.method, head, request.chunked, self._held, self._sent, self._held_trailers
        )
        self._progress(now_s)

    def _progress(self, now_s: float) -> None:
        """Give the exchange its time from now on."""
        settings = self._engine.settings
        if self._phase is _AWAITING and self._sent:
            self.deadline_s = now_s + settings.response_timeout_s
        elif self._phase is _TUNNELLING:
            self.deadline_s = now_s + settings.tunnel_idle_timeout_s
        else:
            self.deadline_s = now_s + settings.body_idle_timeout_s

    def request_continued(self, content: bytes, last: bool, trailers: bytes = b"") -> None:
        """Take more of the request's body.

        :param content: of the body.
        :param last: whether the request ends with it.
        :param trailers: fields that a chunked body ends with, each with its CR LF.
        """
        if self._phase is _ENDED:
            return
        self.bytes_in += len(content)
        if self._too_large(self.bytes_in):
            return
        self._sent = last
        if self._upstream is None:
            self._held += content
            self._held_trailers = trailers
            return
        self._first_piece_only = False
        self._held = b""
        self._upstream.send(content, last, trailers)
        self._progress(self._engine.now())

    def request_failed(self, refused: Refused) -> None:
        """The request's body breaks a rule.

        :param refused: which.
        """
        self._fail(refused)

    def _too_large(self, count: int) -> bool:
        destination = self.destination
        limit = None if destination is None else destination.body_limit_bytes
        if self._phase is _TUNNELLING or limit is None or max(count, self.bytes_in) <= limit:
            return False
        self._fail(Refused(413, "http_request_error", f"the request's body is longer than {limit} bytes"))
        return True

    def pause_request(self) -> None:
        """The cell does not take what it is sent."""
        if not self._sent:
            self._downstream.pause_request()

    def resume_request(self) -> None:
        """The cell takes more."""
        if not self._sent:
            self._downstream.resume_request()
            self._progress(self._engine.now())

    def pause_response(self) -> None:
        """The client does not take what it is sent."""
        self._taken_before = self._taken
        self._response_paused = True
        if self._upstream is not None:
            self._upstream.pause_response()

    @property
    def _taken(self) -> int:
        """How much of the response the client has taken, more or less."""
        unsent: int = self._downstream.unsent()
        return self.bytes_out - unsent

    def resume_response(self) -> None:
        """The client takes more."""
        self._response_paused = False
        if self._upstream is not None:
            self._upstream.resume_response()
            self._progress(self._engine.now())

    def interim(self, response: ResponseHead) -> None:
        """The cell sent an interim response.

        :param response: its head.
        """
        if self.request is not None and self.request.minor:
            fields = b"\r\n".join([*response.lines, b""])
            self._downstream.send_interim(response.status, response.reason, fields)

    def response_began(
        self, response: ResponseHead, content: bytes, last: bool, trailers: bytes = b""
    ) -> None:
        """The cell began to answer.

        :param response: the head of its answer.
        :param content: the beginning of the body.
        :param last: whether that is all of it; then the connection has been given up already.
        :param trailers: fields that a chunked body ends with, each with its CR LF.
        """
        request, destination = self.request, self.destination
        assert request is not None
        assert destination is not None
        self._phase = _STREAMING
        self.status = response.status
        self.bytes_out = len(content)
        now_s = self._engine.now()
        self.upstream_s = now_s - self._began_upstream_s
        fields = response_to_client(response, destination.explanation, self.request_id)
        open_ended = (
            response.content_length is None
            and request.method != b"HEAD"
            and response.status not in (204, 304)
        )
        if last:
            self._upstream = None
            self._end(now_s)
        else:
            self._progress(now_s)
        self._downstream.respond(
            response.status, response.reason, fields, open_ended, content, last, trailers
        )

    def response_continued(self, content: bytes, last: bool, trailers: bytes = b"") -> None:
        """The cell sent more of the body.

        :param content: of the body.
        :param last: whether it ends with it; then the connection has been given up already.
        :param trailers: fields that a chunked body ends with, each with its CR LF.
        """
        self.bytes_out += len(content)
        now_s = self._engine.now()
        if last:
            self._upstream = None
            self._end(now_s)
        else:
            self._progress(now_s)
        self._downstream.send(content, last, trailers)

    def offers(self, protocols: Sequence[bytes]) -> bool:
        """Tell whether the client has offered to switch to protocols.

        :param protocols: their names in lower case.
        """
        offered = None if self.request is None else self.request.upgrade
        return offered is not None and set(protocols) <= set(tokens(offered))

    def switched(self, response: ResponseHead, content: bytes) -> None:
        """The cell took the client's offer: from now on bytes are passed on as they come.

        :param response: the head of its answer.
        :param content: what it sent after that.
        """
        destination = self.destination
        assert destination is not None
        self._phase = _TUNNELLING
        self._sent = False
        self.status = response.status
        self.bytes_out = len(content)
        now_s = self._engine.now()
        self.upstream_s = now_s - self._began_upstream_s
        self._progress(now_s)
        fields = response_to_client(response, destination.explanation, self.request_id)
        self._downstream.respond(response.status, response.reason, fields, False, content, False)

    def client_finished(self) -> None:
        """The client sends no more, after a change of protocols."""
        self._sent = True
        if self._answered:
            self._end_tunnel()
        elif self._upstream is not None:
            self._upstream.finish()
            self._progress(self._engine.now())

    def cell_finished(self) -> None:
        """The cell sends no more, after a change of protocols."""
        self._answered = True
        if self._sent:
            self._end_tunnel()
        else:
            self._downstream.finish()
            self._progress(self._engine.now())

    def _end_tunnel(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()
        self._end(self._engine.now())
        self._downstream.close()

    def upstream_failed(self, refused: Refused, unsent: bool) -> None:
        """The connection to the cell failed, and is gone.

        :param refused: how.
        :param unsent: whether it was gone before the first byte of the request was sent on it.
        """
        self._upstream = None
        request, destination = self.request, self.destination
        if (
            unsent
            and self._first_piece_only
            and request is not None
            and destination is not None
            and self._phase is _AWAITING
        ):
            self._phase = _STARTING
            self.deadline_s = inf
            self._dial(destination)
            return
        self._fail(refused)

    def client_gone(self) -> None:
        """The client's connection is gone."""
        if self._phase is not _ENDED:
            self._leave_upstream()
            if not (self._phase is _TUNNELLING and self._answered):
                self.status, self.error = CLIENT_CLOSED_REQUEST, "client_closed_request"
            self._end(self._engine.now())

    def expire(self) -> None:
        """The time allowed for the next step is over."""
        seconds = self._engine.settings.body_idle_timeout_s
        if self._phase is _TUNNELLING:
            self.abort("tunnel_idle_timeout")
        elif self._phase is _STREAMING and self._response_paused:
            taken = self._taken
            if taken > self._taken_before:
                # It reads, if slowly: the transport only tells when it has sent everything.
                self._taken_before = taken
                self._progress(self._engine.now())
                return
            self._fail(Refused(502, "client_read_timeout", "the client does not read its answer"))
        elif self._phase is _STREAMING:
            self._fail(Refused(504, "connection_read_timeout", "the cell's answer does not continue"))
        elif self._sent:
            self._fail(Refused(504, "http_response_timeout", "the cell did not answer in time"))
        elif self._upstream is not None and self._upstream.request_paused:
            self._fail(Refused(504, "connection_write_timeout", "the cell does not take the request's body"))
        else:
            self._fail(Refused(408, None, f"no part of the request's body came for {seconds:g} s"))

    def abort(self, error: str) -> None:
        """End without an answer.

        :param error: the word for it in the log.
        """
        if self._phase is not _ENDED:
            self._leave_upstream()
            self.status, self.error = self.status or 503, error
            self._end(self._engine.now())
            self._downstream.abort()

    def _fail(self, refused: Refused) -> None:
        if self._phase in (_STREAMING, _TUNNELLING):
            self.abort(refused.error or phrase(refused.status))
        elif self._phase is not _ENDED:
            self._answer(refused)

    def _answer(self, refused: Refused) -> None:
        """Answer in the cell's place."""
        self._leave_upstream()
        self.status = refused.status
        self.error = refused.error or phrase(refused.status)
        destination = self.destination
        placement, explanation = None, b""
        if destination is not None:
            placement, explanation = destination.route.placement, destination.explanation
        fields, body = problem(refused, self.request_id, placement, explanation)
        if self.request is not None and self.request.method == b"HEAD":
            body = b""
        self.bytes_out = len(body)
        self._end(self._engine.now())
        self._downstream.respond(refused.status, phrase(refused.status).encode(), fields, False, body, True)

    def _leave_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            self._phase = _ENDED
            dialling.cancel()

    def _end(self, now_s: float) -> None:
        self._phase = _ENDED
        self.deadline_s = inf
        if self.destination is not None:
            self.destination.state.leave()
        self._engine.ended(self, now_s)
