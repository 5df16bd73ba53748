"""Response splitting: a client's words come back in a cell's fields, or in the router's, in one message."""

from tests.conformance.responses.making import OK, POISON, fields
from tests.conformance.rows import CLOSE, RAW, Broken, Passed

EVIL = b"X-Routed-To: http://evil"


def location(value: bytes, rest: bytes = b"Content-Length: 2\r\n\r\nok") -> bytes:
    """Make a redirect with this value."""
    return b"HTTP/1.1 302 Found\r\nLocation: " + value + b"\r\n" + rest


def echoed(name: str, request_id: bytes, value: str | None) -> Passed:
    """Make a row for a request ID that the router sends back, or replaces when the value is None."""
    own = {} if value is None else {"X-Request-ID": value}
    return Passed(
        f"request ID with {name}",
        fields(),
        own=own,
        asked=b"X-Request-ID: " + request_id + b"\r\n",
        reused=True,
    )


ROWS = [
    Broken("bare CR in a value", location(b"/a\rSet-Cookie: b=c")),
    Broken("bare LF in a value", location(b"/a\nSet-Cookie: b=c")),
    Broken("two bare LF in a value", location(b"/a\n\n<html>")),
    Broken("two bare CR in a value", location(b"/a\r\r<html>")),
    Broken("bare LF and a whole response in a value", location(b"/a\n\n" + POISON.replace(b"\r\n", b"\n"))),
    Broken("CR LF and a blank in a value", location(b"/a\r\n Set-Cookie: b=c")),
    Broken("CR LF and a second length in a value", location(b"/a\r\nContent-Length: 0")),
    Broken("CR LF and a coding in a value", location(b"/a\r\nTransfer-Encoding: chunked")),
    Broken("CR LF and no colon in a value", location(b"/a\r\nSet-Cookie")),
    Broken("NUL before CR LF in a value", location(b"/a\0\r\nA: b")),
    # Nobody but the cell can tell that it did not mean this field; it is one message all the same.
    Passed("CR LF and another field in a value", location(b"/a\r\nSet-Cookie: b=c"), status=302, reused=True),
    Passed(
        "CR LF and one of the router's fields in a value",
        location(b"/a\r\n" + EVIL),
        status=302,
        gone=["x-routed-to"],
        reused=True,
    ),
    Passed(
        "the end of the head in a value",
        location(b"/a\r\n\r\n<html>"),
        b"<html>\r\nContent-Length: 2\r\n\r\nok",
        302,
        then=CLOSE,
        reused=False,
    ),
    Passed(
        "a length of 0 and a response in a value",
        location(b"/a\r\nContent-Length: 0\r\n\r\n" + POISON),
        b"",
        302,
        reused=False,
    ),
    Passed(
        "a last chunk and a response in a value",
        location(b"/a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + POISON),
        b"",
        302,
        reused=False,
    ),
    Passed(
        "a response in a value, without a length",
        location(b"/a\r\n\r\n" + POISON, b""),
        POISON + b"\r\n",
        302,
        then=CLOSE,
        reused=False,
    ),
    Passed(
        "encoded line ends in a value",
        location(b"/a%0d%0aSet-Cookie:%20b=c%0D%0A%0D%0A"),
        status=302,
        reused=True,
    ),
    Passed(
        "line ends of other alphabets in a value",
        location("/a\u560d\u560a\u2028\u0085".encode() + b"\x85"),
        status=302,
        reused=True,
        doors=RAW,
    ),
    Passed("backslashes in a value", location(b"/a\\r\\nSet-Cookie: b"), status=302, reused=True),
    Passed(
        "the router's fields, all of them twice",
        fields(
            EVIL,
            b"x-routed-to: a",
            b"X-Route-Reason: b",
            b"X-ROUTE-MATCH: c",
            b"X-Request-ID: d",
            b"x-request-id: e",
        ),
        gone=["x-routed-to", "x-route-reason", "x-route-match", "x-request-id"],
        reused=True,
    ),
    echoed("encoded line ends", b"a%0d%0aSet-Cookie:%20b", "a%0d%0aSet-Cookie:%20b"),
    echoed("quotes and backslashes", b'a"\\r\\n', 'a"\\r\\n'),
    echoed("a semicolon and a comma", b"a;b,c", "a;b,c"),
    echoed("a blank", b"a Set-Cookie:b", None),
    echoed("a tab", b"a\tb", None),
    echoed("a next line of ISO 8859-1", b"a\x85Set-Cookie:b", None),
    echoed("other letters whose low bytes are a line end", "a\u560d\u560aSet-Cookie:b".encode(), None),
    echoed("too many characters", b"i" * 129, None),
    Broken(
        "request ID in a failure", OK + b"A : b\r\n\r\n", asked=b'X-Request-ID: a","status":200,"b":"\r\n'
    ),
]
