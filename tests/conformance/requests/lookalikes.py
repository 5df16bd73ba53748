"""Names that CGI and WSGI cannot tell from those that the router has checked: such fields are dropped."""

from tests.conformance.requests.making import CHUNKED, HELLO, POST, POSTED, fields, length
from tests.conformance.rows import Forwarded


def dropped(name: str, *lines: bytes, match: str | None = None) -> Forwarded:
    """Make a row for fields that do not arrive, between others that do."""
    names = [line.partition(b":")[0].decode().lower() for line in lines]
    gone = [each for each in names if "_" in each]
    return Forwarded(name, fields(b"First: 1", *lines, b"Last: 2"), gone=gone, match=match)


ROWS = [
    dropped("routing key", b"X_Routing_Key: acme", match="missing"),
    dropped("routing key, the first hyphen", b"x_routing-key: acme", match="missing"),
    dropped("routing key, the second hyphen", b"X-Routing_Key: acme", match="missing"),
    dropped("routing key beside the real one", b"X-Routing-Key: acme", b"X_ROUTING_KEY: b", match="exact"),
    dropped(
        "known routing key beside an unknown one",
        b"X_Routing_Key: acme",
        b"x-routing-key: b",
        match="default",
    ),
    dropped("length", b"Content_Length: 5"),
    dropped("coding", b"Transfer_Encoding: chunked"),
    dropped("forwarded for", b"X_Forwarded-For: 192.0.2.1"),
    dropped("forwarded scheme", b"X-Forwarded_Proto: https"),
    dropped("forwarded host", b"X_Forwarded_Host: y"),
    dropped("forwarded port", b"X_Forwarded_Port: 1"),
    dropped("request ID", b"X_Request_ID: evil"),
    dropped("keep-alive", b"Keep_Alive: timeout=5"),
    dropped("connection to a proxy", b"Proxy_Connection: close"),
    dropped("credentials for a proxy", b"Proxy_Authorization: Basic YTpi"),
    Forwarded(
        "coding beside a length", length(b" 5\r\nTransfer_Encoding: chunked"), POSTED, ["transfer_encoding"]
    ),
    Forwarded(
        "length beside a coding",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent_Length: 4\r\n\r\n") + HELLO,
        POSTED,
        ["content_length"],
    ),
    Forwarded(
        "length beside another length",
        POST + b"Content_Length: 0\r\nContent-Length: 5\r\n\r\nhello",
        POSTED,
        ["content_length"],
    ),
    Forwarded(
        "underscores elsewhere are kept",
        fields(b"My_Field: a", b"_: b", b"X_Routing_Key_: c", b"Content__Length: 5"),
    ),
]
