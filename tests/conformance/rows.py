"""What the rows of the tables consist of."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from attrs import evolve, field, frozen

from tests.support.connections import Connection
from tests.support.engines import DOORS, LEAN, RESOURCE

RAW = (LEAN,)
"""The door whose parser is ours; twisted.web reads the requests of the other one, by its own rules."""

STOCK = (RESOURCE,)
"""The door that does not switch protocols."""

BOTH = DOORS

CLOSE = Connection.close
RESET = Connection.reset

NOTHING: Mapping[str, Any] = MappingProxyType({})

Values = str | Sequence[str] | None
"""The value of a field, or those of a repeated one, or None when it must not be there."""


@frozen
class Refused:
    """A request that is answered with a refusal, and never reaches a cell as a whole.

    :param name: what is wrong with it.
    :param raw: its bytes.
    :param status: the answer.
    :param error: the error type of ``Proxy-Status``, if there is one.
    :param closes: whether the connection must end; None when it may.
    :param in_body: whether the fault comes after the head, which may then be sent on. Such a request is sent
        in one piece, and then again in two, the second when the cell has the head.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    status: int = 400
    error: str | None = field()
    closes: bool | None = True
    in_body: bool = False
    doors: Sequence[str] = RAW

    @error.default
    def _default_error(self) -> str | None:
        return "http_request_error" if self.status == 400 else None


@frozen
class Forwarded:
    """One request, or several in a row, that the cell gets, and no other.

    Fields and trailers must be those that h11 finds in the bytes, in their order and case, but for hop-by-hop
    fields and what the row says; and every field that the router writes must be as it says.

    :param name: what is special.
    :param raw: the bytes.
    :param seen: method, target and body of each request as the cell must get it.
    :param gone: names, in lower case, of other fields that must not arrive.
    :param gone_trailers: names, in lower case, of trailers that must not arrive.
    :param own: the values of fields that the router writes into the first request, where they are not those
        that a request without any would get.
    :param host: the value of ``Host`` that the cell must get, if it is not the client's.
    :param match: what ``X-Route-Match`` must say, if that matters.
    :param answers: what the cell sends for the first request, if not just anything sound.
    :param then: the status of a refusal after these requests, which ends the connection.
    :param or_refused: statuses that are as good an answer.
    :param closes: whether the connection must end.
    :param settings: of the router.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    seen: Sequence[tuple[str, str, bytes]] = (("GET", "/", b""),)
    gone: Sequence[str] = ()
    gone_trailers: Sequence[str] = ()
    own: Mapping[str, Values] = NOTHING
    host: str | None = None
    match: str | None = None
    answers: bytes | None = None
    then: int | None = None
    or_refused: Sequence[int] = ()
    closes: bool = False
    settings: Mapping[str, Any] = NOTHING
    doors: Sequence[str] = BOTH


@frozen
class Abandoned:
    """What never becomes a whole request, however long one waits; then the client leaves.

    :param name: what is special.
    :param raw: what the client sends.
    :param body: what the cell may have of the body by then; None when it must not even get a head.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    body: bytes | None = None
    doors: Sequence[str] = RAW


@frozen
class Switched:
    """A request to switch protocols that the cell agrees to.

    :param name: what is special.
    :param raw: the request.
    :param own: as in :class:`Forwarded`.
    :param ahead: what the client sends without waiting for the answer.
    :param answers: what the cell sends.
    :param gets: what the client gets after the 101, which has no fields but the router's, ``Connection`` and
        ``Upgrade``.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    own: Mapping[str, Values] = NOTHING
    ahead: bytes = b""
    answers: bytes = (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\nwelcome"
    )
    gets: bytes = b"welcome"
    doors: Sequence[str] = RAW


@frozen
class Broken:
    """What a cell sends and no client must see: the answer is a 502.

    :param name: what is wrong with it.
    :param raw: what the cell sends.
    :param error: the error type of ``Proxy-Status``; None when any will do.
    :param then: what the cell does after that.
    :param asked: field lines of the request.
    :param method: the request's.
    :param version: the request's.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    error: str | None = "http_protocol_error"
    then: object = None
    asked: bytes = b""
    method: str = "GET"
    version: str = "1.1"
    doors: Sequence[str] = BOTH


@frozen
class Passed:
    """What a cell sends, and what a client gets of it.

    Fields, trailers, reason and 1xx responses must be those that h11 finds in the bytes, in their order and
    case, but for hop-by-hop fields and what the row says; and every field that the router writes must be as
    it says.

    :param name: what is special.
    :param raw: what the cell sends.
    :param body: what the client gets.
    :param status: what the client gets.
    :param complete: whether the client may take the body for whole.
    :param gone: names, in lower case, of other fields that must not arrive.
    :param gone_trailers: names, in lower case, of trailers that must not arrive.
    :param gone_interim: names, in lower case, of fields of 1xx responses that must not arrive.
    :param own: the values of fields that the router writes, where they are not the usual ones.
    :param then: what the cell does after sending.
    :param asked: field lines of the request.
    :param method: the request's.
    :param version: the request's.
    :param reused: whether the cell's connection must, or must not, serve another request; None when it may.
    :param or_refused: whether 502 is as good an answer. A faulty body is sent in one piece with its head, and
        then again in two, the second when the client has the head, and it is too late for a 502.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    body: bytes = b"ok"
    status: int = 200
    complete: bool = True
    gone: Sequence[str] = ()
    gone_trailers: Sequence[str] = ()
    gone_interim: Sequence[str] = ()
    own: Mapping[str, Values] = NOTHING
    then: object = None
    asked: bytes = b""
    method: str = "GET"
    version: str = "1.1"
    reused: bool | None = None
    or_refused: bool = False
    doors: Sequence[str] = BOTH


Row = Refused | Forwarded | Abandoned | Switched | Broken | Passed


def named(groups: Mapping[str, Sequence[Row]], door: str) -> list[Row]:
    """Give the rows of all groups that hold at a door, each name with its group's before it."""
    return [
        evolve(row, name=f"{group}: {row.name}")
        for group, rows in groups.items()
        for row in rows
        if door in row.doors
    ]
