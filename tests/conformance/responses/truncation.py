"""Responses that end too early: a client never takes them for whole."""

from tests.conformance.responses.making import CHUNKED, INCOMPLETE, OK, SOUND
from tests.conformance.rows import CLOSE, RESET, Broken, Passed

BEGUN = CHUNKED + b"5\r\nhello\r\n"


def cut(name: str, raw: bytes, body: bytes = b"hello", then: object = CLOSE, **options: object) -> Passed:
    """Make a row for a body that is not whole."""
    return Passed(name, raw, body, complete=False, then=then, **options)


ROWS = [
    Broken("closed without a word", b"", INCOMPLETE, CLOSE),
    Broken("closed in the version", b"HTTP/1", INCOMPLETE, CLOSE),
    Broken("closed in the status line", b"HTTP/1.1 20", INCOMPLETE, CLOSE),
    Broken("closed after the status line", OK, INCOMPLETE, CLOSE),
    Broken("closed in a field", OK + b"Content-Le", INCOMPLETE, CLOSE),
    Broken("closed in the head", OK + b"Content-Length: 2\r\n", INCOMPLETE, CLOSE),
    Broken("closed before the head's last byte", OK + b"Content-Length: 2\r\n\r", INCOMPLETE, CLOSE),
    Broken("closed in the head, for HEAD", OK + b"Content-Length: 2\r\n", INCOMPLETE, CLOSE, method="HEAD"),
    Broken("reset without a word", b"", "connection_terminated", RESET),
    Broken("reset in the head", OK + b"Content-Length: 2\r\n", None, RESET),
    cut("nothing of a body", OK + b"Content-Length: 10\r\n\r\n", b""),
    cut("shorter than its length", OK + b"Content-Length: 10\r\n\r\nhello"),
    cut("shorter by one byte", OK + b"Content-Length: 6\r\n\r\nhello"),
    cut("shorter than a length beyond 32 bits", OK + b"Content-Length: 4294967301\r\n\r\nhello"),
    cut(
        "shorter than its length, with another response behind it",
        OK + b"Content-Length: 999\r\n\r\n" + SOUND,
        SOUND,
    ),
    cut("reset in a body", OK + b"Content-Length: 10\r\n\r\nhello", then=RESET),
    cut("reset in a body without length", OK + b"\r\nhello", then=RESET),
    cut("nothing of any chunk", CHUNKED, b""),
    cut("in a chunk's size", BEGUN + b"1"),
    cut("in a chunk's extension", BEGUN + b"5;a"),
    cut("before a chunk's data", BEGUN + b"5\r\n"),
    cut("in a chunk's data", CHUNKED + b"5\r\nhel", b"hel"),
    cut("in a chunk beyond 32 bits", CHUNKED + b"100000005\r\nhello"),
    cut("before a chunk's end", CHUNKED + b"5\r\nhello"),
    cut("in a chunk's end", CHUNKED + b"5\r\nhello\r"),
    cut("between chunks", BEGUN),
    cut("in the last chunk's line", BEGUN + b"0"),
    cut("after the last chunk's line", BEGUN + b"0\r\n"),
    cut("in the last line end", BEGUN + b"0\r\n\r"),
    cut("in a trailer", BEGUN + b"0\r\nA: b"),
    cut("after a trailer", BEGUN + b"0\r\nA: b\r\n"),
    cut("reset between chunks", BEGUN, then=RESET),
    cut("between chunks, for a 1.0 client", BEGUN, version="1.0"),
    cut("reset in a body without length, for a 1.0 client", OK + b"\r\nhello", then=RESET, version="1.0"),
    cut("shorter than its length, for a 1.0 client", OK + b"Content-Length: 10\r\n\r\nhello", version="1.0"),
    cut("shorter than its length, of a 1.0 cell", b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
]
