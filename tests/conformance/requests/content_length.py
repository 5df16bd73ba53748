"""Content-Length: one decimal number (CVE-2020-10108, CVE-2020-10109, CVE-2022-24801, CVE-2023-40225)."""

from tests.conformance.requests.making import GET, HELLO, POST, POSTED, SMUGGLED, as_1_0, length, posted
from tests.conformance.rows import RAW, Forwarded, Refused

CHUNKED_FIELD = b"Transfer-Encoding: chunked\r\n"

ROWS = [
    Refused("and coding", POST + b"Content-Length: 5\r\n" + CHUNKED_FIELD + b"\r\n" + HELLO),
    Refused("after a coding", POST + CHUNKED_FIELD + b"Content-Length: 15\r\n\r\n" + HELLO),
    Refused("0 and coding", POST + CHUNKED_FIELD + b"Content-Length: 0\r\n\r\n" + HELLO),
    Refused(
        "and coding in another case",
        POST + b"content-length: 5\r\ntransfer-encoding: Chunked\r\n\r\n" + HELLO,
    ),
    Refused("and identity", POST + b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello"),
    Refused("and an empty coding", POST + b"Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello"),
    Refused("and a coding in 1.0", as_1_0(POST) + b"Content-Length: 5\r\n" + CHUNKED_FIELD + b"\r\n" + HELLO),
    Refused("and a coding of a GET", GET + b"Content-Length: 5\r\n" + CHUNKED_FIELD + b"\r\n" + HELLO),
    *(
        Refused(name, length(*values))
        for name, values in (
            ("two that differ", (b" 5", b" 6")),
            ("two that differ, the first 0", (b" 0", b" 5")),
            ("the same twice", (b" 5", b" 5")),
            ("twice with other zeros", (b" 5", b" 05")),
            ("two, the first empty", (b"", b" 5")),
            ("two, the second malformed", (b" 5", b" x")),
            ("listed", (b" 5, 5",)),
            ("listed without a blank", (b" 5,5",)),
            ("listed and differing", (b" 5, 6",)),
            ("listed in two fields", (b" 5, 5", b" 5")),
            ("comma after it", (b" 5,",)),
            ("comma before it", (b" ,5",)),
            ("semicolon after it", (b" 5;a=b",)),
            ("plus sign", (b" +5",)),
            ("negative", (b" -5",)),
            ("minus zero", (b" -0",)),
            ("hexadecimal", (b" 0x5",)),
            ("hexadecimal digits", (b" a",)),
            ("octal", (b" 0o5",)),
            ("blank inside", (b" 5 5",)),
            ("letter after it", (b" 5a",)),
            ("unit after it", (b" 5 bytes",)),
            ("fraction", (b" 5.0",)),
            ("exponent", (b" 5e0",)),
            ("underscore", (b" 1_0",)),
            ("thousands", (b" 1,000",)),
            ("quotes", (b' "5"',)),
            ("other digits", (" \u0665".encode(),)),
            ("full-width digits", (" \uff15".encode(),)),
            ("digit only in ISO 8859-1", (b" \xb2",)),
            ("infinity", (b" inf",)),
            ("empty", (b"",)),
            ("blanks only", (b" \t ",)),
            ("of 19 digits", (b" 9223372036854775807",)),
            ("of 20 digits, beyond 64 bits", (b" 18446744073709551621",)),
            ("of 1000 digits", (b" " + b"1" * 1000,)),
            ("of 1000 zeros", (b" " + b"0" * 1000 + b"5",)),
            ("after a vertical tab", (b"\x0b5",)),
            ("before a form feed", (b" 5\x0c",)),
            ("after a non-breaking blank", (b" \xa05",)),
            ("NUL after it", (b" 5\0",)),
            ("bare CR after it", (b" 5\r0",)),
        )
    ),
    Refused("two in different case", POST + b"Content-Length: 5\r\nCONTENT-LENGTH: 6\r\n\r\nhello!"),
    Refused(
        "two with a field between", POST + b"Content-Length: 5\r\nA: b\r\ncontent-length: 0\r\n\r\nhello"
    ),
    Refused("folded", POST + b"Content-Length: 5\r\n 0\r\n\r\nhello"),
    Forwarded("5", length(b" 5"), POSTED),
    Forwarded("0", POST + b"Content-Length: 0\r\n\r\n", [("POST", "/", b"")]),
    Forwarded("0 for a GET", GET + b"Content-Length: 0\r\n\r\n"),
    Forwarded("zeros before it", length(b" 005"), POSTED),
    Forwarded("of 18 digits, most of them zeros", length(b" 000000000000000005"), POSTED),
    Forwarded("blanks around it", length(b" \t5 \t"), POSTED),
    Forwarded("no blank before it", length(b"5"), POSTED),
    Forwarded("name in another case", POST + b"cOnTeNt-LeNgTh: 5\r\n\r\nhello", POSTED),
    Forwarded("1.0", as_1_0(length(b" 5")), POSTED, closes=True),
    Forwarded(
        "a body that looks like a request",
        POST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
        [("POST", "/", SMUGGLED)],
    ),
    Forwarded(
        "a body that looks like chunks", POST + b"Content-Length: 15\r\n\r\n" + HELLO, [("POST", "/", HELLO)]
    ),
    Forwarded(
        "a body of every byte",
        POST + b"Content-Length: 256\r\n\r\n" + bytes(range(256)),
        [("POST", "/", bytes(range(256)))],
    ),
    Forwarded("less than what is sent", length(b" 4") + b" ", [("POST", "/", b"hell")], then=400, doors=RAW),
    Forwarded("none, and a body", POST + b"\r\nhello\r\n\r\n", [("POST", "/", b"")], then=400, doors=RAW),
    Forwarded("a range of content means nothing", posted(b"Content-Range: bytes 0-1/9"), POSTED),
]
