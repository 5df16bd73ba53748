"""What never becomes a whole request, since the client leaves first."""

from tests.conformance.requests.making import CHUNKED, GET, POST, SMUGGLED, length
from tests.conformance.rows import Abandoned

BEGUN = CHUNKED + b"5\r\nhello\r\n"

ROWS = [
    Abandoned("nothing", b""),
    Abandoned("half a method", b"GE"),
    Abandoned("a CR", b"\r"),
    Abandoned("half a request line", b"GET /smuggled HT"),
    Abandoned("half a field", GET + b"A: b"),
    Abandoned("all but the last byte of a head", GET + b"\r"),
    Abandoned("nothing of a body", POST + b"Content-Length: 5\r\n\r\n", b""),
    Abandoned("half a body", length(b" 10"), b"hello"),
    Abandoned("all but the last byte of a body", length(b" 6"), b"hello"),
    # Whoever counts in 32 or 31 bits takes what follows the five bytes for a request.
    Abandoned("a length beyond 32 bits", length(b" 4294967301") + SMUGGLED, b"hello" + SMUGGLED),
    Abandoned("a length beyond 31 bits", length(b" 2147483653") + SMUGGLED, b"hello" + SMUGGLED),
    Abandoned("the longest length", length(b" 999999999999999999") + SMUGGLED, b"hello" + SMUGGLED),
    Abandoned("a chunk beyond 32 bits", CHUNKED + b"100000005\r\nhello" + SMUGGLED, b"hello" + SMUGGLED),
    Abandoned("the largest chunk", CHUNKED + b"fffffffffffffff\r\nhello" + SMUGGLED, b"hello" + SMUGGLED),
    Abandoned("nothing of any chunk", CHUNKED, b""),
    Abandoned("half a chunk's size", CHUNKED + b"5\r\nhello\r\n1", b"hello"),
    Abandoned("half a chunk's extension", CHUNKED + b"5\r\nhello\r\n5;a", b"hello"),
    Abandoned("half a chunk's data", CHUNKED + b"5\r\nhel", b"hel"),
    Abandoned("half a chunk's end", CHUNKED + b"5\r\nhello\r", b"hello"),
    Abandoned("no last chunk", BEGUN, b"hello"),
    Abandoned("half the last chunk", BEGUN + b"0\r\n", b"hello"),
    Abandoned("half of the end", BEGUN + b"0\r\n\r", b"hello"),
    Abandoned("half a trailer", BEGUN + b"0\r\nA: b", b"hello"),
    Abandoned("trailers without an end", BEGUN + b"0\r\nA: b\r\n", b"hello"),
]
