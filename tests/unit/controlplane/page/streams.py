"""A listener's end of the stream, in memory: what a browser makes of it."""

import re
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.web.server import Site

from tests.support.web import Asked


class Listening(Asked):
    """A browser that listens, and whose connection can be made to stall.

    :param site: answers.
    """

    def __init__(self, site: Site, **more: Any) -> None:
        self.aborted = False
        super().__init__(site, "/events", **more)
        self._transport.abortConnection = self._abort

    @property
    def transport(self) -> StringTransport:
        """The connection."""
        return self._transport

    @property
    def status(self) -> int:
        """What was answered."""
        return int(self.answered.split()[1])

    def stall(self) -> None:
        """Read nothing any more: the connection's buffer is full."""
        self._transport.producer.pauseProducing()

    def read_again(self) -> None:
        """Read what is in the buffer."""
        self._transport.producer.resumeProducing()

    def forget(self) -> None:
        """Look at what comes from now on."""
        self._transport.clear()

    def events(self) -> list[tuple[str, str]]:
        """Take apart what has come: the type and the data of each event."""
        _, separator, body = self.answered.partition(b"\r\n\r\n")
        chunks = body if separator and self.answered.startswith(b"HTTP") else self.answered
        return parse_events(unchunked(chunks).decode())

    def sections(self) -> list[str]:
        """Name the sections that have come."""
        found = [re.search(r'id="([a-z]+)"', data) for kind, data in self.events() if kind == "section"]
        return [match[1] for match in found if match is not None]

    def _abort(self) -> None:
        self.aborted = True
        self.leave()


def unchunked(data: bytes) -> bytes:
    """Take the chunks of an HTTP/1.1 body apart."""
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
    return body


def parse_events(stream: str) -> list[tuple[str, str]]:
    """Read a stream of events by the rules of HTML's chapter on it, section 9.2.6."""
    events = []
    kind, data = "", []
    for line in re.split("\r\n|\r|\n", stream):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                events.append((kind or "message", "\n".join(data)))
            kind, data = "", []
        elif field == "event":
            kind = value
        elif field == "data":
            data.append(value)
    return events
