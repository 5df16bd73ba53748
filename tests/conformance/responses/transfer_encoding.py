"""Transfer-Encoding: a single ``chunked`` in HTTP/1.1, and nothing else."""

from tests.conformance.responses.making import OK, coding
from tests.conformance.rows import CLOSE, Broken, Passed

ROWS = [
    *(
        Broken(name, coding(*values))
        for name, values in (
            ("another before chunked", (b" gzip, chunked",)),
            ("another after chunked", (b" chunked, gzip",)),
            ("another alone", (b" gzip",)),
            ("chunked twice", (b" chunked, chunked",)),
            ("chunked twice without a comma", (b" chunked chunked",)),
            ("two fields with chunked", (b" chunked", b" chunked")),
            ("two fields, another before chunked", (b" gzip", b" chunked")),
            ("chunked and an empty field", (b" chunked", b"")),
            ("chunked and identity fields", (b" chunked", b" identity")),
            ("identity", (b" identity",)),
            ("identity, chunked", (b" identity, chunked",)),
            ("empty", (b"",)),
            ("comma before chunked", (b" ,chunked",)),
            ("comma after chunked", (b" chunked,",)),
            ("ends with chunked", (b" xchunked",)),
            ("begins with chunked", (b" chunkedx",)),
            ("quoted", (b' "chunked"',)),
            ("parameter", (b" chunked;q=1",)),
            ("after a vertical tab", (b" \x0bchunked",)),
            ("after a non-breaking blank", (b" \xa0chunked",)),
            ("NUL after it", (b" chunked\0",)),
            ("bare CR after it", (b" chunked\r",)),
            ("a letter that becomes k in small letters", (" chun\u212aed".encode(),)),
        )
    ),
    Broken("chunked in 1.0", coding(b" chunked", version=b"1.0")),
    Broken("identity in 1.0", coding(b" identity", version=b"1.0")),
    Broken("gzip until the close", OK + b"Transfer-Encoding: gzip\r\n\r\nok", then=CLOSE, error=None),
    Broken("blank in the name", OK + b"Transfer Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    Passed("chunked", coding(b" chunked"), b"hello", reused=True),
    Passed("chunked in capitals", coding(b" CHUNKED"), b"hello", reused=True),
    Passed(
        "name in capitals, no blank",
        coding(b"chunked").replace(b"Transfer-Encoding", b"TRANSFER-ENCODING"),
        b"hello",
        reused=True,
    ),
    Passed("for a 1.0 client", coding(b" chunked"), b"hello", version="1.0"),
    Passed(
        "Content-Encoding is none",
        OK + b"Content-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
        reused=True,
    ),
    Passed(
        "with underscores: a length counts",
        OK + b"Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
        reused=True,
    ),
]
