"""Responses without a body, whatever their fields say."""

from tests.conformance.responses.making import CHUNKED, OK, SOUND
from tests.conformance.rows import CLOSE, Broken, Passed

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\n"
LENGTH = b"Content-Length: 2\r\n\r\n"
CODING = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"2\r\nok\r\n0\r\n\r\n"


def excess(name: str, raw: bytes, status: int, method: str = "GET", gone: tuple[str, ...] = ()) -> Passed:
    """Make a row for a body where none may be: it is not sent on, and the connection is given up."""
    return Passed(name, raw, b"", status, gone=gone, method=method, reused=False, or_refused=True)


ROWS = [
    Passed("204", NO_CONTENT + b"\r\n", b"", 204, reused=True),
    Passed(
        "204 with a length of 0", NO_CONTENT + b"Content-Length: 0\r\n\r\n", b"", 204, gone=["content-length"]
    ),
    excess("204 with a length", NO_CONTENT + LENGTH, 204, gone=("content-length",)),
    excess("204 with a body", NO_CONTENT + LENGTH + b"ok", 204, gone=("content-length",)),
    excess("204 with a coding", NO_CONTENT + CODING, 204),
    excess("204 with chunks", NO_CONTENT + CODING + CHUNKS, 204),
    excess("204 with a body that nothing announced", NO_CONTENT + b"\r\nok", 204),
    Passed("204 for HEAD", NO_CONTENT + b"\r\n", b"", 204, method="HEAD", reused=True),
    Passed("204 for a 1.0 client", NO_CONTENT + b"\r\n", b"", 204, version="1.0"),
    Passed("204 of a 1.0 cell", NO_CONTENT.replace(b"1.1", b"1.0") + b"\r\n", b"", 204, reused=False),
    Broken("204 with two lengths", NO_CONTENT + b"Content-Length: 0\r\n" + LENGTH),
    Broken("204 with length and coding", NO_CONTENT + b"Content-Length: 0\r\n" + CODING),
    Broken("204 with another coding", NO_CONTENT + CODING.replace(b"chunked", b"gzip")),
    Passed("304", NOT_MODIFIED + b"\r\n", b"", 304, reused=True),
    Passed("304 with a length", NOT_MODIFIED + LENGTH, b"", 304, reused=True),
    Passed("304 with a coding", NOT_MODIFIED + CODING, b"", 304, reused=True),
    Passed("304 with fields", NOT_MODIFIED + b'ETag: "a"\r\nVary: b\r\n\r\n', b"", 304, reused=True),
    excess("304 with a body", NOT_MODIFIED + LENGTH + b"ok", 304),
    excess("304 with chunks", NOT_MODIFIED + CODING + CHUNKS, 304),
    Broken("304 with two lengths", NOT_MODIFIED + b"Content-Length: 3\r\n" + LENGTH),
    Broken("304 with length and coding", NOT_MODIFIED + b"Content-Length: 3\r\n" + CODING),
    Broken("304 with a malformed length", NOT_MODIFIED + b"Content-Length: -1\r\n\r\n"),
    Passed("HEAD with a length", OK + b"Content-Length: 5\r\n\r\n", b"", method="HEAD", reused=True),
    Passed(
        "HEAD with a huge length",
        OK + b"Content-Length: 999999999999999999\r\n\r\n",
        b"",
        method="HEAD",
        reused=True,
    ),
    Passed("HEAD with chunked", CHUNKED, b"", method="HEAD", reused=True),
    Passed("HEAD without framing", OK + b"\r\n", b"", method="HEAD"),
    Passed("HEAD without framing, for a 1.0 client", OK + b"\r\n", b"", method="HEAD", version="1.0"),
    Passed(
        "HEAD and a close", OK + b"Content-Length: 5\r\n\r\n", b"", method="HEAD", then=CLOSE, reused=False
    ),
    Passed(
        "HEAD and an error",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n",
        b"",
        404,
        method="HEAD",
        reused=True,
    ),
    excess("HEAD with a body", SOUND, 200, "HEAD"),
    excess("HEAD with chunks", CHUNKED + CHUNKS, 200, "HEAD"),
    Broken("HEAD with two lengths", OK + b"Content-Length: 3\r\n" + LENGTH, method="HEAD"),
    Broken("HEAD with length and coding", OK + b"Content-Length: 3\r\n" + CODING, method="HEAD"),
    Passed(
        "205 with a length of 0", b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", b"", 205, reused=True
    ),
    Passed(
        "201 with a length of 0", b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", b"", 201, reused=True
    ),
]
