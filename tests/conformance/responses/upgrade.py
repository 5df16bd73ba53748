"""101: only for a client that offered to switch, and never by half."""

from tests.conformance.responses.making import OK, SOUND, interim
from tests.conformance.rows import RAW, Broken, Passed

OFFER = b"Connection: Upgrade\r\nUpgrade: bytes\r\n"
SWITCHING = interim(b"101 Switching Protocols", b"Connection: Upgrade", b"Upgrade: bytes")

ROWS = [
    Broken("that nobody asked for", SWITCHING),
    Broken("that nobody asked for, and a response", SWITCHING + SOUND),
    Broken("that nobody asked for, after a 1xx", interim(b"100 Continue") + SWITCHING),
    Broken("for HEAD", SWITCHING, method="HEAD"),
    Broken("for an offer that Connection does not name", SWITCHING, asked=b"Upgrade: bytes\r\n"),
    Broken(
        "for an offer of HTTP/2 only", SWITCHING, asked=b"Connection: Upgrade\r\nUpgrade: h2c\r\n", doors=RAW
    ),
    Broken("for an offer of a 1.0 client", SWITCHING, asked=OFFER, version="1.0", doors=RAW),
    Broken(
        "for an offer with a body",
        SWITCHING,
        asked=OFFER + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
        doors=RAW,
    ),
    Broken("to nothing", interim(b"101 Switching", b"Connection: Upgrade"), asked=OFFER, doors=RAW),
    Broken(
        "to an empty protocol",
        interim(b"101 Switching", b"Connection: Upgrade", b"Upgrade:"),
        asked=OFFER,
        doors=RAW,
    ),
    Broken(
        "that Connection does not name", interim(b"101 Switching", b"Upgrade: bytes"), asked=OFFER, doors=RAW
    ),
    Broken(
        "to another protocol",
        interim(b"101 Switching", b"Connection: Upgrade", b"Upgrade: other"),
        asked=OFFER,
        doors=RAW,
    ),
    Broken(
        "to another protocol beside the offered one",
        interim(b"101 Switching", b"Connection: Upgrade", b"Upgrade: bytes", b"Upgrade: other"),
        asked=OFFER,
        doors=RAW,
    ),
    Broken("of a 1.0 cell", SWITCHING.replace(b"HTTP/1.1", b"HTTP/1.0"), asked=OFFER, doors=RAW),
    Broken(
        "with length and coding",
        interim(
            b"101 S",
            b"Connection: Upgrade",
            b"Upgrade: bytes",
            b"Content-Length: 2",
            b"Transfer-Encoding: chunked",
        ),
        asked=OFFER,
        doors=RAW,
    ),
    Broken(
        "with a malformed field",
        interim(b"101 S", b"Connection: Upgrade", b"Upgrade: bytes", b"A : b"),
        asked=OFFER,
        doors=RAW,
    ),
    Broken("with bare LF", SWITCHING.replace(b"\r\n", b"\n"), asked=OFFER, doors=RAW),
    Passed("declined", SOUND, asked=OFFER, reused=True, doors=RAW),
    Passed("declined, and a 101 behind it", SOUND + SWITCHING, asked=OFFER, reused=False, doors=RAW),
    Passed(
        "declined with 426",
        OK.replace(b"200 OK", b"426 Upgrade Required")
        + b"Connection: upgrade\r\nUpgrade: bytes\r\nContent-Length: 2\r\n\r\nok",
        status=426,
        asked=OFFER,
        reused=True,
        doors=RAW,
    ),
    Passed(
        "an offer of the cell ends at the router",
        OK + b"Connection: Upgrade\r\nUpgrade: h2c, bytes\r\nContent-Length: 2\r\n\r\nok",
        reused=True,
    ),
]
