"""Makes responses out of their odd parts."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SOUND = OK + b"Content-Length: 2\r\n\r\nok"
POISON = OK + b"Content-Length: 6\r\n\r\npoison"
SECTION_SIZE = "http_response_header_section_size"
INCOMPLETE = "http_response_incomplete"


def length(*values: bytes) -> bytes:
    """Make a response with these values of Content-Length, one field each."""
    return OK + b"".join(b"Content-Length:%b\r\n" % value for value in values) + b"\r\nhello"


def coding(*values: bytes, version: bytes = b"1.1") -> bytes:
    """Make a response with these values of Transfer-Encoding, one field each."""
    lines = b"".join(b"Transfer-Encoding:%b\r\n" % value for value in values)
    return b"HTTP/" + version + b" 200 OK\r\n" + lines + b"\r\n5\r\nhello\r\n0\r\n\r\n"


def status_line(raw: bytes) -> bytes:
    """Make a response with this first line."""
    return raw + b"\r\nContent-Length: 2\r\n\r\nok"


def fields(*lines: bytes) -> bytes:
    """Make a response with these fields."""
    return OK + b"".join(line + b"\r\n" for line in lines) + b"Content-Length: 2\r\n\r\nok"


def trailers(raw: bytes) -> bytes:
    """Make a response with a chunked body and this after its last chunk's line."""
    return CHUNKED + b"2\r\nok\r\n0\r\n" + raw


def interim(status: bytes, *lines: bytes) -> bytes:
    """Make a 1xx response."""
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
