"""Field lines: what is sound arrives in its order and case, and what is not, never."""

from tests.conformance.responses.making import OK, SECTION_SIZE, SOUND, fields
from tests.conformance.rows import RAW, Broken, Passed

MAX_HEAD_BYTES = 32768
MAX_FIELDS = 100


def head(size: int) -> bytes:
    """Make a response with a head of so many bytes."""
    return fields(b"A: " + b"v" * (size - len(fields(b"A: ")) + 2))


ROWS = [
    *(
        Broken(name, raw)
        for name, raw in (
            ("bare CR in a value", fields(b"A: b\rc")),
            ("bare CR in a name", fields(b"A\rb: c")),
            ("bare CR before a name", fields(b"\rA: b")),
            ("bare CR before the empty line", SOUND.replace(b"\r\n\r\n", b"\r\n\r\r\n") + SOUND),
            ("CR CR LF", fields(b"A: b\r")),
            ("LF CR", SOUND.replace(b"\r\n\r\n", b"\n\r\n\r")),
            ("bare LF after the status line", OK.replace(b"\r\n", b"\n") + b"Content-Length: 2\r\n\r\nok"),
            ("bare LF after a field", fields(b"A: b\nC: d")),
            ("bare LF for the empty line", SOUND.replace(b"\r\n\r\n", b"\r\n\n")),
            ("bare LF everywhere", SOUND.replace(b"\r\n", b"\n")),
            ("bare LF hiding a coding", fields(b"A: b\nTransfer-Encoding: chunked")),
            ("NUL in a value", fields(b"A: b\0c")),
            ("NUL in a name", fields(b"A\0: b")),
            ("control character in a value", fields(b"A: b\x01c")),
            ("vertical tab in a value", fields(b"A: b\x0bc")),
            ("DEL in a value", fields(b"A: b\x7fc")),
            ("obs-fold", fields(b"A: b", b" c")),
            ("obs-fold with a tab", fields(b"A: b", b"\tc")),
            ("obs-fold of a blank only", fields(b"A: b", b" ")),
            ("obs-fold hiding a coding", fields(b"Transfer-Encoding:", b" chunked")),
            ("blank before the first name", fields(b" A: b")),
            ("blank before the colon", fields(b"A : b")),
            ("tab before the colon", fields(b"A\t: b")),
            ("blank before a length's colon", OK + b"Content-Length : 2\r\n\r\nok"),
            (
                "blank before a coding's colon",
                OK + b"Transfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            ),
            ("empty name", fields(b": b")),
            ("no colon", fields(b"Ab")),
            ("blank in a name", fields(b"A b: c")),
            ("parentheses in a name", fields(b"A(b): c")),
            ("equals sign in a name", fields(b"A=b: c")),
            ("other letters in a name", fields("Ä: b".encode())),
            ("a second status line for a field", fields(b"HTTP/1.1 200 OK")),
        )
    ),
    Broken("head over the limit", head(MAX_HEAD_BYTES + 1), SECTION_SIZE),
    Broken("endless value", OK + b"A: " + b"v" * 100_000, SECTION_SIZE),
    Broken("endless name", OK + b"n" * 100_000, SECTION_SIZE),
    Broken("endless head", OK + b"A: b\r\n" * 20_000, SECTION_SIZE),
    Broken("too many fields", fields(*[b"A: b"] * MAX_FIELDS), SECTION_SIZE),
    Passed("longest head", head(MAX_HEAD_BYTES), reused=True),
    Passed("most fields", fields(*(b"F%d: v" % number for number in range(MAX_FIELDS - 1))), reused=True),
    Passed("every character of a token in a name", fields(b"!#$%&'*+-.^_`|~09azAZ: b"), reused=True),
    Passed("empty value, blanks, none", fields(b"A:", b"B: \t ", b"C:d", b"E:  f  "), reused=True),
    Passed("bytes beyond ASCII", fields(b"A: " + bytes(range(0x80, 0x100))), reused=True, doors=RAW),
    Passed("UTF-8", fields("A: grün \u2028".encode()), reused=True),
    Passed("every visible character in a value", fields(b"A: " + bytes(range(0x21, 0x7F))), reused=True),
    Passed("repeated, in order", fields(b"A: 1", b"B: 2", b"A: 3", b"a: 4", b"A: 1"), reused=True),
    Passed(
        "cookies stay apart",
        fields(b"Set-Cookie: a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT", b"Set-Cookie: c=d"),
        reused=True,
    ),
    Passed("names in every case", fields(b"ETAG: a", b"server: b", b"x-CaMeL: c"), reused=True, doors=RAW),
    Passed(
        "what the router would write itself",
        fields(
            b"Date: Sun, 06 Nov 1994 08:49:37 GMT",
            b"Server: a",
            b"Via: 1.1 b",
            b"Proxy-Status: c",
            b"Content-Type: d/e",
        ),
        reused=True,
    ),
]
