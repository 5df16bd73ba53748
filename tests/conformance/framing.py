"""Requests whose end, or whose lines, two parsers could see differently."""

from tests.conformance.rows import Forwarded, Refused

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def length(*values: bytes) -> bytes:
    """Make a request with these values of Content-Length, one field each."""
    return POST + b"".join(b"Content-Length:%b\r\n" % value for value in values) + b"\r\nhello"


def coding(*values: bytes) -> bytes:
    """Make a request with these values of Transfer-Encoding, one field each."""
    return POST + b"".join(b"Transfer-Encoding:%b\r\n" % value for value in values) + b"\r\n" + HELLO


def chunks(raw: bytes) -> bytes:
    """Make a request with a chunked body."""
    return CHUNKED + raw


LENGTHS = [
    Refused("length and coding", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    Refused("coding and length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n" + HELLO),
    Refused("coding and length 0", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + HELLO),
    Refused("differing lengths", length(b" 5", b" 6")),
    Refused("the same length twice", length(b" 5", b" 5")),
    Refused("listed lengths", length(b" 5, 5")),
    Refused("listed differing lengths", length(b" 5, 6")),
    Refused("length with a trailing comma", length(b" 5,")),
    Refused("length with a plus sign", length(b" +5")),
    Refused("negative length", length(b" -5")),
    Refused("length minus zero", length(b" -0")),
    Refused("hexadecimal length", length(b" 0x5")),
    Refused("length with a blank inside", length(b" 5 5")),
    Refused("length with a letter", length(b" 5a")),
    Refused("length with a fraction", length(b" 5.0")),
    Refused("length with an exponent", length(b" 5e0")),
    Refused("length with an underscore", length(b" 1_0")),
    Refused("length in other digits", length(" \u0665".encode())),
    Refused("empty length", length(b"")),
    Refused("length of 20 digits", length(b" 18446744073709551621")),
    Refused("length of 1000 digits", length(b" " + b"1" * 1000)),
    Refused("length after a vertical tab", length(b"\x0b5")),
]

CODINGS = [
    Refused("another coding before chunked", coding(b" gzip, chunked")),
    Refused("another coding after chunked", coding(b" chunked, gzip")),
    Refused("chunked twice", coding(b" chunked, chunked")),
    Refused("two fields with chunked", coding(b" chunked", b" chunked")),
    Refused("chunked and identity fields", coding(b" chunked", b" identity")),
    Refused("a coding that ends with chunked", coding(b" xchunked")),
    Refused("a coding that begins with chunked", coding(b" chunkedx")),
    Refused("quoted chunked", coding(b' "chunked"')),
    Refused("chunked with a parameter", coding(b" chunked;q=1")),
    Refused("chunked with a trailing comma", coding(b" chunked,")),
    Refused("identity", coding(b" identity")),
    Refused("empty coding", coding(b"")),
    Refused("coding after a vertical tab", coding(b"\x0bchunked")),
    Refused("coding after a non-breaking blank", coding(b"\xa0chunked")),
    Refused("coding in 1.0", coding(b" chunked").replace(b"HTTP/1.1", b"HTTP/1.0")),
]

CHUNKS = [
    Refused(f"chunks: {name}", chunks(raw), in_body=True)
    for name, raw in (
        ("empty size", b"\r\nhello\r\n0\r\n\r\n"),
        ("size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
        ("negative size", b"-1\r\nhello\r\n0\r\n\r\n"),
        ("size with a plus sign", b"+5\r\nhello\r\n0\r\n\r\n"),
        ("blank before the size", b" 5\r\nhello\r\n0\r\n\r\n"),
        ("blank after the size", b"5 \r\nhello\r\n0\r\n\r\n"),
        ("tab after the size", b"5\t\r\nhello\r\n0\r\n\r\n"),
        ("size with an underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
        ("size that is no number", b"g\r\nhello\r\n0\r\n\r\n"),
        ("size of 17 digits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("size of 17 digits F", b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("size of 10000 zeros", b"0" * 10_000 + b"5\r\nhello\r\n0\r\n\r\n"),
        ("extension over the limit", b"5;" + b"x" * 65_536 + b"\r\nhello\r\n0\r\n\r\n"),
        ("control character in an extension", b"5;a\0b\r\nhello\r\n0\r\n\r\n"),
        ("bare CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("bare LF in an extension", b"5;a\nhello\r\n0\r\n\r\n"),
        ("bare LF after the size", b"5\nhello\r\n0\r\n\r\n"),
        ("bare CR after the size", b"5\rhello\r\n0\r\n\r\n"),
        ("bare LF after the data", b"5\r\nhello\n0\r\n\r\n"),
        ("nothing after the data", b"5\r\nhello0\r\n\r\n"),
        ("more data than announced", b"5\r\nhello!\r\n0\r\n\r\n"),
        ("less data than announced", b"6\r\nhello\r\n0\r\n\r\n"),
        ("bare LF after the last chunk", b"5\r\nhello\r\n0\n\n"),
        ("bare LF at the end", b"5\r\nhello\r\n0\r\n\n"),
        ("trailer without a colon", b"5\r\nhello\r\n0\r\ntrailer\r\n\r\n"),
        ("trailer with a blank before the colon", b"5\r\nhello\r\n0\r\nA : b\r\n\r\n"),
        ("folded trailer", b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"),
        ("bare LF after a trailer", b"5\r\nhello\r\n0\r\nA: b\n\r\n"),
        ("trailers over the limit", b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 20_000 + b"\r\n"),
    )
]

LINES = [
    Refused(f"lines: {name}", raw)
    for name, raw in (
        ("bare CR in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n"),
        ("bare CR hiding a field", b"POST / HTTP/1.1\r\nHost: x\r\nA: b\rContent-Length: 5\r\n\r\n"),
        ("bare CR at the end of a line", b"GET / HTTP/1.1\rHost: x\r\r"),
        ("CR CR LF", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\r\n\r\n"),
        ("bare LF everywhere", b"GET / HTTP/1.1\nHost: x\n\n"),
        ("bare LF after the request line", b"GET / HTTP/1.1\nHost: x\r\n\r\n"),
        ("bare LF after a field", b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"),
        ("bare LF at the end", b"GET / HTTP/1.1\r\nHost: x\r\n\n"),
        ("bare LF in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n"),
        ("NUL in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
        ("NUL in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA\0b: c\r\n\r\n"),
        ("NUL in the target", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("NUL in the method", b"GE\0T / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("another control character in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n"),
        ("obs-fold with a blank", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"),
        ("obs-fold with a tab", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n"),
        ("obs-fold hiding a coding", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"),
        ("blank before the first name", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
        ("blank before the colon", b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n"),
        ("blank before a length's colon", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello"),
        ("tab before a coding's colon", coding(b" chunked").replace(b"Encoding:", b"Encoding\t:")),
        ("empty name", b"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n"),
        ("no colon", b"GET / HTTP/1.1\r\nHost: x\r\nAb\r\n\r\n"),
        ("blank in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n"),
        ("parentheses in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA(b): c\r\n\r\n"),
        ("other letters in a name", "GET / HTTP/1.1\r\nHost: x\r\nÄ: b\r\n\r\n".encode()),
        ("not HTTP but TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        ("the preface of HTTP/2 cut", b"PRI * HTTP\r\n\r\n"),
    )
]

SOUND = [
    Forwarded("body of a length", length(b" 5"), [("POST", "/", b"hello")]),
    Forwarded("body of length 0", POST + b"Content-Length: 0\r\n\r\n", [("POST", "/", b"")]),
    Forwarded("blanks around a length", length(b" \t5 \t"), [("POST", "/", b"hello")]),
    Forwarded("no blank before a length", length(b"5"), [("POST", "/", b"hello")]),
    Forwarded("chunked", CHUNKED + HELLO, [("POST", "/", b"hello")]),
    Forwarded("chunked in capitals", coding(b" CHUNKED"), [("POST", "/", b"hello")]),
    Forwarded("chunked with blanks", coding(b"  chunked  "), [("POST", "/", b"hello")]),
    Forwarded("chunked with tabs", coding(b"\tchunked\t"), [("POST", "/", b"hello")], or_refused=(400,)),
    Forwarded("chunked and empty", CHUNKED + b"0\r\n\r\n", [("POST", "/", b"")]),
    Forwarded(
        "several chunks",
        chunks(b"5\r\nhello\r\n0001\r\n,\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
        [("POST", "/", b"hello,01234567890123456789")],
    ),
    Forwarded(
        "chunk that looks like the end", chunks(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"), [("POST", "/", b"0\r\n\r\n")]
    ),
    Forwarded(
        "extensions are dropped", chunks(b'5;a="b";c\r\nhello\r\n0;d\r\n\r\n'), [("POST", "/", b"hello")]
    ),
    Forwarded(
        "trailers never become fields",
        chunks(b"5\r\nhello\r\n0\r\nX-Routing-Key: evil\r\nContent-Length: 7\r\n\r\n"),
        [("POST", "/", b"hello")],
        or_refused=(400,),
    ),
    Forwarded("body of a GET", length(b" 5").replace(b"POST", b"GET"), [("GET", "/", b"hello")]),
    Forwarded(
        "chunked body of a DELETE", (CHUNKED + HELLO).replace(b"POST", b"DELETE"), [("DELETE", "/", b"hello")]
    ),
    Forwarded("one empty line before", b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", [("GET", "/", b"")]),
    Forwarded(
        "one empty line after a body",
        length(b" 5") + b"\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
        [("POST", "/", b"hello"), ("GET", "/2", b"")],
    ),
    Forwarded(
        "pipelined",
        length(b" 5")
        + CHUNKED
        + HELLO
        + b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /4 HTTP/1.1\r\nHost: x\r\n\r\n",
        [("POST", "/", b"hello"), ("POST", "/", b"hello"), ("GET", "/3", b""), ("HEAD", "/4", b"")],
    ),
]

FRAMING = [
    *LENGTHS,
    *CODINGS,
    *CHUNKS,
    *LINES,
    Refused("two empty lines before", b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    *SOUND,
]
