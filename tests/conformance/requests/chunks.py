"""Chunks: a size, perhaps extensions, CR LF, so many bytes, CR LF (CVE-2025-43859)."""

from tests.conformance.requests.making import CHUNKED, HELLO, POSTED, SMUGGLED
from tests.conformance.rows import RAW, Forwarded, Refused

MAX_LINE_BYTES = 4096


def extension(raw: bytes) -> bytes:
    """Make a request whose chunk's size is followed by this."""
    return CHUNKED + b"5" + raw + b"\r\nhello\r\n0\r\n\r\n"


def after(raw: bytes) -> bytes:
    """Make a request whose chunk's data is followed by this."""
    return CHUNKED + b"5\r\nhello" + raw


SIZES = [
    Refused(f"size: {name}", CHUNKED + raw, in_body=True)
    for name, raw in (
        ("empty", b"\r\nhello\r\n0\r\n\r\n"),
        ("empty line before it", b"\r\n" + HELLO),
        ("only an extension", b";a=5\r\nhello\r\n0\r\n\r\n"),
        ("0x before it", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("h after it", b"5h\r\nhello\r\n0\r\n\r\n"),
        ("negative", b"-1\r\nhello\r\n0\r\n\r\n"),
        ("minus zero", b"-0\r\n\r\n"),
        ("plus sign", b"+5\r\nhello\r\n0\r\n\r\n"),
        ("blank before it", b" 5\r\nhello\r\n0\r\n\r\n"),
        ("tab before it", b"\t5\r\nhello\r\n0\r\n\r\n"),
        ("blank after it", b"5 \r\nhello\r\n0\r\n\r\n"),
        ("tab after it", b"5\t\r\nhello\r\n0\r\n\r\n"),
        ("vertical tab after it", b"5\x0b\r\nhello\r\n0\r\n\r\n"),
        ("non-breaking blank after it", b"5\xa0\r\nhello\r\n0\r\n\r\n"),
        ("NUL after it", b"5\0\r\nhello\r\n0\r\n\r\n"),
        ("blank inside", b"0 5\r\nhello\r\n0\r\n\r\n"),
        ("blank before an extension", b"5 ;a=b\r\nhello\r\n0\r\n\r\n"),
        ("underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
        ("comma", b"5,5\r\nhello\r\n0\r\n\r\n"),
        ("fraction", b"5.0\r\nhello\r\n0\r\n\r\n"),
        ("exponent of two", b"5p0\r\nhello\r\n0\r\n\r\n"),
        ("quotes", b'"5"\r\nhello\r\n0\r\n\r\n'),
        ("no number", b"g\r\nhello\r\n0\r\n\r\n"),
        ("other digits", "\uff15\r\nhello\r\n0\r\n\r\n".encode()),
        ("of 16 digits, beyond signed 64 bits", b"8000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("of 17 digits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("of 17 digits F", b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("of 17 zeros for the last chunk", b"5\r\nhello\r\n" + b"0" * 17 + b"\r\n\r\n"),
        ("of 10000 zeros", b"0" * 10_000 + b"5\r\nhello\r\n0\r\n\r\n"),
        ("bare LF after it", b"5\nhello\r\n0\r\n\r\n"),
        ("bare CR after it", b"5\rhello\r\n0\r\n\r\n"),
        ("CR CR LF after it", b"5\r\r\nhello\r\n0\r\n\r\n"),
        ("LF CR after it", b"5\n\rhello\r\n0\r\n\r\n"),
        ("bare LF after the last", b"5\r\nhello\r\n0\n\n"),
        ("blank after the last", b"5\r\nhello\r\n0 \r\n\r\n"),
        ("0x for the last", b"5\r\nhello\r\n0x0\r\n\r\n"),
        ("no chunk but the next request", b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("no chunk but a field", b"A: b\r\n\r\n"),
    )
]

EXTENSIONS = [
    Refused(f"extension: {name}", raw, in_body=True)
    for name, raw in (
        ("over the limit", extension(b";" + b"x" * (MAX_LINE_BYTES - 3))),
        ("endless", CHUNKED + b"5;" + b"x" * 65_536),
        ("no semicolon", extension(b"a=b")),
        ("blank for the semicolon", extension(b" a=b")),
        ("equals sign for the semicolon", extension(b"=b")),
        ("NUL", extension(b";a\0b")),
        ("escape", extension(b";a=\x1b")),
        ("DEL", extension(b";a=\x7f")),
        ("bare CR", extension(b";a\rb")),
        ("bare CR at its end", extension(b";a\r")),
        ("bare LF", CHUNKED + b"5;a\nhello\r\n0\r\n\r\n"),
        ("bare LF and CR LF", extension(b";\n")),
        ("bare LF hiding a chunk", extension(b";\nhello\r\n0\r\n\r\n")),
        ("bare LF in quotes", extension(b';a="\n"')),
        ("CR LF in quotes", extension(b';a="\r\n"')),
        ("bare LF after the last chunk", CHUNKED + b"5\r\nhello\r\n0;a\n\r\n"),
    )
]

ENDS = [
    Refused(f"after the data: {name}", after(raw), in_body=True)
    for name, raw in (
        ("bare LF", b"\n0\r\n\r\n"),
        ("bare CR", b"\r0\r\n\r\n"),
        ("nothing", b"0\r\n\r\n"),
        ("two letters", b"XX0\r\n\r\n"),
        ("two LF", b"\n\n0\r\n\r\n"),
        ("LF CR", b"\n\r0\r\n\r\n"),
        ("CR and a letter", b"\rX0\r\n\r\n"),
        ("a letter and LF", b"X\n0\r\n\r\n"),
        ("two blanks", b"  0\r\n\r\n"),
        ("two NUL", b"\0\x000\r\n\r\n"),
        ("CR CR LF", b"\r\r\n0\r\n\r\n"),
        ("two CR LF", b"\r\n\r\n0\r\n\r\n"),
        ("more data", b"!\r\n0\r\n\r\n"),
        ("a semicolon", b";a\r\n0\r\n\r\n"),
    )
]

SOUND = [
    Forwarded("empty", CHUNKED + b"0\r\n\r\n", [("POST", "/", b"")]),
    Forwarded(
        "several",
        CHUNKED + b"5\r\nhello\r\n0001\r\n,\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        [("POST", "/", b"hello,01234567890123456789")],
    ),
    Forwarded(
        "data that looks like the end",
        CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        [("POST", "/", b"0\r\n\r\n")],
    ),
    Forwarded(
        "data that looks like a request",
        CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
        [("POST", "/", SMUGGLED)],
    ),
    Forwarded("data of line ends", CHUNKED + b"4\r\n\r\n\n\r\r\n0\r\n\r\n", [("POST", "/", b"\r\n\n\r")]),
    Forwarded("size of 15 digits", CHUNKED + b"000000000000005\r\nhello\r\n0\r\n\r\n", POSTED),
    Forwarded("last size of many zeros", CHUNKED + b"5\r\nhello\r\n00000\r\n\r\n", POSTED),
    Forwarded(
        "a thousand of one byte", CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n", [("POST", "/", b"x" * 1000)]
    ),
    Forwarded(
        "a large one",
        CHUNKED + b"C350\r\n" + b"x" * 50_000 + b"\r\n0\r\n\r\n",
        [("POST", "/", b"x" * 50_000)],
    ),
    Forwarded("extensions are dropped", CHUNKED + b'5;a="b";c\r\nhello\r\n0;d\r\n\r\n', POSTED),
    Forwarded("empty extension", extension(b";"), POSTED),
    Forwarded("extension with blanks and tabs", extension(b"; a = b ;\tc"), POSTED),
    Forwarded("extension with bytes beyond ASCII", extension(b";a=\xff"), POSTED),
    Forwarded("extension with quotes that do not end", extension(b';a="b'), POSTED),
    Forwarded("extension that looks like a size", extension(b";0;5"), POSTED),
    Forwarded(
        "extension of nearly the limit", extension(b";" + b"x" * (MAX_LINE_BYTES - 5)), POSTED, doors=RAW
    ),
]

ROWS = [*SIZES, *EXTENSIONS, *ENDS, *SOUND]
