"""Upgrade: bytes pass freely only after a cell has agreed to an offer that it got (CVE-2026-2833)."""

from tests.conformance.requests.making import CHUNKED, GET, HELLO, POSTED, SMUGGLED, as_1_0, fields, posted
from tests.conformance.rows import RAW, STOCK, Forwarded, Refused, Switched

OFFER = fields(b"Connection: Upgrade", b"Upgrade: bytes")
OFFERED = {"Connection": "Upgrade", "Upgrade": "bytes"}
SECOND = b"GET /2 HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n"
BOTH_SEEN = (("GET", "/", b""), ("GET", "/2", b""))


def declined(
    name: str, raw: bytes, seen: tuple[tuple[str, str, bytes], ...] = (("GET", "/", b""),), **options: object
) -> Forwarded:
    """Make a row for an offer that the cell gets, and answers as if it had not."""
    return Forwarded(name, raw, seen, own=OFFERED, doors=RAW, **options)


def ignored(name: str, raw: bytes, **options: object) -> Forwarded:
    """Make a row for an offer that the cell does not get."""
    return Forwarded(name, raw, doors=RAW, **options)


ROWS = [
    declined("declined with 200", OFFER),
    declined("a request behind one that is declined", OFFER + SECOND, BOTH_SEEN),
    declined("bytes behind one that is declined", OFFER + b"\x81\x05hello\r\n\r\n", then=400),
    declined("a body behind one that is declined", OFFER + b"0\r\n\r\n" + SMUGGLED, then=400),
    declined(
        "a malformed request behind one that is declined",
        OFFER + b"GET /2 HTTP/1.1\r\nHost : x\r\n\r\n" + SMUGGLED,
        then=400,
    ),
    declined(
        "a second offer behind one that is declined",
        OFFER + SECOND.replace(b"X-R", b"Upgrade: bytes\r\nX-R"),
        BOTH_SEEN,
    ),
    declined(
        "declined with a length of 0",
        OFFER + SECOND,
        BOTH_SEEN,
        answers=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ),
    declined(
        "declined with chunks",
        OFFER + SECOND,
        BOTH_SEEN,
        answers=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    declined(
        "declined with an offer of the cell",
        OFFER + SECOND,
        BOTH_SEEN,
        answers=OK.replace(b"Content", b"Connection: upgrade\r\nUpgrade: bytes\r\nContent"),
    ),
    declined(
        "declined after a 1xx", OFFER + SECOND, BOTH_SEEN, answers=b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK
    ),
    declined("name and token in another case", GET + b"connection: uPGRADE\r\nUPGRADE: bytes\r\n\r\n"),
    declined("among other options", fields(b"Connection: keep-alive, Upgrade", b"Upgrade: bytes")),
    declined("with a length of 0", fields(b"Connection: Upgrade", b"Upgrade: bytes", b"Content-Length: 0")),
    declined("and h2c", fields(b"Connection: Upgrade", b"Upgrade: h2c, bytes")),
    Forwarded(
        "several protocols",
        fields(b"Connection: Upgrade", b"Upgrade: a/1 , b", b"Upgrade: c"),
        own={"Connection": "Upgrade", "Upgrade": "a/1, b, c"},
        doors=RAW,
    ),
    ignored("not named by Connection", fields(b"Upgrade: bytes", b"A: b")),
    ignored("named by Connection and not there", fields(b"Connection: Upgrade")),
    ignored("empty", fields(b"Connection: Upgrade", b"Upgrade: ,")),
    ignored("with a body of a length", posted(b"Connection: Upgrade", b"Upgrade: bytes"), seen=POSTED),
    ignored(
        "with a chunked body",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: bytes\r\n\r\n") + HELLO,
        seen=POSTED,
    ),
    ignored(
        "with a body and bytes behind it",
        posted(b"Connection: Upgrade", b"Upgrade: bytes") + b"\x81\0\r\n\r\n",
        seen=POSTED,
        then=400,
    ),
    ignored("in 1.0", as_1_0(OFFER), closes=True),
    Forwarded(
        "to clear-text HTTP/2",
        fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        gone=["http2-settings"],
        or_refused=(501,),
    ),
    Refused(
        "with a body of two lengths",
        GET + b"Connection: Upgrade\r\nUpgrade: bytes\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    ),
    Refused(
        "with length and coding",
        GET
        + b"Connection: Upgrade\r\nUpgrade: bytes\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        + HELLO,
    ),
    Refused(
        "names the routing key too",
        fields(b"Connection: Upgrade, X-Routing-Key", b"Upgrade: bytes", b"X-Routing-Key: acme"),
        closes=None,
    ),
    Refused("CONNECT with an offer", OFFER.replace(b"GET / ", b"CONNECT x:443 "), 405, closes=None),
    Refused(
        "at a door that does not switch",
        fields(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
        501,
        closes=None,
        doors=STOCK,
    ),
    Switched("taken", OFFER, OFFERED),
    Switched("bytes sent ahead wait for the 101", OFFER, OFFERED, ahead=b"\0\xff hasty\r\n"),
    Switched("a request sent ahead is bytes", OFFER, OFFERED, ahead=SMUGGLED),
    Switched(
        "a 101 behind a 1xx",
        OFFER,
        OFFERED,
        answers=b"HTTP/1.1 103 Early Hints\r\n\r\n" + SWITCHING + b"\r\nwelcome",
    ),
    Switched("a response behind the 101 is bytes", OFFER, OFFERED, answers=SWITCHING + b"\r\n" + OK, gets=OK),
    Switched(
        "a length in the 101 means nothing",
        OFFER,
        OFFERED,
        answers=SWITCHING + b"Content-Length: 2\r\n\r\nwelcome",
    ),
    Switched(
        "a coding in the 101 means nothing",
        OFFER,
        OFFERED,
        answers=SWITCHING + b"Transfer-Encoding: chunked\r\n\r\nwelcome",
    ),
    Switched(
        "an expectation of no body is dropped",
        fields(b"Connection: Upgrade", b"Upgrade: bytes", b"Expect: 100-continue"),
        OFFERED,
    ),
]
