"""The status page's resources."""

from importlib.resources import files

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from cellrouter.controlplane.page.live import Live
from cellrouter.daemon import JsonResource, JsonRoot
from cellrouter.daemon.resources import prepare, problem

HTML = b"text/html; charset=utf-8"
EVENTS = b"text/event-stream"

FILES = {
    b"status.css": b"text/css; charset=utf-8",
    b"status.js": b"text/javascript; charset=utf-8",
    b"status.svg": b"image/svg+xml",
}

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
GUARDS = (
    (b"content-security-policy", POLICY),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""What keeps a browser from running anything that is not ours."""

BUSY_RETRY_S = b"10"


class FileResource(JsonResource):
    """Answer with a file of the package.

    :param name: the file.
    :param content_type: what it is.
    """

    def __init__(self, name: str, content_type: bytes) -> None:
        JsonRoot.__init__(self)
        self._content_type = content_type
        self._content = files(__package__).joinpath(name).read_bytes()

    def answer(self, request: Request) -> bytes:
        """Answer a GET or HEAD."""
        _guard(request)
        return prepare(request, http.OK, self._content_type, self._content)


class PageResource(JsonResource):
    """Answer with the page.

    :param live: draws it.
    """

    log = Logger()

    def __init__(self, live: Live) -> None:
        JsonRoot.__init__(self)
        self._live = live

    def answer(self, request: Request) -> int:
        """Answer a GET or HEAD."""
        gone: list[Failure] = []
        request.notifyFinish().addErrback(gone.append)

        def send(body: bytes) -> None:
            if not gone:
                if request.method != b"HEAD":
                    request.write(body)
                request.finish()

        def failed(failure: Failure) -> bytes:
            self.log.failure("drawing the status page failed", failure)
            return problem(request, http.INTERNAL_SERVER_ERROR, "the page cannot be drawn; the log says why")

        _guard(request)
        drawn = Deferred.fromCoroutine(self._live.page())
        drawn.addCallback(lambda page: prepare(request, http.OK, HTML, page))
        drawn.addErrback(failed).addCallback(send)
        return NOT_DONE_YET


class EventsResource(JsonResource):
    """Answer with what changes, for as long as the asker listens.

    :param live: has it.
    """

    def __init__(self, live: Live) -> None:
        JsonRoot.__init__(self)
        self._live = live

    def answer(self, request: Request) -> bytes | int:
        """Answer a GET or HEAD."""
        _guard(request)
        if not self._live.has_room:
            request.setHeader(b"retry-after", BUSY_RETRY_S)
            return problem(request, http.SERVICE_UNAVAILABLE, "too many listen already; try again later")
        request.setHeader(b"content-type", EVENTS)
        request.setHeader(b"cache-control", b"no-store")
        # A proxy in between is not to collect what is meant for now.
        request.setHeader(b"x-accel-buffering", b"no")
        if request.method == b"HEAD":
            return b""
        self._live.join(request)
        return NOT_DONE_YET


def add_page(root: Resource, live: Live) -> None:
    """Put the status page into the tree of resources.

    :param root: the resource at ``/``.
    :param live: draws the page.
    """
    root.putChild(b"", PageResource(live))
    root.putChild(b"events", EventsResource(live))
    for name, content_type in FILES.items():
        root.putChild(name, FileResource(name.decode(), content_type))


def _guard(request: Request) -> None:
    for name, value in GUARDS:
        request.setHeader(name, value)
