"""The demo cell: answers every request with what it got."""

import json
from os import SEEK_END

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore
from twisted.logger import FilteringLogObserver, LogLevel, LogLevelFilterPredicate, globalLogBeginner
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.daemon import LineLog, ListenerService, QuietSite


class Cell(Resource):
    """Answer any method and path with a JSON description of the request; ``/health`` with the cell's health.

    :param name: what the cell calls itself.
    """

    isLeaf = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def render(self, request: Request) -> bytes:
        """Answer a request."""
        request.setHeader(b"content-type", b"application/json")
        if request.path == b"/health":
            document: dict[str, object] = {"cell": self._name, "status": "healthy"}
        else:
            document = {
                "cell": self._name,
                "method": _text(request.method),
                "path": _text(request.uri),
                "headers": [
                    [_text(name), _text(value)]
                    for name, values in request.requestHeaders.getAllRawHeaders()
                    for value in values
                ],
                "body_bytes": _size(request),
            }
        answer = json.dumps(document).encode() + b"\n"
        request.setHeader(b"content-length", b"%d" % len(answer))
        return b"" if request.method == b"HEAD" else answer


async def serve(reactor: IReactorCore, name: str, description: str) -> int:
    """Serve a cell until the reactor stops.

    :param reactor: listens.
    :param name: what the cell calls itself.
    :param description: the string of a Twisted server endpoint to listen on.
    :returns: the exit status, were it to end before the reactor does.
    :raises SystemExit: when it cannot listen, with one line.
    """
    globalLogBeginner.beginLoggingTo([_log()], discardBuffer=True, redirectStandardIO=False)
    site = QuietSite(Cell(name), reactor=reactor)
    listener = ListenerService(reactor, description, site, f"cell {name}", "--port", "cellrouter cell")
    listener.privilegedStartService()
    await Deferred[None]()
    return 0


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _size(request: Request) -> int:
    """Count the body's bytes, which twisted.web has put into a file."""
    assert request.content is not None
    size: int = request.content.seek(0, SEEK_END)
    return size


def _log() -> FilteringLogObserver:
    """Make a log of what is said here, and of others' warnings only."""
    levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    levels.setLogLevelForNamespace("cellrouter", LogLevel.info)
    return FilteringLogObserver(LineLog(), [levels])
