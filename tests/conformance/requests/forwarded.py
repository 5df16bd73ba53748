"""Where a request came from: a believed peer's word is kept and added to, another's is replaced."""

from tests.conformance.requests.making import as_1_0, fields, host
from tests.conformance.rows import RAW, Forwarded, Refused, Values

NOBODY = {"trusted_proxies": ()}


def told(name: str, *lines: bytes, **own: Values) -> Forwarded:
    """Make a row for what a believed peer says."""
    return Forwarded(name, fields(*lines), own=_named(own))


def replaced(name: str, *lines: bytes, **own: Values) -> Forwarded:
    """Make a row for what is not believed."""
    return Forwarded(f"not believed: {name}", fields(*lines), own=_named(own), settings=NOBODY)


def _named(own: dict[str, Values]) -> dict[str, Values]:
    return {name.replace("_", "-"): values for name, values in own.items()}


ROWS = [
    told("an address", b"X-Forwarded-For: 192.0.2.1", X_Forwarded_For="192.0.2.1, 127.0.0.1"),
    told("a chain", b"x-forwarded-for: 192.0.2.1,unknown", X_Forwarded_For="192.0.2.1,unknown, 127.0.0.1"),
    told(
        "two fields of addresses",
        b"X-Forwarded-For: 192.0.2.1",
        b"A: b",
        b"X-FORWARDED-FOR: ::1",
        X_Forwarded_For="192.0.2.1, ::1, 127.0.0.1",
    ),
    told("an empty address", b"X-Forwarded-For:"),
    told("no address at all", b'X-Forwarded-For: "a;b', X_Forwarded_For='"a;b, 127.0.0.1'),
    told("scheme", b"X-Forwarded-Proto: https", X_Forwarded_Proto="https"),
    told("host", b"X-Forwarded-Host: y", X_Forwarded_Host="y"),
    told("port", b"X-Forwarded-Port: 8443", X_Forwarded_Port="8443"),
    told(
        "Forwarded",
        b'Forwarded: for="[::1]";proto=https',
        b"Forwarded: for=b",
        Forwarded=('for="[::1]";proto=https', "for=b"),
    ),
    told(
        "everything",
        b"X-Forwarded-Host: y",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-For: a",
        X_Forwarded_Host="y",
        X_Forwarded_Proto="https",
        X_Forwarded_For="a, 127.0.0.1",
    ),
    told("Via", b"Via: 1.0 a (b)", b"via: 1.1 c", Via=("1.0 a (b)", "1.1 c", "1.1 cellrouter")),
    told("Via of this router", b"Via: 1.1 cellrouter", Via=("1.1 cellrouter", "1.1 cellrouter")),
    told("request ID", b"X-Request-ID: a!~", X_Request_ID="a!~"),
    told("request ID in another case, with blanks around", b"x-request-id:\t a \t", X_Request_ID="a"),
    told("request ID of 128 characters", b"X-Request-ID: " + b"i" * 128, X_Request_ID="i" * 128),
    told(
        "request ID that looks like lines, encoded",
        b"X-Request-ID: a%0d%0aB:%20c",
        X_Request_ID="a%0d%0aB:%20c",
    ),
    told("request ID that looks like JSON", b'X-Request-ID: a","status":"1', X_Request_ID='a","status":"1'),
    told("request ID of 129 characters", b"X-Request-ID: " + b"i" * 129),
    told("request ID with a blank", b"X-Request-ID: a b"),
    told("request ID with a tab", b"X-Request-ID: a\tb"),
    told("request ID with bytes beyond ASCII", b"X-Request-ID: a\xff"),
    told("request ID that is empty", b"X-Request-ID:"),
    told("two request IDs", b"X-Request-ID: a", b"X-Request-ID: a"),
    Forwarded("host with a port", host(b" y:81")),
    Forwarded(
        "1.0", as_1_0(fields(b"X-Forwarded-For: a")), own={"X-Forwarded-For": "a, 127.0.0.1"}, closes=True
    ),
    replaced("address", b"X-Forwarded-For: 192.0.2.1"),
    replaced("two fields of addresses", b"X-Forwarded-For: 192.0.2.1", b"x-forwarded-for: 127.0.0.1"),
    replaced("scheme and host", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: y"),
    replaced("port", b"X-Forwarded-Port: 1"),
    replaced("Forwarded", b"Forwarded: for=a"),
    replaced("request ID", b"X-Request-ID: evil"),
    replaced("address of loopback", b"X-Forwarded-For: 127.0.0.1"),
    replaced("Via, which is nobody's secret", b"Via: 1.1 a", Via=("1.1 a", "1.1 cellrouter")),
    Refused("bare CR in a request ID", fields(b"X-Request-ID: a\rSet-Cookie: b")),
    Refused("bare LF in a request ID", fields(b"X-Request-ID: a\nSet-Cookie: b")),
    Refused("NUL in an address", fields(b"X-Forwarded-For: a\0")),
    Refused("folded host", fields(b"X-Forwarded-Host: y", b" z"), doors=RAW),
]
