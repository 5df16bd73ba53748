"""Ask a twisted.web site in memory."""

import json
from typing import Any

from attrs import frozen
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.server import Site


@frozen
class Answer:
    """An answer, taken apart.

    :ivar status: HTTP status.
    :ivar headers: fields by lower-case name.
    :ivar body: what came after them.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)


class Asked:
    """One HTTP/1.1 request to a site over a transport in memory.

    :param site: answers.
    :param target: the request target.
    :param method: the method.
    :param body: the body, if it has one.
    :param fields: more of the head.
    :param host: where it comes from.
    """

    def __init__(
        self,
        site: Site,
        target: str,
        method: str = "GET",
        body: bytes = b"",
        fields: dict[str, str] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self._transport = StringTransport(peerAddress=IPv4Address("TCP", host, 50000))
        self._transport.abortConnection = self._transport.loseConnection
        self._channel = site.buildProtocol(None)
        self._channel.makeConnection(self._transport)
        length = {"Content-Length": str(len(body))} if body else {}
        lines = [
            f"{name}: {value}\r\n"
            for name, value in {"Host": "127.0.0.1", **length, **(fields or {})}.items()
        ]
        self._channel.dataReceived(f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body)

    @property
    def answered(self) -> bytes:
        """Everything that was answered by now."""
        return self._transport.value()

    @property
    def ended(self) -> bool:
        """Whether the site has ended the connection."""
        return self._transport.disconnecting

    def send(self, data: bytes) -> None:
        """Send more of the request."""
        self._channel.dataReceived(data)

    def leave(self) -> None:
        """End the connection."""
        self._channel.connectionLost(Failure(ConnectionDone()))


def ask(site: Site, target: str, method: str = "GET", **more: Any) -> Answer:
    """Ask a site that answers at once; the parameters are those of :class:`Asked`."""
    head, _, body = Asked(site, target, method, **more).answered.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return Answer(int(status.split()[1]), {name.lower(): value for name, value in headers.items()}, body)
