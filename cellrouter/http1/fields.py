"""Which header fields mean something to a proxy, and what is done with them."""

from collections.abc import Set

from cellrouter.http1.grammar import FIELD

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields for one connection only (RFC 9110 section 7.6.1)."""

EXPLAIN = frozenset({b"x-routed-to", b"x-route-reason", b"x-route-match", b"x-request-id"})
"""Fields of a response that only the router sets."""

FORWARDED = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"}
)
"""Fields of a request by which proxies tell where it came from."""

ALONE = {b"keep-alive": True, b"Keep-Alive": True, b"close": False, b"Close": False}
"""The values that ``Connection`` nearly always has, and whether the connection can be used again."""

NEVER_NAMED = frozenset({b"host", b"content-length", b"x-routing-key", b"via", b"x-request-id"}) | FORWARDED
"""Fields that a ``Connection`` field must not name: without them a request would mean something else."""

NEVER_TRAILERS = (
    HOP_BY_HOP
    | EXPLAIN
    | NEVER_NAMED
    | {
        b"authorization",
        b"cache-control",
        b"content-encoding",
        b"content-range",
        b"content-type",
        b"cookie",
        b"expect",
        b"set-cookie",
        b"trailer",
    }
)
"""Fields that a message must not end with (RFC 9110 section 6.5.1): who reads them late has acted already."""


def split(line: bytes) -> tuple[bytes, bytes] | None:
    """Split a field line (RFC 9112 section 5).

    :param line: without its end.
    :returns: the name and the value without the blanks around it, or None if it is malformed.
    """
    matched = FIELD.fullmatch(line)
    return None if matched is None else (matched[1], matched[2].strip(b" \t"))


def tokens(value: bytes) -> list[bytes]:
    """Split a field's value at its commas (RFC 9110 section 5.6.1); in lower case, without empty elements."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]


def without(lines: list[bytes], names: Set[bytes]) -> list[bytes]:
    """Leave out fields.

    :param lines: fields, each ``Name: value``.
    :param names: in lower case.
    :returns: the others.
    """
    return [line for line in lines if line.partition(b":")[0].lower() not in names]
