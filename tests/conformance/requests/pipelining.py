"""Requests in a row: answered in order, and none where another parser would see another."""

from tests.conformance.requests.making import (
    CHUNKED,
    GET,
    HELLO,
    SMUGGLED,
    as_1_0,
    fields,
    length,
    line,
    trailers,
)
from tests.conformance.rows import RAW, Forwarded

FIRST = GET + b"\r\n"
SEEN = ("GET", "/", b"")
POSTED = ("POST", "/", b"hello")


def numbered(count: int) -> bytes:
    """Make so many requests, each with a target of its own."""
    return b"".join(line(b"GET /%d HTTP/1.1" % number) for number in range(count))


ROWS = [
    Forwarded(
        "every framing",
        length(b" 5") + CHUNKED + HELLO + line(b"GET /3 HTTP/1.1") + line(b"HEAD /4 HTTP/1.1"),
        [POSTED, POSTED, ("GET", "/3", b""), ("HEAD", "/4", b"")],
    ),
    Forwarded("fifty", numbered(50), [("GET", f"/{number}", b"") for number in range(50)]),
    Forwarded(
        "HEAD first",
        line(b"HEAD /1 HTTP/1.1") + line(b"GET /2 HTTP/1.1"),
        [("HEAD", "/1", b""), ("GET", "/2", b"")],
    ),
    Forwarded(
        "trailers first", trailers(b"A: b\r\n\r\n") + line(b"GET /2 HTTP/1.1"), [POSTED, ("GET", "/2", b"")]
    ),
    Forwarded(
        "keys that differ",
        fields(b"X-Routing-Key: acme") + fields(b"X-Routing-Key: b") + FIRST,
        [SEEN, SEEN, SEEN],
    ),
    Forwarded(
        "a GET with a body first",
        length(b" 5").replace(b"POST", b"GET") + FIRST,
        [("GET", "/", b"hello"), SEEN],
    ),
    Forwarded("an empty line between", FIRST + b"\r\n" + FIRST, [SEEN, SEEN]),
    Forwarded(
        "an empty line after a body",
        length(b" 5") + b"\r\n" + line(b"GET /2 HTTP/1.1"),
        [POSTED, ("GET", "/2", b"")],
    ),
    Forwarded(
        "an empty line after chunks",
        CHUNKED + HELLO + b"\r\n" + line(b"GET /2 HTTP/1.1"),
        [POSTED, ("GET", "/2", b"")],
    ),
    Forwarded("an empty line at the end", FIRST + b"\r\n", doors=RAW),
    *(
        Forwarded(f"then {name}", FIRST + raw + SMUGGLED, then=status, doors=RAW)
        for name, raw, status in (
            ("two empty lines", b"\r\n\r\n", 400),
            ("a bare LF", b"\n", 400),
            ("a blank", b" ", 400),
            ("a NUL", b"\0", 400),
            ("a body that nothing announced", b"hello ", 400),
            ("chunks that nothing announced", HELLO, 400),
            ("a field", b"X-Routing-Key: acme\r\n\r\n", 400),
            ("a request of 0.9", b"GET /\r\n", 400),
            ("a request of bare LF", b"GET / HTTP/1.1\nHost: x\n\n", 400),
            ("two lengths", length(b" 5", b" 6"), 400),
            ("two keys", length(b" 5\r\nX-Routing-Key: a\r\nX-Routing-Key: b"), 400),
            ("length and coding", length(b" 15\r\nTransfer-Encoding: chunked") + HELLO, 400),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
            ("a head over the limit", GET + b"A: " + b"v" * 40_000 + b"\r\n\r\n", 431),
            ("a target over the limit", b"GET /" + b"t" * 20_000 + b" HTTP/1.1\r\n\r\n", 414),
        )
    ),
    Forwarded(
        "then close, and nothing behind it",
        FIRST + fields(b"Connection: close") + FIRST,
        [SEEN, SEEN],
        closes=True,
    ),
    Forwarded("then 1.0, and nothing behind it", FIRST + as_1_0(FIRST) + FIRST, [SEEN, SEEN], closes=True),
    Forwarded(
        "1.0 that stays open, then 1.1",
        as_1_0(fields(b"Connection: keep-alive")) + FIRST,
        [SEEN, SEEN],
        doors=RAW,
    ),
    Forwarded(
        "a body that ends in the middle of a line of the next",
        length(b" 7") + b"\r\n" + FIRST,
        [("POST", "/", b"hello\r\n"), SEEN],
    ),
    Forwarded(
        "a CR as the last byte of a body",
        length(b" 6") + b"\r\n" + FIRST,
        [("POST", "/", b"hello\r")],
        then=400,
        doors=RAW,
    ),
]
