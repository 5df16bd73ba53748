"""Trailers: they arrive as trailers, and never as what a cell would act on."""

from tests.conformance.requests.making import GET, POSTED, SMUGGLED, trailers
from tests.conformance.rows import Forwarded, Refused

MAX_TRAILER_BYTES = 8192


def dropped(name: str, *lines: bytes) -> Forwarded:
    """Make a row for trailers that do not arrive, between others that do."""
    raw = b"".join(line + b"\r\n" for line in (b"First: 1", *lines, b"Last: 2"))
    gone = [line.partition(b":")[0].decode().lower() for line in lines]
    return Forwarded(f"dropped: {name}", trailers(raw + b"\r\n"), POSTED, gone_trailers=gone)


ROWS = [
    *(
        Refused(name, trailers(raw), in_body=True)
        for name, raw in (
            ("bare LF for the empty line", b"\n"),
            ("bare CR for the empty line", b"\r\r"),
            ("line of a blank", b" \r\n\r\n"),
            ("no colon", b"trailer\r\n\r\n"),
            ("blank before the colon", b"A : b\r\n\r\n"),
            ("tab before the colon", b"A\t: b\r\n\r\n"),
            ("empty name", b": b\r\n\r\n"),
            ("blank in a name", b"A b: c\r\n\r\n"),
            ("folded", b"A: b\r\n c\r\n\r\n"),
            ("folded first", b" A: b\r\n\r\n"),
            ("bare LF after one", b"A: b\n\r\n"),
            ("bare LF inside one", b"A: b\nB: c\r\n\r\n"),
            ("bare CR inside one", b"A: b\rB: c\r\n\r\n"),
            ("NUL", b"A: b\0\r\n\r\n"),
            ("control character", b"A: \x01\r\n\r\n"),
            ("DEL", b"A: b\x7f\r\n\r\n"),
            ("two last chunks", b"0\r\n\r\n"),
            ("the next request at once", SMUGGLED),
            ("over the limit", b"A: " + b"b" * MAX_TRAILER_BYTES + b"\r\n\r\n"),
            ("endless", b"A: b\r\n" * 20_000),
        )
    ),
    Forwarded("in order and case", trailers(b"Z-Sum: 1\r\na-SUM: 2\r\nZ-Sum: 3\r\n\r\n"), POSTED),
    Forwarded(
        "announced", trailers(b"Sum: 1\r\n\r\n").replace(b"\r\n\r\n", b"\r\nTrailer: Sum\r\n\r\n", 1), POSTED
    ),
    Forwarded("empty value", trailers(b"A:\r\nB: c\r\n\r\n"), POSTED),
    Forwarded("bytes beyond ASCII", trailers(b"A: \xff\xfe\r\n\r\n"), POSTED),
    Forwarded("no blank after the colon", trailers(b"A:b\r\n\r\n"), POSTED),
    Forwarded(
        "as long as they may be", trailers(b"A: " + b"b" * (MAX_TRAILER_BYTES - 20) + b"\r\n\r\n"), POSTED
    ),
    Forwarded("many", trailers(b"A: b\r\n" * 500 + b"\r\n"), POSTED),
    Forwarded("empty body", trailers(b"A: b\r\n\r\n").replace(b"5\r\nhello\r\n", b""), [("POST", "/", b"")]),
    Forwarded(
        "a request behind them", trailers(b"A: b\r\n\r\n") + GET + b"\r\n", [*POSTED, ("GET", "/", b"")]
    ),
    dropped("framing", b"Content-Length: 7", b"Transfer-Encoding: chunked"),
    dropped("host", b"Host: y"),
    dropped("routing key", b"X-Routing-Key: evil"),
    dropped("routing key with underscores", b"X_Routing_Key: evil", b"x-routing_key: evil"),
    dropped("framing with underscores", b"Content_Length: 7", b"Transfer_Encoding: chunked"),
    dropped("for one connection", b"Connection: A", b"Keep-Alive: 1", b"TE: trailers", b"Upgrade: x"),
    dropped(
        "where it came from",
        b"X-Forwarded-For: 192.0.2.1",
        b"Forwarded: for=a",
        b"X-Forwarded-Proto: https",
        b"Via: 1.1 a",
    ),
    Forwarded(
        "dropped: named by Connection",
        trailers(b"First: 1\r\nA: b\r\nLast: 2\r\n\r\n").replace(b"Host: x", b"Host: x\r\nConnection: a", 1),
        POSTED,
        gone_trailers=["a"],
    ),
    dropped("request ID", b"X-Request-ID: evil"),
    dropped("credentials", b"Authorization: Basic YTpi", b"Cookie: a=b", b"Proxy-Authorization: Basic YTpi"),
    dropped(
        "how the content is read",
        b"Content-Type: a/b",
        b"Content-Encoding: gzip",
        b"Content-Range: bytes 0-1/2",
    ),
    dropped("how the request is read", b"Expect: 100-continue", b"Cache-Control: no-cache"),
]
