"""Connection, and the other fields for one connection only (CVE-2022-31813)."""

from tests.conformance.requests.making import CHUNKED, GET, HELLO, POSTED, as_1_0, fields, posted
from tests.conformance.rows import BOTH, RAW, Forwarded, Refused


def named(
    name: str, connection: bytes, *lines: bytes, gone: tuple[str, ...] = (), **options: object
) -> Forwarded:
    """Make a row for fields that Connection names, between others that arrive."""
    return Forwarded(
        name, fields(b"First: 1", *lines, b"Connection: " + connection, b"Last: 2"), gone=gone, **options
    )


ROWS = [
    *(
        Refused(f"names {name.decode()}", fields(b"Connection: " + name), closes=None, doors=BOTH)
        for name in (
            b"host",
            b"Content-Length",
            b"x-routing-key",
            b"X-Forwarded-For",
            b"x-forwarded-proto",
            b"X-Forwarded-Host",
            b"x-forwarded-port",
            b"Forwarded",
            b"Via",
            b"X-Request-ID",
            b"close, X-ROUTING-KEY",
            b"a,,\tx-routing-key ,b",
            b"close\r\nConnection: x-routing-key",
        )
    ),
    Refused(
        "names the routing key that is there",
        fields(b"X-Routing-Key: acme", b"Connection: X-Routing-Key"),
        closes=None,
        doors=BOTH,
    ),
    Refused(
        "names the length that is there",
        posted(b"Connection: keep-alive, content-length"),
        closes=None,
        doors=BOTH,
    ),
    Refused(
        "names the routing key in a second field",
        fields(b"Connection: a", b"A: b", b"connection:x-routing-key"),
        closes=None,
        doors=BOTH,
    ),
    Refused("names the host in 1.0", as_1_0(fields(b"Connection: Host")), closes=None),
    named("names a field", b"A", b"A: b", gone=("a",)),
    named("names a repeated field in another case", b"x-a", b"X-A: b", b"X-a: c", gone=("x-a",)),
    named("names several", b"a , ,\tb", b"A: 1", b"B: 2", gone=("a", "b")),
    named("names a field that is not there", b"A"),
    named("names only what begins alike", b"A", b"AB: c", b"A-: c"),
    named("names in quotes nothing", b'"a"', b"A: b"),
    named("names a look-alike of the routing key", b"X_Routing_Key", b"X-Routing-Key: acme", match="exact"),
    named(
        "names Cookie and Authorization",
        b"Cookie, Authorization",
        b"Cookie: a",
        b"Authorization: b",
        gone=("cookie", "authorization"),
    ),
    named("names itself", b"Connection"),
    Forwarded(
        "names in two fields", fields(b"Connection: a", b"A: 1", b"B: 2", b"CONNECTION: b"), gone=("a", "b")
    ),
    Forwarded(
        "names the coding, which counts all the same",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: Transfer-Encoding\r\n\r\n") + HELLO,
        POSTED,
    ),
    Forwarded("empty", fields(b"Connection:")),
    Forwarded("commas only", fields(b"Connection: ,,")),
    Forwarded("a token nobody knows", fields(b"Connection: closed")),
    Forwarded("close in another word", fields(b"Connection: not-close, close;q=0")),
    Forwarded("close", fields(b"Connection: close"), closes=True),
    Forwarded("CLOSE", fields(b"Connection: CLOSE"), closes=True),
    Forwarded("close among others", fields(b"Connection: a, close"), closes=True, doors=RAW),
    Forwarded("close wins over keep-alive", fields(b"Connection: keep-alive, close"), closes=True, doors=RAW),
    Forwarded(
        "close in a second field",
        fields(b"Connection: keep-alive", b"Connection: close"),
        closes=True,
        doors=RAW,
    ),
    Forwarded("keep-alive", fields(b"Connection: Keep-Alive")),
    Forwarded("keep-alive in 1.0", as_1_0(fields(b"Connection: keep-alive")), doors=RAW),
    Forwarded(
        "a field named by a 1.0 client", as_1_0(fields(b"Connection: a", b"A: b")), gone=("a",), closes=True
    ),
    Forwarded("Keep-Alive", fields(b"Keep-Alive: timeout=1", b"A: b")),
    Forwarded("Proxy-Connection does not close", fields(b"Proxy-Connection: close", b"A: b")),
    Forwarded("TE", fields(b"TE: trailers, gzip", b"A: b")),
    Forwarded("TE named", fields(b"Connection: TE", b"TE: trailers")),
    Forwarded(
        "credentials for a proxy", fields(b"Proxy-Authorization: Basic YTpi", b"Proxy-Authenticate: Basic")
    ),
    Forwarded("nothing after a request to close", fields(b"Connection: Close") + GET + b"\r\n", closes=True),
    Forwarded(
        "nothing after a body and a request to close",
        posted(b"Connection: close") + b"junk\r\n\r\n",
        POSTED,
        closes=True,
        doors=RAW,
    ),
]
