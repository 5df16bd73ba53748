"""1xx responses: relayed before the final one, a bounded number of them, never to a 1.0 client."""

from tests.conformance.responses.making import INCOMPLETE, OK, SECTION_SIZE, SOUND, interim
from tests.conformance.rows import CLOSE, Broken, Passed

EARLY = interim(b"103 Early Hints", b"Link: </a>")

ROWS = [
    Broken("endless", interim(b"102 Wait") * 1000 + SOUND),
    Broken("endless, and no final one", interim(b"102 Wait") * 1000),
    Broken("one more than allowed", interim(b"102 Wait") * 32 + SOUND),
    Broken("broken after one", EARLY + b"HTTP/1.1 abc\r\n\r\n"),
    Broken("one that is broken", interim(b"103 E", b"A : b") + SOUND),
    Broken("bare LF after one", EARLY.replace(b"\r\n", b"\n") + SOUND),
    Broken("one with an endless head", b"HTTP/1.1 103 E\r\n" + b"A: b\r\n" * 20_000, SECTION_SIZE),
    Broken("closed after one", EARLY, INCOMPLETE, CLOSE),
    Broken(
        "one with length and coding",
        interim(b"103 E", b"Content-Length: 1", b"Transfer-Encoding: chunked") + SOUND,
    ),
    Broken("one with two lengths", interim(b"103 E", b"Content-Length: 1", b"Content-Length: 2") + SOUND),
    Broken("one with a body", interim(b"103 E", b"Content-Length: 5") + b"hello" + SOUND),
    Broken("an empty line after one", EARLY + b"\r\n" + SOUND),
    Passed("100 that nobody asked for", interim(b"100 Continue") + SOUND, reused=True),
    Passed("103", EARLY + SOUND, reused=True),
    Passed("several", (interim(b"102 P") + EARLY) * 3 + SOUND, reused=True),
    Passed("as many as allowed", interim(b"102 P") * 31 + SOUND, reused=True),
    Passed("an unknown one", interim(b"199 Odd", b"A: b") + SOUND, reused=True),
    Passed(
        "fields in order and case", interim(b"103 E", b"Link: a", b"x-B: c", b"LINK: d") + SOUND, reused=True
    ),
    Passed(
        "fields of the router's",
        interim(b"103 E", b"X-Routed-To: evil", b"X-Request-ID: a", b"A: b") + SOUND,
        gone_interim=["x-routed-to", "x-request-id"],
        reused=True,
    ),
    Passed(
        "fields for one connection",
        interim(b"103 E", b"Connection: A", b"A: b", b"Keep-Alive: c", b"D: e") + SOUND,
        gone_interim=["a"],
        reused=True,
    ),
    Passed("one that closes does not", interim(b"103 E", b"Connection: close") + SOUND),
    Passed("for a 1.0 client", EARLY + SOUND, version="1.0"),
    Passed("and HEAD", EARLY + OK + b"Content-Length: 5\r\n\r\n", b"", method="HEAD", reused=True),
    Passed("and 204", EARLY + b"HTTP/1.1 204 N\r\n\r\n", b"", 204, reused=True),
    Passed(
        "with a length and no body",
        interim(b"103 E", b"Content-Length: 5") + SOUND,
        gone_interim=["content-length"],
        or_refused=True,
    ),
    Passed(
        "with chunked and no body", interim(b"103 E", b"Transfer-Encoding: chunked") + SOUND, or_refused=True
    ),
    Passed("1.0 in an answer", EARLY.replace(b"1.1", b"1.0") + SOUND),
]
