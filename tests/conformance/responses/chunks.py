"""Chunks: a body that breaks their rules never ends as if it were whole."""

from tests.conformance.responses.making import CHUNKED
from tests.conformance.rows import RAW, Passed

FIRST = CHUNKED + b"5\r\nhello\r\n"
MAX_LINE_BYTES = 4096


def broken(name: str, raw: bytes) -> Passed:
    """Make a row for a sound chunk and something that is none."""
    return Passed(name, FIRST + raw, b"hello", complete=False, or_refused=True)


def after(name: str, raw: bytes) -> Passed:
    """Make a row for what follows a chunk's data."""
    return Passed(
        f"after the data: {name}", CHUNKED + b"5\r\nhello" + raw, b"hello", complete=False, or_refused=True
    )


ROWS = [
    broken("no number", b"xyz\r\n"),
    broken("only an extension", b";a=0\r\n\r\n"),
    broken("0x before a size", b"0x5\r\nhello\r\n0\r\n\r\n"),
    broken("negative size", b"-5\r\nhello\r\n0\r\n\r\n"),
    broken("plus sign", b"+5\r\nhello\r\n0\r\n\r\n"),
    broken("underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
    broken("blank before a size", b" 5\r\nhello\r\n0\r\n\r\n"),
    broken("blank after a size", b"5 \r\nhello\r\n0\r\n\r\n"),
    broken("tab after a size", b"5\t\r\nhello\r\n0\r\n\r\n"),
    broken("blank after the last size", b"0 \r\n\r\n"),
    broken("size of 17 digits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    broken("size beyond signed 64 bits", b"8000000000000005\r\nhello\r\n0\r\n\r\n"),
    broken("other digits", "\uff15\r\nhello\r\n0\r\n\r\n".encode()),
    broken("bare LF after a size", b"5\nhello\r\n0\r\n\r\n"),
    broken("bare CR after a size", b"5\rhello\r\n0\r\n\r\n"),
    broken("bare LF after the last size", b"0\n\r\n"),
    broken("control character in an extension", b"5;a\0\r\nhello\r\n0\r\n\r\n"),
    broken("bare CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    broken("bare LF in an extension", b"5;a\nhello\r\n0\r\n\r\n"),
    broken("CR LF in an extension's quotes", b'5;a="\r\n"\r\nhello\r\n0\r\n\r\n'),
    broken("extension over the limit", b"5;" + b"x" * MAX_LINE_BYTES + b"\r\nhello\r\n0\r\n\r\n"),
    broken("endless extension", b"5;" + b"x" * 65_536),
    broken("another response for a chunk", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"),
    after("bare LF", b"\n0\r\n\r\n"),
    after("bare CR", b"\r0\r\n\r\n"),
    after("nothing", b"0\r\n\r\n"),
    after("two letters", b"XX0\r\n\r\n"),
    after("two LF", b"\n\n0\r\n\r\n"),
    after("LF CR", b"\n\r0\r\n\r\n"),
    after("two CR LF", b"\r\n\r\n0\r\n\r\n"),
    after("more data", b"!\r\n0\r\n\r\n"),
    Passed("bare LF everywhere", CHUNKED + b"5\nhello\n0\n\n", b"hello", complete=False, or_refused=True),
    Passed("several", CHUNKED + b"1\r\no\r\n0001\r\nk\r\n0\r\n\r\n", reused=True),
    Passed("empty", CHUNKED + b"0\r\n\r\n", b"", reused=True),
    Passed(
        "digits in either case",
        CHUNKED + b"A\r\n0123456789\r\na\r\n0123456789\r\n00\r\n\r\n",
        b"0123456789" * 2,
        reused=True,
    ),
    Passed("extensions are dropped", CHUNKED + b'2;a="b; c";d\r\nok\r\n0;e\r\n\r\n', reused=True),
    Passed(
        "data that looks like the end", CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n", reused=True
    ),
    Passed("a thousand of one byte", CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n", b"x" * 1000, reused=True),
    Passed(
        "a large one, for a 1.0 client",
        CHUNKED + b"C350\r\n" + b"x" * 50_000 + b"\r\n0\r\n\r\n",
        b"x" * 50_000,
        version="1.0",
        doors=RAW,
    ),
]
