"""Connection, and the other fields for one connection only."""

from tests.conformance.responses.making import CHUNKED, OK, SOUND, fields
from tests.conformance.rows import CLOSE, Broken, Passed

OLD = SOUND.replace(b"HTTP/1.1", b"HTTP/1.0")

ROWS = [
    Broken("names the length", fields(b"Connection: Content-Length")),
    Broken(
        "names the length, which is not there",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: content-length\r\n\r\n") + b"0\r\n\r\n",
    ),
    Broken(
        "names the length among others",
        fields(b"Connection: keep-alive", b"A: b", b"connection: a,,\tCONTENT-LENGTH"),
    ),
    Passed("names a field", fields(b"A: 1", b"Connection: a", b"B: 2"), gone=["a"], reused=True),
    Passed(
        "names several in two fields",
        fields(b"Connection: a , ,b", b"A: 1", b"B: 2", b"CONNECTION: c", b"C: 3", b"D: 4"),
        gone=["a", "b", "c"],
        reused=True,
    ),
    Passed("names a field that is not there", fields(b"Connection: a"), reused=True),
    Passed("names only what begins alike", fields(b"Connection: a", b"AB: c"), reused=True),
    Passed(
        "names Set-Cookie",
        fields(b"Connection: set-cookie", b"Set-Cookie: a=b", b"Set-Cookie: c=d"),
        gone=["set-cookie"],
        reused=True,
    ),
    Passed("names what the router writes", fields(b"Connection: X-Routed-To, X-Request-ID"), reused=True),
    Passed(
        "names the coding, which counts all the same",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: transfer-encoding\r\n\r\n") + b"2\r\nok\r\n0\r\n\r\n",
        reused=True,
    ),
    Passed("close", fields(b"Connection: close"), reused=False),
    Passed("CLOSE among others", fields(b"Connection: a, CLOSE"), reused=False),
    Passed("close wins over keep-alive", fields(b"Connection: close, keep-alive"), reused=False),
    Passed("close in a second field", fields(b"Connection: keep-alive", b"Connection: close"), reused=False),
    Passed("a token that only looks like close", fields(b"Connection: closed, not-close"), reused=True),
    Passed("empty", fields(b"Connection:"), reused=True),
    Passed("ends without saying so", SOUND, then=CLOSE, reused=False),
    Passed("1.0", OLD, then=CLOSE, reused=False),
    Passed("1.0 that stays open", OLD, reused=False),
    Passed(
        "1.0 that stays open and says so",
        OLD.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"),
        reused=True,
    ),
    Passed("1.0 until the close", b"HTTP/1.0 200 OK\r\n\r\nok", then=CLOSE, reused=False),
    Passed("Keep-Alive", fields(b"Keep-Alive: timeout=1", b"A: b"), reused=True),
    Passed("Proxy-Connection does not close", fields(b"Proxy-Connection: close", b"A: b"), reused=True),
    Passed("TE and Upgrade", fields(b"TE: trailers", b"Upgrade: h2c", b"A: b"), reused=True),
    Passed(
        "credentials for a proxy",
        OK.replace(b"200 OK", b"407 P")
        + b"Proxy-Authenticate: Basic\r\nProxy-Authorization: a\r\nContent-Length: 2\r\n\r\nok",
        status=407,
        reused=True,
    ),
]
