"""What one side meant and what the other side got, both as h11 reads them, and compared.

What h11 forgives in heads, :mod:`tests.support.messages` refuses. In bodies h11 takes blanks after a chunk's
size, any extension, zeros before a size, and lines that end with LF alone: :func:`check_framing` takes none.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import h11
from twisted.trial.unittest import TestCase

from tests.conformance.rows import RAW, Values
from tests.support.messages import (
    Message,
    NotWellFormedError,
    Request,
    RequestReader,
    Response,
    ResponseReader,
)

Fields = list[tuple[str, str]]

# RFC 9110 section 7.6.1, and what intermediaries have agreed on beside it.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
    )
)
OWN_OF_REQUESTS = (
    "X-Request-ID",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "Forwarded",
    "Via",
    "Transfer-Encoding",
    "Connection",
    "Upgrade",
    "Expect",
)
OWN_OF_RESPONSES = (
    "X-Routed-To",
    "X-Route-Reason",
    "X-Route-Match",
    "X-Request-ID",
    "Transfer-Encoding",
    "Connection",
    "Upgrade",
)

NEW_ID = re.compile(r"[0-9a-f]{32}")
"""An ID that the router gave to a request."""

BODILESS = (204, 304)
"""Statuses without a body (RFC 9112 section 6.3)."""

_CHUNK_LINE = re.compile(rb"([1-9a-f][0-9a-f]*)\r\n")
_LAST_CHUNK = re.compile(rb"0\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n)*\r\n")
_NO_REASON = re.compile(rb"\A(HTTP/1\.1 [0-9]{3})(?=\r\n)")
_BROKEN = (h11.RemoteProtocolError, NotWellFormedError)


def sent_requests(raw: bytes, count: int) -> list[Request]:
    """Read the first requests in what a client sends; what comes after them may be anything."""
    found: list[Request] = []
    for _ in range(count):
        # RFC 9112 section 2.2 lets a server skip an empty line; h11 does not.
        raw = raw.removeprefix(b"\r\n")
        reader = RequestReader()
        with suppress(*_BROKEN):
            reader.receive(raw)
        found.append(reader.requests[0])
        raw = raw[len(found[-1].raw) :]
    return found


def sent_response(raw: bytes, method: str, until_close: bool) -> Response:
    """Read what a cell sends; its body may be broken."""
    # RFC 9112 section 4 wants this blank even without a reason; many servers omit it, and that is forgiven.
    raw = _NO_REASON.sub(rb"\1 ", raw)
    reader = ResponseReader(method)
    with suppress(*_BROKEN):
        reader.receive(raw)
        if until_close:
            reader.receive(b"")
    assert reader.response is not None
    return reader.response


def check_requests(test: TestCase, stream: bytes, requests: Sequence[Request]) -> None:
    """Check that a stream consists of requests and of nothing else, and that each body has one reading."""
    test.assertEqual(b"".join(bytes(request.raw) for request in requests), stream)
    for request in requests:
        if request.complete:
            check_framing(test, request, bytes(request.raw))


def check_responses(test: TestCase, stream: bytes, methods: Sequence[str], ended: bool) -> None:
    """Check that a stream consists of whole responses to these methods and of nothing else.

    :param test: fails.
    :param stream: what a client got.
    :param methods: of its requests.
    :param ended: whether the stream is at its end.
    """
    for method in methods:
        reader = ResponseReader(method)
        reader.receive(stream)
        if ended:
            reader.receive(b"")
        test.assertTrue(reader.complete, stream)
        assert reader.response is not None
        heads_before = len(reader.response.informational)
        final = stream[: len(stream) - len(reader.rest)].split(b"\r\n\r\n", heads_before)[-1]
        check_framing(test, reader.response, final)
        stream = reader.rest
    test.assertEqual(stream, b"")


def check_framing(test: TestCase, message: Message, raw: bytes) -> None:
    """Check that a message's body is framed in a way that no parser reads differently.

    :param message: as h11 has read it.
    :param raw: its bytes.
    """
    body = raw[raw.index(b"\r\n\r\n") + 4 :]
    codings, lengths = message.values("Transfer-Encoding"), message.values("Content-Length")
    test.assertLessEqual(len(codings) + len(lengths), 1)
    if not (codings and body):
        return
    test.assertEqual(codings, ["chunked"])
    at = 0
    while chunk := _CHUNK_LINE.match(body, at):
        at = chunk.end() + int(chunk[1], 16)
        test.assertEqual(body[at : at + 2], b"\r\n")
        at += 2
    test.assertTrue(_LAST_CHUNK.fullmatch(body, at), body[at:])


def check_end_to_end(
    test: TestCase,
    sent: Fields,
    got: Fields,
    door: str,
    gone: Collection[str] = (),
    own: Collection[str] = (),
) -> None:
    """Check that fields arrived as they were sent, and no others.

    :param test: fails.
    :param sent: as h11 read them on one side.
    :param got: as h11 read them on the other.
    :param door: at the one behind twisted.web the lines of one name come together, in a case of its own.
    :param gone: names, in lower case, of those that must not arrive, besides hop-by-hop fields.
    :param own: names of those that the router writes, which :func:`check_own` judges.
    """
    judged_there = {name.lower() for name in own}
    without = HOP_BY_HOP | judged_there | {*gone}
    expected = [(name, value) for name, value in sent if name.lower() not in without]
    arrived = [(name, value) for name, value in got if name.lower() not in judged_there]
    if door in RAW:
        test.assertEqual(arrived, expected)
    else:
        test.assertEqual(_by_name(arrived), _by_name(expected))


def check_own(
    test: TestCase,
    message: Message,
    names: Sequence[str],
    usual: Mapping[str, Values],
    own: Mapping[str, Values],
) -> None:
    """Check the fields that the router writes.

    :param test: fails.
    :param message: as it arrived.
    :param names: all of them.
    :param usual: their values for most messages; those that are missing here must not be there.
    :param own: their values for this one, where they differ.
    """
    expected = {**dict.fromkeys(names), **usual, **own}
    for name, values in expected.items():
        wanted = [values] if isinstance(values, str) else list(values or ())
        test.assertEqual(message.values(name), wanted, name)


def usual_of_request(sent: Request, got: Request, host: str) -> dict[str, Values]:
    """Give the fields that the router writes into a request that says nothing of where it came from."""
    (request_id,) = got.values("X-Request-ID")
    return {
        "X-Request-ID": request_id if NEW_ID.fullmatch(request_id) else "32 hexadecimal digits",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": host or None,
        "Via": f"{sent.version} cellrouter",
        "Transfer-Encoding": "chunked" if sent.values("Transfer-Encoding") else None,
    }


def read_switch(stream: bytes) -> tuple[Response, bytes]:
    """Read a 101, and whatever 1xx come before it.

    :returns: the 101, and what comes after it.
    """
    parser = h11.Connection(h11.CLIENT)
    offer = [("Host", "x"), ("Connection", "Upgrade"), ("Upgrade", "bytes")]
    parser.send(h11.Request(method="GET", target="/", headers=offer))
    parser.send(h11.EndOfMessage())
    parser.receive_data(stream)
    while (event := parser.next_event()).status_code != 101:
        assert isinstance(event, h11.InformationalResponse)
    fields = [(name.decode(), value.decode("latin-1")) for name, value in event.headers.raw_items()]
    assert parser.next_event() is h11.PAUSED
    return Response("1.1", fields, status=101), parser.trailing_data[0]


def _by_name(fields: Fields) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    return found
