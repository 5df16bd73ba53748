"""Limits on heads: the longest that is allowed arrives whole, one byte or field more is refused."""

from tests.conformance.requests.making import GET, fields, line
from tests.conformance.rows import BOTH, RAW, Forwarded, Refused

MAX_TARGET_BYTES = 8192
MAX_HEAD_BYTES = 32768
MAX_FIELDS = 100


def target(size: int) -> bytes:
    """Make a GET with a target of so many bytes."""
    return line(b"GET /" + b"t" * (size - 1) + b" HTTP/1.1")


def head(size: int) -> bytes:
    """Make a GET with a head of so many bytes, in few fields."""
    raw = GET + b"".join(b"A%d: %b\r\n" % (number, b"v" * 5000) for number in range((size - 100) // 5010))
    return raw + b"Rest: " + b"v" * (size - len(raw) - 10) + b"\r\n\r\n"


def with_fields(count: int) -> bytes:
    """Make a GET with so many fields, Host included."""
    return fields(*(b"F%d: v" % number for number in range(count - 1)))


ROWS = [
    Forwarded("longest target", target(MAX_TARGET_BYTES), [("GET", "/" + "t" * (MAX_TARGET_BYTES - 1), b"")]),
    Refused("target over the limit", target(MAX_TARGET_BYTES + 1), 414, closes=None, doors=BOTH),
    Refused(
        "query over the limit", line(b"GET /?" + b"q" * MAX_TARGET_BYTES + b" HTTP/1.1"), 414, closes=None
    ),
    Refused("endless target", b"GET /" + b"t" * 100_000, 414),
    Forwarded("longest head", head(MAX_HEAD_BYTES), doors=RAW),
    Refused("head over the limit", head(MAX_HEAD_BYTES + 1), 431),
    Refused("endless value", GET + b"A: " + b"v" * 100_000, 431),
    Refused("endless name", GET + b"n" * 100_000, 431),
    Refused("endless fields", GET + b"A: b\r\n" * 10_000, 431),
    Forwarded("most fields", with_fields(MAX_FIELDS)),
    Refused("too many fields", with_fields(MAX_FIELDS + 1), 431, closes=None, doors=BOTH),
    Refused(
        "too many fields that would be dropped", fields(*[b"X_Routing_Key: a"] * MAX_FIELDS), 431, closes=None
    ),
    Forwarded("one field as often as fields may be", fields(*[b"A: b"] * (MAX_FIELDS - 1))),
    Forwarded("long value", fields(b"A: " + b"v" * 8000)),
    Forwarded("long name", fields(b"n" * 8000 + b": v")),
]
