"""Makes requests out of their odd parts."""

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
POSTED = (("POST", "/", b"hello"),)


def line(request_line: bytes) -> bytes:
    """Make a request with this first line."""
    return request_line + b"\r\nHost: x\r\n\r\n"


def fields(*lines: bytes) -> bytes:
    """Make a GET with these fields after Host."""
    return GET + b"".join(each + b"\r\n" for each in lines) + b"\r\n"


def posted(*lines: bytes) -> bytes:
    """Make a POST of a length with these fields after Host."""
    return POST + b"".join(each + b"\r\n" for each in lines) + b"Content-Length: 5\r\n\r\nhello"


def host(*values: bytes) -> bytes:
    """Make a GET with these Host fields."""
    return b"GET / HTTP/1.1\r\n" + b"".join(b"Host:%b\r\n" % value for value in values) + b"\r\n"


def length(*values: bytes) -> bytes:
    """Make a request with these values of Content-Length, one field each."""
    return POST + b"".join(b"Content-Length:%b\r\n" % value for value in values) + b"\r\nhello"


def coding(*values: bytes) -> bytes:
    """Make a request with these values of Transfer-Encoding, one field each."""
    return POST + b"".join(b"Transfer-Encoding:%b\r\n" % value for value in values) + b"\r\n" + HELLO


def trailers(raw: bytes) -> bytes:
    """Make a request with a chunked body and this after its last chunk's line."""
    return CHUNKED + b"5\r\nhello\r\n0\r\n" + raw


def as_1_0(raw: bytes) -> bytes:
    """Make it a request of HTTP/1.0."""
    return raw.replace(b"HTTP/1.1", b"HTTP/1.0")
