"""Resources whose answers take a while, and what is answered when something goes wrong."""

import re
from collections.abc import Awaitable, Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.server import NOT_DONE_YET, Request

from cellrouter.config import ConfigRefused
from cellrouter.controlplane.bodies import BoundedRequest
from cellrouter.controlplane.proposals import BeyondGuards, NoSuchRevision, NothingHeld, RevisionMoved
from cellrouter.controlplane.rollout import NotPossible
from cellrouter.daemon import JsonRoot
from cellrouter.daemon.children import Busy, ChildFailed, Stopping
from cellrouter.daemon.resources import JSON, prepare, problem
from cellrouter.daemon.text import quoted
from cellrouter.snapshots.history_schema import HistoryUnusable

MAX_TEXT_CHARS = 500
MAX_REVISION_DIGITS = 18
UNPROCESSABLE = 422
INSUFFICIENT_STORAGE = 507


class BadRequest(Exception):
    """A request that cannot be understood; the message says why."""


STATUSES: Mapping[type[Exception], int] = {
    BadRequest: http.BAD_REQUEST,
    NoSuchRevision: http.NOT_FOUND,
    BeyondGuards: http.CONFLICT,
    NothingHeld: http.CONFLICT,
    NotPossible: http.CONFLICT,
    RevisionMoved: http.PRECONDITION_FAILED,
    ConfigRefused: UNPROCESSABLE,
    ChildFailed: http.SERVICE_UNAVAILABLE,
    Stopping: http.SERVICE_UNAVAILABLE,
    Busy: http.SERVICE_UNAVAILABLE,
    HistoryUnusable: INSUFFICIENT_STORAGE,
}
"""What each thing that can go wrong is answered with."""

Parser = Callable[[str], object]
Parameters = dict[str, object]
Handler = Callable[[Request, Parameters], Awaitable[bytes]]
"""Gives the body, JSON text, for a request and the parameters of its query."""


class Question(JsonRoot):
    """Answer GET and HEAD with a document that has to be waited for.

    :param handler: gives it; what it raises of :data:`STATUSES` is answered by a problem.
    :param parameters: how each parameter of the query is read; those without a value are left out.
    """

    methods: tuple[bytes, ...] = (b"GET", b"HEAD")
    log = Logger()

    def __init__(self, handler: Handler, parameters: Mapping[str, Parser] | None = None) -> None:
        JsonRoot.__init__(self)
        self._handler = handler
        self._parameters = parameters or {}

    def render(self, request: Request) -> bytes | int:
        """Answer a request; other methods get 405."""
        if request.method not in self.methods:
            names = b", ".join(self.methods)
            request.setHeader(b"allow", names)
            return problem(request, http.NOT_ALLOWED, f"only {names.decode()} is possible here")
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)

        def send(body: bytes) -> None:
            if not gone:
                if request.method != b"HEAD":
                    request.write(body)
                request.finish()

        answering = Deferred.fromCoroutine(self._answer(request))
        answering.addErrback(self._unforeseen, request).addCallback(send)
        answering.addErrback(
            lambda failure: self.log.failure("answering {path} failed", failure, path=request.path)
        )
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> bytes:
        try:
            document = await self._handler(request, self._read(request))
        except tuple(STATUSES) as error:
            return _problem_of(request, error)
        return prepare(request, http.OK, JSON, document)

    def _unforeseen(self, failure: Failure, request: Request) -> bytes:
        """Answer when something fails that nobody foresaw."""
        self.log.failure("answering {path} failed", failure, path=request.path)
        return problem(request, http.INTERNAL_SERVER_ERROR, "it could not be done: see the log")

    def _read(self, request: Request) -> Parameters:
        """Read the query.

        :raises BadRequest: when there is something in it that should not be.
        """
        read: Parameters = {}
        for name, values in (request.args or {}).items():
            text = name.decode("utf-8", "replace")
            parse = self._parameters.get(text)
            if parse is None:
                known = ", ".join(self._parameters) or "none"
                raise BadRequest(f"unknown parameter {quoted(text)}; known are: {known}")
            if len(values) > 1:
                raise BadRequest(f"{text} is given {len(values)} times")
            try:
                read[text] = parse(values[0].decode("utf-8"))
            except ValueError as error:
                raise BadRequest(f"{text}: {error}") from None
        return read


class Operation(Question):
    """Do what a POST asks for, for those who may, and answer with what came of it."""

    methods = (b"POST",)

    def render(self, request: Request) -> bytes | int:
        """Answer a request."""
        assert isinstance(request, BoundedRequest)
        if request.refusal is not None:
            return request.refusal.answer(request)
        if request.too_large:
            detail = f"the document is larger than --max-config-bytes, {request.limit_bytes} bytes"
            return problem(request, http.REQUEST_ENTITY_TOO_LARGE, detail)
        return super().render(request)


def revision(text: str) -> int:
    """Read a revision."""
    if not re.fullmatch("[0-9]+", text) or len(text) > MAX_REVISION_DIGITS:
        raise ValueError(f"{quoted(text)} is not a revision")
    return int(text)


def words(text: str) -> str:
    """Read what somebody has to say, in a line."""
    if not text.strip():
        raise ValueError("it is empty")
    if len(text) > MAX_TEXT_CHARS:
        raise ValueError(f"it is longer than {MAX_TEXT_CHARS} characters")
    if not text.isprintable():
        raise ValueError("it has characters that cannot be printed")
    return text.strip()


def actor(request: Request, given: Parameters) -> str:
    """Say who does something.

    :param given: the query; who does not say it there is known by where the request came from.
    """
    host = getattr(request.getClientAddress(), "host", "this machine")
    return str(given.get("actor") or f"somebody at {host}")


def _problem_of(request: Request, error: Exception) -> bytes:
    """Answer with what has gone wrong."""
    members: dict[str, object] = {}
    detail = str(error)
    match error:
        case ConfigRefused(violations=violations):
            others = len(violations) - 1
            detail = f"the config is refused: {violations[0]}" + (f"; and {others} more" if others else "")
            members["violations"] = [
                {"path": each.path, "code": each.code, "message": each.message} for each in violations
            ]
        case BeyondGuards(exceeded=exceeded):
            members["exceeded"] = [{"guard": each.guard, "message": each.text} for each in exceeded]
        case ChildFailed():
            detail = f"it could not be done: {error}"
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return problem(request, status, detail, members)
