"""Bytes after the end of a response: nobody gets them, and the connection is given up."""

from tests.conformance.responses.making import CHUNKED, OK, POISON, SOUND, interim
from tests.conformance.rows import Passed

EMPTY = OK + b"Content-Length: 0\r\n\r\n"
LAST = b"2\r\nok\r\n0\r\n\r\n"


def excess(
    name: str, raw: bytes, body: bytes = b"ok", status: int = 200, method: str = "GET", **options: object
) -> Passed:
    """Make a row for a response with something behind it."""
    return Passed(name, raw, body, status, method=method, reused=False, **options)


ROWS = [
    excess("more than the length", SOUND + b"EXTRA"),
    excess("one byte more", SOUND + b"!"),
    excess("an empty line", SOUND + b"\r\n"),
    excess("a NUL", SOUND + b"\0"),
    excess("another response after the length", SOUND + POISON),
    excess("half of another response", SOUND + POISON[:20]),
    excess("two other responses", SOUND + POISON * 2),
    excess("a 1xx", SOUND + interim(b"103 Early")),
    excess("a time-out of the cell", SOUND + b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
    excess("chunks after the length", SOUND + LAST),
    excess("more than a length of 0", EMPTY + b"ok", b""),
    excess("another response after length 0", EMPTY + POISON, b""),
    excess("another response after the last chunk", CHUNKED + LAST + POISON),
    excess("an empty line after the last chunk", CHUNKED + LAST + b"\r\n"),
    excess("another last chunk", CHUNKED + LAST + b"0\r\n\r\n"),
    excess("another response after trailers", CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\n\r\n" + POISON),
    excess("another response after 204", b"HTTP/1.1 204 N\r\n\r\n" + POISON, b"", 204, or_refused=True),
    excess("another response after 304", b"HTTP/1.1 304 N\r\n\r\n" + POISON, b"", 304, or_refused=True),
    excess("another response after HEAD", SOUND[:-2] + POISON, b"", method="HEAD", or_refused=True),
    excess("another response after 1xx and final", interim(b"103 E") + SOUND + POISON),
    excess("more than the length, for a 1.0 client", SOUND + POISON, version="1.0"),
    excess("more than the length, of a 1.0 cell", SOUND.replace(b"1.1", b"1.0") + POISON),
    excess("more than fits into one read", SOUND + POISON * 5000),
]
