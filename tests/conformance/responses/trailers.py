"""Trailers: they reach a client as trailers, if at all, and never as what it would act on."""

from tests.conformance.responses.making import SOUND, trailers
from tests.conformance.rows import Passed


def broken(name: str, raw: bytes) -> Passed:
    """Make a row for what is no trailer section."""
    return Passed(name, trailers(raw), b"ok", complete=False, or_refused=True)


def dropped(name: str, *lines: bytes) -> Passed:
    """Make a row for trailers that do not arrive, between others that do."""
    raw = b"".join(line + b"\r\n" for line in (b"First: 1", *lines, b"Last: 2"))
    gone = [line.partition(b":")[0].decode().lower() for line in lines]
    return Passed(f"dropped: {name}", trailers(raw + b"\r\n"), gone_trailers=gone, reused=True)


ROWS = [
    broken("no colon", b"trailer\r\n\r\n"),
    broken("blank before the colon", b"A : b\r\n\r\n"),
    broken("folded", b"A: b\r\n c\r\n\r\n"),
    broken("NUL", b"A: \0\r\n\r\n"),
    broken("bare CR", b"A: b\rC: d\r\n\r\n"),
    broken("bare LF", b"A: b\n\r\n"),
    broken("bare LF for the empty line", b"\n"),
    broken("over the limit", b"A: " + b"b" * 8192 + b"\r\n\r\n"),
    broken("endless", b"A: b\r\n" * 20_000),
    broken("another response at once", SOUND),
    Passed("in order and case", trailers(b"Z-Sum: 1\r\na-SUM: 2\r\nZ-Sum:\r\n\r\n"), reused=True),
    Passed("bytes beyond ASCII", trailers(b"A: \xff\r\n\r\n"), reused=True),
    Passed("for a 1.0 client", trailers(b"A: b\r\n\r\n"), version="1.0"),
    dropped(
        "the router's",
        b"X-Routed-To: http://evil",
        b"X-Route-Reason: a",
        b"X-Route-Match: b",
        b"X-Request-ID: c",
    ),
    Passed(
        "dropped: named by Connection",
        trailers(b"First: 1\r\nA: b\r\nLast: 2\r\n\r\n").replace(b"\r\n", b"\r\nConnection: a\r\n", 1),
        gone_trailers=["a"],
        reused=True,
    ),
    dropped("framing", b"Content-Length: 7", b"Transfer-Encoding: chunked"),
    dropped("framing with underscores", b"Content_Length: 7", b"Transfer_Encoding: chunked"),
    dropped("for one connection", b"Connection: close", b"Keep-Alive: 1", b"Upgrade: x"),
    dropped(
        "cookies and how the content is read",
        b"Set-Cookie: a=b",
        b"Content-Type: a/b",
        b"Content-Encoding: gzip",
    ),
]
