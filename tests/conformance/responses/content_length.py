"""Content-Length: one decimal number, or a response has no length."""

from tests.conformance.responses.making import OK, SOUND, length
from tests.conformance.rows import CLOSE, Broken, Passed

CHUNKED_FIELD = b"Transfer-Encoding: chunked\r\n"

ROWS = [
    Broken("and coding", OK + b"Content-Length: 5\r\n" + CHUNKED_FIELD + b"\r\n5\r\nhello\r\n0\r\n\r\n"),
    Broken("after a coding", OK + CHUNKED_FIELD + b"Content-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    Broken("and identity", OK + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok"),
    Broken("two in different case", OK + b"content-length: 2\r\nA: b\r\nCONTENT-LENGTH: 6\r\n\r\nok"),
    *(
        Broken(name, length(*values))
        for name, values in (
            ("two that differ", (b" 5", b" 6")),
            ("two that differ, the first 0", (b" 0", b" 5")),
            ("the same twice", (b" 5", b" 5")),
            ("two, one empty", (b" 5", b"")),
            ("listed", (b" 5, 5",)),
            ("listed and differing", (b" 5,6",)),
            ("comma after it", (b" 5,",)),
            ("plus sign", (b" +5",)),
            ("negative", (b" -5",)),
            ("minus zero", (b" -0",)),
            ("hexadecimal", (b" 0x5",)),
            ("underscore", (b" 1_0",)),
            ("fraction", (b" 5.0",)),
            ("exponent", (b" 5e0",)),
            ("blank inside", (b" 5 5",)),
            ("letter after it", (b" 5a",)),
            ("quotes", (b' "5"',)),
            ("other digits", (" \uff15".encode(),)),
            ("digit only in ISO 8859-1", (b" \xb2",)),
            ("empty", (b"",)),
            ("vertical tab before it", (b"\x0b5",)),
            ("non-breaking blank after it", (b" 5\xa0",)),
            ("of 19 digits", (b" 9223372036854775808",)),
            ("of 20 digits, beyond 64 bits", (b" 18446744073709551621",)),
            ("of 1000 zeros", (b" " + b"0" * 1000 + b"5",)),
        )
    ),
    Passed("2", SOUND, reused=True),
    Passed("0", OK + b"Content-Length: 0\r\n\r\n", b"", reused=True),
    Passed("zeros before it", OK + b"Content-Length: 002\r\n\r\nok", reused=True),
    Passed("blanks around it", OK + b"Content-Length:\t 2 \t\r\n\r\nok", reused=True),
    Passed("name in another case", OK + b"cOnTeNt-LeNgTh:2\r\n\r\nok", reused=True),
    Passed("for a 1.0 client", SOUND, version="1.0"),
    Passed(
        "a body that looks like a response",
        OK + b"Content-Length: %d\r\n\r\n" % len(SOUND) + SOUND,
        SOUND,
        reused=True,
    ),
    Passed(
        "a body of every byte",
        OK + b"Content-Length: 256\r\n\r\n" + bytes(range(256)),
        bytes(range(256)),
        reused=True,
    ),
    Passed("none: until the close", OK + b"\r\nok", then=CLOSE, reused=False),
    Passed(
        "none: until the close, for a 1.0 client", OK + b"\r\nok", then=CLOSE, version="1.0", reused=False
    ),
    Passed("none: until the close, and empty", OK + b"\r\n", b"", then=CLOSE, reused=False),
    Passed(
        "none: what looks like chunks is content",
        OK + b"\r\n2\r\nok\r\n0\r\n\r\n",
        b"2\r\nok\r\n0\r\n\r\n",
        then=CLOSE,
        reused=False,
    ),
    Passed(
        "none: what looks like a response is content", OK + b"\r\n" + SOUND, SOUND, then=CLOSE, reused=False
    ),
    Passed(
        "with underscores: until the close", OK + b"Content_Length: 1\r\n\r\nok", then=CLOSE, reused=False
    ),
]
