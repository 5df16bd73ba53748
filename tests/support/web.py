"""Ask a twisted.web site in memory."""

import json
from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
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
    :param fields: more header fields.
    :param peer: where the request comes from.
    """

    def __init__(
        self,
        site: Site,
        target: str,
        method: str = "GET",
        fields: Sequence[tuple[str, str]] = (),
        peer: IAddress | None = None,
    ) -> None:
        self._transport = StringTransport(peerAddress=peer)
        self._transport.abortConnection = self._transport.loseConnection
        self._channel = site.buildProtocol(None)
        self._channel.makeConnection(self._transport)
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self._channel.dataReceived(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())

    @property
    def answered(self) -> bytes:
        """Everything that was answered by now."""
        return self._transport.value()

    def leave(self) -> None:
        """End the connection."""
        self._channel.connectionLost(Failure(ConnectionDone()))


def ask(
    site: Site,
    target: str,
    method: str = "GET",
    fields: Sequence[tuple[str, str]] = (),
    peer: IAddress | None = None,
) -> Answer:
    """Ask a site that answers at once; the parameters are those of :class:`Asked`."""
    head, _, body = Asked(site, target, method, fields, peer).answered.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    return Answer(int(status.split()[1]), {name.lower(): value for name, value in headers.items()}, body)
