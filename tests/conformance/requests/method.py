"""Methods: any token but the two that are for one connection only."""

from tests.conformance.requests.making import CHUNKED, HELLO, length, line
from tests.conformance.rows import BOTH, RAW, Forwarded, Refused


def bodiless(method: str) -> Forwarded:
    """Make a row for a method without a body."""
    return Forwarded(method, line(method.encode() + b" / HTTP/1.1"), [(method, "/", b"")])


def unknown(name: str, method: bytes) -> Forwarded:
    """Make a row for a method that is on no list."""
    return Forwarded(name, line(method + b" / HTTP/1.1"), [(method.decode(), "/", b"")])


ROWS = [
    *map(bodiless, ("GET", "HEAD", "OPTIONS", "DELETE")),
    *(
        Forwarded(
            f"{method} with a body",
            length(b" 5").replace(b"POST", method.encode(), 1),
            [(method, "/", b"hello")],
        )
        for method in ("GET", "PUT", "PATCH", "OPTIONS", "PROPFIND")
    ),
    # RFC 9110 section 9.3.2: the request may have content, the answer has not.
    Forwarded("HEAD with a body", length(b" 5").replace(b"POST", b"HEAD", 1), [("HEAD", "/", b"hello")]),
    Forwarded("POST without length or coding", line(b"POST / HTTP/1.1"), [("POST", "/", b"")]),
    Forwarded(
        "DELETE with a chunked body",
        (CHUNKED + HELLO).replace(b"POST", b"DELETE"),
        [("DELETE", "/", b"hello")],
    ),
    bodiless("MKCOL"),
    bodiless("M-SEARCH"),
    unknown("unknown", b"BREW"),
    unknown("small letters", b"get"),
    # An answer to it has a body: only HEAD in capitals has none.
    unknown("HEAD in small letters", b"head"),
    unknown("every character of a token", b"!#$%&'*+-.^_`|~09azAZ"),
    unknown("begins like a known one", b"GETS"),
    unknown("of 300 letters", b"B" * 300),
    Forwarded("PRI of 1.1", line(b"PRI / HTTP/1.1"), [("PRI", "/", b"")]),
    *(
        Refused(name, line(raw + b" / HTTP/1.1"))
        for name, raw in (
            ("parenthesis", b"GE(T"),
            ("colon", b"GET:"),
            ("comma", b"GET,POST"),
            ("slash", b"GET/"),
            ("quotes", b'"GET"'),
            ("braces", b"{GET}"),
            ("NUL", b"GE\0T"),
            ("DEL", b"GET\x7f"),
            ("letters beyond ASCII", b"G\xc3\x8bT"),
        )
    ),
    Refused("CONNECT", line(b"CONNECT x:443 HTTP/1.1"), 405, closes=None),
    Refused("CONNECT of a path", line(b"CONNECT / HTTP/1.1"), 405, closes=None, doors=RAW),
    Refused("TRACE", line(b"TRACE / HTTP/1.1"), 405, closes=None, doors=BOTH),
    Refused("TRACE with a body", length(b" 5").replace(b"POST", b"TRACE", 1), 405, closes=None),
]
