"""Resources of twisted.web that answer in JSON."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.daemon.text import quoted

NOTHING_HERE = "there is nothing at this path"
JSON = b"application/json"
PROBLEM = b"application/problem+json"

Answer = tuple[int, object]
"""A status and a document."""


class JsonRoot(Resource):
    """The root or a branch of a tree of resources: what it does not have, and it itself, is a 404 in JSON."""

    def __init__(self) -> None:
        Resource.__init__(self)

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return the answer for a path that does not exist."""
        return JsonRoot()

    def render(self, request: Request) -> bytes | int:
        """Answer a request."""
        return problem(request, http.NOT_FOUND, NOTHING_HERE)


class JsonResource(JsonRoot):
    """Answer GET and HEAD with a JSON document that is never cached.

    :param produce: gives the status and the document.
    """

    def __init__(self, produce: Callable[[], Answer]) -> None:
        JsonRoot.__init__(self)
        self._produce = produce

    def render(self, request: Request) -> bytes | int:
        """Answer a request; other methods get 405."""
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return problem(request, http.NOT_ALLOWED, "only GET and HEAD are possible here")
        return self.answer(request)

    def answer(self, request: Request) -> bytes | int:
        """Answer a GET or HEAD; the value is that of ``render``."""
        return write_json(request, *self._produce())


class QueryResource(JsonResource):
    """Answer with a document that depends on the request's query.

    :param parameter: the name of the one parameter there is.
    :param produce: gives the status and the document; it gets the parameter's values, usually one or none.
    """

    def __init__(self, parameter: str, produce: Callable[[list[bytes]], Answer]) -> None:
        super().__init__(lambda: produce([]))
        self._parameter = parameter.encode()
        self._produce_for = produce

    def answer(self, request: Request) -> bytes:
        """Answer a GET or HEAD."""
        arguments = request.args or {}
        unknown = [name for name in arguments if name != self._parameter]
        if unknown:
            text = quoted(unknown[0].decode("utf-8", "replace"))
            return problem(
                request, http.BAD_REQUEST, f"unknown parameter {text}; there is {self._parameter.decode()}"
            )
        return write_json(request, *self._produce_for(arguments.get(self._parameter, [])))


def write_json(request: Request, status: int, document: object) -> bytes:
    """Set status and header fields for a JSON document.

    :param request: the request to answer.
    :param status: the HTTP status.
    :param document: what can be written as JSON.
    :returns: the body, for ``render`` to return; twisted.web leaves it out of the answer to HEAD.
    """
    return prepare(request, status, JSON, encode(document))


def problem(request: Request, status: int, detail: str, members: Mapping[str, object] | None = None) -> bytes:
    """Set status and header fields for a problem (RFC 9457), like :func:`write_json`.

    :param detail: what is wrong, for people.
    :param members: more that is to be said, for programs.
    """
    title = HTTPStatus(status).phrase
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **(members or {})}
    return prepare(request, status, PROBLEM, encode(document))


def encode(document: object) -> bytes:
    """Encode a body."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def prepare(request: Request, status: int, content_type: bytes, body: bytes) -> bytes:
    """Set status and header fields for a body, and return it."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", content_type)
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"content-length", b"%d" % len(body))
    return body
