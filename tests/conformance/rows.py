"""What the rows of the tables consist of."""

from collections.abc import Sequence

from attrs import field, frozen

from tests.support.connections import Connection
from tests.support.engines import DOORS, LEAN, RESOURCE

RAW = (LEAN,)
"""The door whose parser is ours; twisted.web reads the requests of the other one, by its own rules."""

STOCK = (RESOURCE,)
"""The door that does not switch protocols."""

BOTH = DOORS


@frozen
class Refused:
    """A request that is answered with a refusal, and never reaches a cell as a whole.

    :param name: what is wrong with it.
    :param raw: its bytes.
    :param status: the answer.
    :param error: the error type of ``Proxy-Status``, if there is one.
    :param closes: whether the connection must end; None when it may.
    :param in_body: whether the fault comes after the head, which may then be sent on.
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

    :param name: what is special.
    :param raw: the bytes.
    :param seen: method, target and body of each request as the cell must get it.
    :param or_refused: statuses that are as good an answer.
    :param closes: whether the connection must end.
    :param doors: where this holds.
    """

    name: str
    raw: bytes
    seen: Sequence[tuple[str, str, bytes]]
    or_refused: Sequence[int] = ()
    closes: bool = False
    doors: Sequence[str] = BOTH


@frozen
class Broken:
    """What a cell sends and no client must see: the answer is a 502.

    :param name: what is wrong with it.
    :param raw: what the cell sends.
    :param error: the error type of ``Proxy-Status``; None when any will do.
    :param then: what the cell does after that.
    """

    name: str
    raw: bytes
    error: str | None = "http_protocol_error"
    then: object = None


@frozen
class Passed:
    """What a cell sends, and what a client gets of it.

    :param name: what is special.
    :param raw: what the cell sends.
    :param body: what the client gets.
    :param status: what the client gets.
    :param complete: whether the client may take the body for whole.
    :param then: what the cell does after sending.
    :param method: the request's.
    :param version: the request's.
    :param reused: whether the cell's connection must, or must not, serve another request; None when it may.
    :param or_refused: whether 502 is as good an answer.
    """

    name: str
    raw: bytes
    body: bytes = b"ok"
    status: int = 200
    complete: bool = True
    then: object = None
    method: str = "GET"
    version: str = "1.1"
    reused: bool | None = None
    or_refused: bool = False


CLOSE = Connection.close
RESET = Connection.reset
