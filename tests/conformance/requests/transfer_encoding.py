"""Transfer-Encoding: a single ``chunked`` in HTTP/1.1, and nothing that some parser takes for it."""

from tests.conformance.requests.making import CHUNKED, GET, HELLO, POST, POSTED, as_1_0, coding
from tests.conformance.rows import Forwarded, Refused

ROWS = [
    *(
        Refused(name, coding(*values))
        for name, values in (
            ("another before chunked", (b" gzip, chunked",)),
            ("another after chunked", (b" chunked, gzip",)),
            ("another alone", (b" deflate",)),
            ("chunked twice", (b" chunked, chunked",)),
            ("chunked twice without a comma", (b" chunked chunked",)),
            ("two fields with chunked", (b" chunked", b" chunked")),
            ("two fields, another before chunked", (b" gzip", b" chunked")),
            ("chunked and identity fields", (b" chunked", b" identity")),
            ("identity and chunked fields", (b" identity", b" chunked")),
            ("chunked and an empty field", (b" chunked", b"")),
            ("an empty field and chunked", (b"", b" chunked")),
            ("identity", (b" identity",)),
            ("chunked, identity", (b" chunked, identity",)),
            ("identity, chunked", (b" identity, chunked",)),
            ("empty", (b"",)),
            ("a comma alone", (b" ,",)),
            ("comma after chunked", (b" chunked,",)),
            ("comma before chunked", (b" ,chunked",)),
            ("commas and blanks before chunked", (b" , , chunked",)),
            ("ends with chunked", (b" xchunked",)),
            ("begins with chunked", (b" chunkedx",)),
            ("chunked after a hyphen", (b" x-chunked",)),
            ("blank inside", (b" chun ked",)),
            ("quoted", (b' "chunked"',)),
            ("single quotes", (b" 'chunked'",)),
            ("half a quote", (b' "chunked',)),
            ("parameter", (b" chunked;q=1",)),
            ("semicolon after it", (b" chunked;",)),
            ("comment after it", (b" chunked (a)",)),
            ("equals sign before it", (b" =chunked",)),
            ("colon before it", (b" : chunked",)),
            ("null", (b" null",)),
            ("0", (b" 0",)),
            ("after a vertical tab", (b"\x0bchunked",)),
            ("before a vertical tab", (b" chunked\x0b",)),
            ("after a form feed", (b" \x0cchunked",)),
            ("after a non-breaking blank", (b"\xa0chunked",)),
            ("before a next line of ISO 8859-1", (b" chunked\x85",)),
            ("NUL after it", (b" chunked\0",)),
            ("NUL inside", (b" chun\0ked",)),
            ("bare CR after it", (b" chunked\r",)),
            ("bare CR before it", (b"\rchunked",)),
            ("bare LF before it", (b"\nchunked",)),
            ("a letter that becomes k in small letters", (" chun\u212aed".encode(),)),
            ("full-width letters", (" \uff43hunked".encode(),)),
        )
    ),
    Refused("name and coding apart", POST + b"Transfer-Encoding\r\n: chunked\r\n\r\n" + HELLO),
    Refused("blank in the name", POST + b"Transfer Encoding: chunked\r\n\r\n" + HELLO),
    Refused("vertical tab in the name", POST + b"Transfer\x0bEncoding: chunked\r\n\r\n" + HELLO),
    Refused("blank before the name", POST + b"A: b\r\n Transfer-Encoding: chunked\r\n\r\n" + HELLO),
    Refused("equals sign for the colon", POST + b"Transfer-Encoding=chunked\r\n\r\n" + HELLO),
    Refused(
        "two in different case", POST + b"Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n\r\n" + HELLO
    ),
    Refused("chunked in 1.0", as_1_0(coding(b" chunked"))),
    Refused("chunked in 1.0 that stays open", as_1_0(coding(b" chunked\r\nConnection: keep-alive"))),
    Refused("gzip in 1.0", as_1_0(coding(b" gzip"))),
    Refused("chunked in 1.0 for a GET", as_1_0(coding(b" chunked")).replace(b"POST", b"GET")),
    Forwarded("chunked", CHUNKED + HELLO, POSTED),
    Forwarded("chunked in capitals", coding(b" CHUNKED"), POSTED),
    Forwarded("blanks around it", coding(b"  chunked  "), POSTED),
    Forwarded("tabs around it", coding(b"\tchunked\t"), POSTED, or_refused=(400,)),
    Forwarded("no blank before it", coding(b"chunked"), POSTED),
    Forwarded("name in capitals", POST + b"TRANSFER-ENCODING: chunked\r\n\r\n" + HELLO, POSTED),
    Forwarded("chunked GET", GET + b"Transfer-Encoding: chunked\r\n\r\n" + HELLO, [("GET", "/", b"hello")]),
    Forwarded(
        "chunked HEAD and empty", CHUNKED.replace(b"POST", b"HEAD") + b"0\r\n\r\n", [("HEAD", "/", b"")]
    ),
    Forwarded(
        "last of many fields", POST + b"A: b\r\n" * 90 + b"Transfer-Encoding: chunked\r\n\r\n" + HELLO, POSTED
    ),
    Forwarded("Content-Encoding is none", GET + b"Content-Encoding: chunked\r\n\r\n"),
    Forwarded(
        "names that are nearly it",
        GET
        + b"Transfer-Encodin: chunked\r\nX-Transfer-Encoding: chunked\r\nTransferEncoding: chunked\r\n\r\n",
    ),
]
