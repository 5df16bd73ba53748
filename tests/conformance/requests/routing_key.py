"""X-Routing-Key: a request belongs to one tenant, and router and cell agree to whom."""

from tests.conformance.requests.making import CHUNKED, GET, HELLO, POSTED, as_1_0, fields
from tests.conformance.rows import BOTH, Forwarded, Refused

KEY = b"X-Routing-Key: acme"


def routed(name: str, *lines: bytes, match: str = "default") -> Forwarded:
    """Make a row for fields that arrive, and say by what they were routed."""
    return Forwarded(name, fields(*lines), match=match)


ROWS = [
    *(
        Refused(name, fields(*lines), closes=None, doors=BOTH)
        for name, lines in (
            ("twice", (KEY, KEY)),
            ("two that differ", (KEY, b"x-routing-key: b")),
            ("two with a field between", (KEY, b"A: b", b"X-ROUTING-KEY: b")),
            ("two, the second empty", (KEY, b"x-routing-key:")),
            ("two, the first empty", (b"x-routing-key:", KEY)),
            ("two empty ones", (b"X-Routing-Key:", b"X-Routing-Key:")),
            ("joined", (b"X-Routing-Key: acme, b",)),
            ("joined without a blank", (b"X-Routing-Key: acme,b",)),
            ("comma after it", (b"X-Routing-Key: acme,",)),
            ("comma before it", (b"X-Routing-Key: ,acme",)),
            ("comma alone", (b"X-Routing-Key: ,",)),
            ("comma in quotes", (b'X-Routing-Key: "acme,b"',)),
        )
    ),
    Refused("blank before the colon", fields(b"X-Routing-Key : acme")),
    Refused("NUL in it", fields(b"X-Routing-Key: acme\0b")),
    Refused("vertical tab after it", fields(b"X-Routing-Key: acme\x0b")),
    Refused("folded", fields(KEY, b" b")),
    Refused("bare LF and another", fields(KEY + b"\nX-Routing-Key: b")),
    Refused("bare CR and another", fields(KEY + b"\rX-Routing-Key: b")),
    routed("known", KEY, match="exact"),
    routed("known, in a field of another case", b"x-rOuTiNg-KeY:acme", match="exact"),
    routed("known, with blanks around", b"X-Routing-Key: \t acme \t", match="exact"),
    routed("known, as the last field", b"A: b", b"C: d", KEY, match="exact"),
    routed(
        "known, and a look-alike without meaning", KEY, b"X-Routing-Keys: b", b"Routing-Key: b", match="exact"
    ),
    routed("unknown", b"X-Routing-Key: nobody"),
    routed("none", b"A: b", match="missing"),
    routed("empty", b"X-Routing-Key:"),
    routed("blanks only", b"X-Routing-Key: \t"),
    routed("in capitals", b"X-Routing-Key: ACME"),
    routed("in quotes", b'X-Routing-Key: "acme"'),
    routed("encoded", b"X-Routing-Key: %61cme"),
    routed("with a parameter", b"X-Routing-Key: acme;a=b"),
    routed("blank in it", b"X-Routing-Key: acme b"),
    routed("known after a non-breaking blank", "X-Routing-Key: \u00a0acme".encode()),
    routed("bytes that are no UTF-8", b"X-Routing-Key: \xff\xfe"),
    routed("other letters that look alike", "X-Routing-Key: \u0430cme".encode()),
    routed("long", b"X-Routing-Key: " + b"k" * 5000),
    routed("that looks like a line, encoded", b"X-Routing-Key: acme%0d%0aX-Routing-Key:%20b"),
    routed("that looks like JSON", b'X-Routing-Key: acme"}{"status":200}'),
    Forwarded("in 1.0", as_1_0(fields(KEY)), match="exact", closes=True),
    Forwarded(
        "of a chunked request",
        CHUNKED.replace(b"\r\n\r\n", b"\r\n" + KEY + b"\r\n\r\n") + HELLO,
        POSTED,
        match="exact",
    ),
    Forwarded(
        "in the target and in a cookie",
        GET.replace(b"GET / ", b"GET /?X-Routing-Key=acme ") + b"Cookie: X-Routing-Key=acme\r\n\r\n",
        [("GET", "/?X-Routing-Key=acme", b"")],
        match="missing",
    ),
]
