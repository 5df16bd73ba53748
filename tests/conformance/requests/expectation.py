"""Expect: only 100-continue, for a body that follows."""

from tests.conformance.requests.making import CHUNKED, HELLO, POSTED, as_1_0, fields, posted
from tests.conformance.rows import BOTH, RAW, Forwarded, Refused

EXPECTED = {"Expect": "100-continue"}

ROWS = [
    *(
        Refused(name, fields(b"Expect:" + value), 417, closes=None, doors=BOTH)
        for name, value in (
            ("another", b" 200-ok"),
            ("two in a list", b" 100-continue, x"),
            ("with a parameter", b" 100-continue;a=b"),
            ("with a value", b" 100-continue=yes"),
            ("in quotes", b' "100-continue"'),
            ("only its number", b" 100"),
            ("empty", b""),
        )
    ),
    Refused(
        "another in a second field",
        fields(b"Expect: 100-continue", b"Expect: x"),
        417,
        closes=None,
        doors=BOTH,
    ),
    Refused("another, with a body that is not waited for", posted(b"Expect: x"), 417),
    Refused("another, in 1.0", as_1_0(fields(b"Expect: x")), 417, closes=None),
    Refused("vertical tab after it", posted(b"Expect: 100-continue\x0b")),
    Refused("length and coding behind it", posted(b"Expect: 100-continue", b"Transfer-Encoding: chunked")),
    Forwarded("with a body of a length", posted(b"Expect: 100-continue"), POSTED, own=EXPECTED, doors=RAW),
    Forwarded(
        "with a chunked body",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + HELLO,
        POSTED,
        own=EXPECTED,
        doors=RAW,
    ),
    Forwarded("in another case", posted(b"expect: 100-CONTINUE"), POSTED, own=EXPECTED, doors=RAW),
    Forwarded(
        "twice", posted(b"Expect: 100-continue", b"Expect: 100-continue"), POSTED, own=EXPECTED, doors=RAW
    ),
    Forwarded(
        "met by the cell",
        posted(b"Expect: 100-continue"),
        POSTED,
        own=EXPECTED,
        answers=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        doors=RAW,
    ),
    Forwarded("without a body", fields(b"Expect: 100-continue")),
    Forwarded("of a body without a byte", fields(b"Expect: 100-continue", b"Content-Length: 0")),
    Forwarded("in 1.0", as_1_0(posted(b"Expect: 100-continue")), POSTED, closes=True, doors=RAW),
]
