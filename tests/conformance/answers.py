"""What cells send: sound, odd and malformed."""

from tests.conformance.rows import CLOSE, RESET, Broken, Passed

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SOUND = OK + b"Content-Length: 2\r\n\r\nok"
POISON = OK + b"Content-Length: 6\r\n\r\npoison"
SECTION_SIZE = "http_response_header_section_size"
INCOMPLETE = "http_response_incomplete"


def length(*values: bytes) -> bytes:
    """Make a response with these values of Content-Length, one field each."""
    return OK + b"".join(b"Content-Length:%b\r\n" % value for value in values) + b"\r\nhello"


def coding(*values: bytes, version: bytes = b"1.1") -> bytes:
    """Make a response with these values of Transfer-Encoding, one field each."""
    lines = b"".join(b"Transfer-Encoding:%b\r\n" % value for value in values)
    return b"HTTP/" + version + b" 200 OK\r\n" + lines + b"\r\n5\r\nhello\r\n0\r\n\r\n"


def status_line(raw: bytes) -> bytes:
    """Make a response with this first line."""
    return raw + b"\r\nContent-Length: 2\r\n\r\nok"


def fields(raw: bytes) -> bytes:
    """Make a response with these field lines."""
    return OK + raw + b"Content-Length: 2\r\n\r\nok"


BROKEN = [
    *(
        Broken(name, raw)
        for name, raw in (
            (
                "length and coding",
                OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            ),
            ("differing lengths", length(b" 5", b" 6")),
            ("the same length twice", length(b" 5", b" 5")),
            ("listed lengths", length(b" 5, 5")),
            ("length with a plus sign", length(b" +5")),
            ("negative length", length(b" -5")),
            ("hexadecimal length", length(b" 0x5")),
            ("length with a blank inside", length(b" 5 5")),
            ("empty length", length(b"")),
            ("length of 20 digits", length(b" 18446744073709551621")),
            ("another coding before chunked", coding(b" gzip, chunked")),
            ("chunked twice", coding(b" chunked, chunked")),
            ("two fields with chunked", coding(b" chunked", b" chunked")),
            ("a coding that ends with chunked", coding(b" xchunked")),
            ("identity", coding(b" identity")),
            ("coding in 1.0", coding(b" chunked", version=b"1.0")),
            ("bare CR in a value", fields(b"A: b\rc\r\n")),
            ("bare LF after the status line", status_line(b"HTTP/1.1 200 OK\nA: b")),
            ("bare LF after a field", fields(b"A: b\nC: d\r\n")),
            ("bare LF everywhere", SOUND.replace(b"\r\n", b"\n")),
            ("NUL in a value", fields(b"A: b\0c\r\n")),
            ("obs-fold", fields(b"A: b\r\n c\r\n")),
            ("blank before the colon", fields(b"A : b\r\n")),
            ("blank before a length's colon", OK + b"Content-Length : 2\r\n\r\nok"),
            ("empty name", fields(b": b\r\n")),
            ("no colon", fields(b"Ab\r\n")),
            ("version 2.0", status_line(b"HTTP/2.0 200 OK")),
            ("version 0.9", status_line(b"HTTP/0.9 200 OK")),
            ("another protocol", status_line(b"ICY 200 OK")),
            ("version in small letters", status_line(b"http/1.1 200 OK")),
            ("two blanks before the status", status_line(b"HTTP/1.1  200 OK")),
            ("status of two digits", status_line(b"HTTP/1.1 20 OK")),
            ("status of four digits", status_line(b"HTTP/1.1 2000 OK")),
            ("status of letters", status_line(b"HTTP/1.1 abc OK")),
            ("status 099", status_line(b"HTTP/1.1 099 Odd")),
            ("status 000", status_line(b"HTTP/1.1 000 Odd")),
            ("NUL in the reason", status_line(b"HTTP/1.1 200 O\0K")),
            ("no HTTP at all", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            ("body without a head", b"hello\r\n\r\n"),
            (
                "switch of protocols that nobody asked for",
                b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            ),
            ("endless 1xx", b"HTTP/1.1 102 Wait\r\n\r\n" * 1000 + SOUND),
            ("broken after a 1xx", b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 abc\r\n\r\n"),
        )
    ),
    Broken("head over the limit", fields(b"A: " + b"v" * 40_000 + b"\r\n"), SECTION_SIZE),
    Broken("endless head", OK + b"A: b\r\n" * 20_000, SECTION_SIZE),
    Broken("closed without a word", b"", INCOMPLETE, CLOSE),
    Broken("closed in the status line", b"HTTP/1.1 20", INCOMPLETE, CLOSE),
    Broken("closed in the head", OK + b"Content-Length: 2\r\n", INCOMPLETE, CLOSE),
    Broken("closed after a 1xx", b"HTTP/1.1 103 Early\r\n\r\n", INCOMPLETE, CLOSE),
    Broken("reset without a word", b"", "connection_terminated", RESET),
    Broken("reset in the head", OK + b"Content-Length: 2\r\n", None, RESET),
]

TRUNCATED = [
    Passed(
        "body shorter than its length",
        OK + b"Content-Length: 10\r\n\r\nhello",
        b"hello",
        complete=False,
        then=CLOSE,
    ),
    Passed("reset in a body", OK + b"Content-Length: 10\r\n\r\nhello", b"hello", complete=False, then=RESET),
    Passed("closed in a chunk", CHUNKED + b"5\r\nhel", b"hel", complete=False, then=CLOSE),
    Passed("closed between chunks", CHUNKED + b"5\r\nhello\r\n", b"hello", complete=False, then=CLOSE),
    Passed(
        "closed after the last chunk's line",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
        b"hello",
        complete=False,
        then=CLOSE,
    ),
    Passed("bad chunk size", CHUNKED + b"5\r\nhello\r\nxyz\r\n", b"hello", complete=False, or_refused=True),
    Passed(
        "chunk size of 17 digits",
        CHUNKED + b"5\r\nhello\r\n10000000000000005\r\n",
        b"hello",
        complete=False,
        or_refused=True,
    ),
    Passed("bare LF in chunks", CHUNKED + b"5\r\nhello\n0\n\n", b"hello", complete=False, or_refused=True),
    Passed(
        "more data than the chunk says",
        CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n",
        b"hello",
        complete=False,
        or_refused=True,
    ),
    Passed("reset in a body without length", OK + b"\r\nhello", b"hello", complete=False, then=RESET),
    Passed(
        "truncated for 1.0", CHUNKED + b"5\r\nhello\r\n", b"hello", complete=False, then=CLOSE, version="1.0"
    ),
    Passed(
        "reset in a body without length for 1.0",
        OK + b"\r\nhello",
        b"hello",
        complete=False,
        then=RESET,
        version="1.0",
    ),
]

WHOLE = [
    Passed("length", SOUND, reused=True),
    Passed("length 0", OK + b"Content-Length: 0\r\n\r\n", b"", reused=True),
    Passed("chunked", CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n", reused=True),
    Passed("chunked in capitals", coding(b" CHUNKED"), b"hello", reused=True),
    Passed("extensions", CHUNKED + b"2;a=b\r\nok\r\n0;c\r\n\r\n", reused=True),
    Passed("trailers", CHUNKED + b"2\r\nok\r\n0\r\nX-Routed-To: http://evil\r\n\r\n"),
    Passed("chunked for 1.0", CHUNKED + b"2\r\nok\r\n0\r\n\r\n", version="1.0"),
    Passed("length for 1.0", SOUND, version="1.0"),
    Passed("until the close", OK + b"\r\nok", then=CLOSE, reused=False),
    Passed("until the close for 1.0", OK + b"\r\nok", then=CLOSE, version="1.0", reused=False),
    Passed("until the close and empty", OK + b"\r\n", b"", then=CLOSE, reused=False),
    Passed("an end of the connection announced", fields(b"Connection: close\r\n"), reused=False),
    Passed("an end of the connection unannounced", SOUND, then=CLOSE, reused=False),
    Passed("version 1.0", SOUND.replace(b"HTTP/1.1", b"HTTP/1.0"), then=CLOSE, reused=False),
    Passed("version 1.0 that stays open", SOUND.replace(b"HTTP/1.1", b"HTTP/1.0"), reused=False),
    Passed("version 1.0 until the close", b"HTTP/1.0 200 OK\r\n\r\nok", then=CLOSE, reused=False),
    Passed("empty reason", status_line(b"HTTP/1.1 200 "), reused=True),
    Passed("no reason", status_line(b"HTTP/1.1 200"), or_refused=True),
    Passed("bytes beyond ASCII", fields(b"A: \xff\r\n"), reused=True),
    Passed("unknown status", status_line(b"HTTP/1.1 299 Odd"), status=299, reused=True),
    Passed("server error", status_line(b"HTTP/1.1 500 Oops"), status=500, reused=True),
    Passed("bad gateway of the cell", status_line(b"HTTP/1.1 502 Bad Gateway"), status=502, reused=True),
]

BODILESS = [
    Passed("204", b"HTTP/1.1 204 No Content\r\n\r\n", b"", 204, reused=True),
    Passed(
        "204 with a body",
        b"HTTP/1.1 204 N\r\nContent-Length: 2\r\n\r\nok",
        b"",
        204,
        reused=False,
        or_refused=True,
    ),
    Passed(
        "204 with chunks",
        b"HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"",
        204,
        reused=False,
        or_refused=True,
    ),
    Passed("304", b"HTTP/1.1 304 Not Modified\r\n\r\n", b"", 304, reused=True),
    Passed(
        "304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", 304, reused=True
    ),
    Passed(
        "304 with a body",
        b"HTTP/1.1 304 N\r\nContent-Length: 2\r\n\r\nok",
        b"",
        304,
        reused=False,
        or_refused=True,
    ),
    Passed("HEAD with a length", OK + b"Content-Length: 5\r\n\r\n", b"", method="HEAD", reused=True),
    Passed("HEAD with chunked", CHUNKED, b"", method="HEAD", reused=True),
    Passed("HEAD without framing", OK + b"\r\n", b"", method="HEAD"),
    Passed("HEAD with a body", SOUND, b"", method="HEAD", reused=False, or_refused=True),
]

INTERIM = [
    Passed("100 that nobody asked for", b"HTTP/1.1 100 Continue\r\n\r\n" + SOUND, reused=True),
    Passed("103", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SOUND, reused=True),
    Passed(
        "several 1xx", b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n" * 3 + SOUND, reused=True
    ),
    Passed("1xx for 1.0", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SOUND, version="1.0"),
    Passed(
        "1xx and HEAD",
        b"HTTP/1.1 103 E\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n",
        b"",
        method="HEAD",
        reused=True,
    ),
    Passed("1xx with a length", b"HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\n" + SOUND, or_refused=True),
]

EXCESS = [
    Passed("more than the length", SOUND + b"EXTRA", reused=False),
    Passed("another response after the length", SOUND + POISON, reused=False),
    Passed("another response after length 0", OK + b"Content-Length: 0\r\n\r\n" + POISON, b"", reused=False),
    Passed("another response after the last chunk", CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + POISON, reused=False),
    Passed(
        "another response after 304",
        b"HTTP/1.1 304 N\r\n\r\n" + POISON,
        b"",
        304,
        reused=False,
        or_refused=True,
    ),
    Passed(
        "another response after HEAD", SOUND[:-2] + POISON, b"", method="HEAD", reused=False, or_refused=True
    ),
]

PASSED = [*TRUNCATED, *WHOLE, *BODILESS, *INTERIM, *EXCESS]
