"""The first line: a method, a target and a version, one blank between them, and nothing before them."""

from tests.conformance.requests.making import GET, line
from tests.conformance.rows import Forwarded, Refused

ROWS = [
    *(
        Refused(name, line(raw))
        for name, raw in (
            ("two blanks", b"GET  / HTTP/1.1"),
            ("two blanks before the version", b"GET /  HTTP/1.1"),
            ("tabs", b"GET\t/\tHTTP/1.1"),
            ("tab before the version only", b"GET /\tHTTP/1.1"),
            ("vertical tab after the method", b"GET\x0b/ HTTP/1.1"),
            ("form feed after the target", b"GET /\x0cHTTP/1.1"),
            ("non-breaking blank after the method", b"GET\xa0/ HTTP/1.1"),
            ("bare CR for a blank", b"GET\r/ HTTP/1.1"),
            ("blank at its start", b" GET / HTTP/1.1"),
            ("blank at its end", b"GET / HTTP/1.1 "),
            ("tab at its end", b"GET / HTTP/1.1\t"),
            ("bare CR at its end", b"GET / HTTP/1.1\r"),
            ("word after the version", b"GET / HTTP/1.1 HTTP/1.1"),
            ("no blank after the target", b"GET /HTTP/1.1"),
            ("no target", b"GET HTTP/1.1"),
            ("no version", b"GET /"),
            ("nothing but a method", b"GET"),
            ("nothing but a version", b"HTTP/1.1"),
            ("version in small letters", b"GET / http/1.1"),
            ("another protocol", b"GET / HTTPS/1.1"),
            ("RTSP", b"OPTIONS * RTSP/1.0"),
            ("version without a minor number", b"GET / HTTP/1"),
            ("version without its minor digit", b"GET / HTTP/1."),
            ("version without its major digit", b"GET / HTTP/.1"),
            ("version with two minor digits", b"GET / HTTP/1.10"),
            ("version with two major digits", b"GET / HTTP/01.1"),
            ("version of three numbers", b"GET / HTTP/1.1.1"),
            ("version with a comma", b"GET / HTTP/1,1"),
            ("version with a sign", b"GET / HTTP/+1.1"),
            ("version with letters", b"GET / HTTP/a.b"),
            ("version in other digits", "GET / HTTP/\u0661.\u0661".encode()),
            ("blank in the version", b"GET / HTTP/ 1.1"),
            ("blank before the version's slash", b"GET / HTTP /1.1"),
            ("folded", b"GET / \r\n HTTP/1.1"),
        )
    ),
    *(
        Refused(f"before it: {name}", raw + GET + b"\r\n")
        for name, raw in (
            ("two empty lines", b"\r\n\r\n"),
            ("line of a blank", b" \r\n"),
            ("bare LF", b"\n"),
            ("bare CR", b"\r"),
            ("CR CR LF", b"\r\r\n"),
            ("NUL", b"\0"),
            ("byte order mark", b"\xef\xbb\xbf"),
            ("header of the PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n"),
            ("field line", b"X-Routing-Key: acme\r\n"),
            ("chunk", b"5\r\nhello\r\n"),
        )
    ),
    Refused("a response", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    Refused("not HTTP but TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    Refused("not HTTP but SMTP", b"EHLO x\r\n\r\n"),
    Refused("the preface of HTTP/2 cut", b"PRI * HTTP\r\n\r\n"),
    Refused("simple request of 0.9", b"GET /\r\n", 400),
    Refused("version 0.9", line(b"GET / HTTP/0.9"), 505),
    Refused("version 2.0", line(b"GET / HTTP/2.0"), 505),
    Refused("version 3.0", line(b"GET / HTTP/3.0"), 505),
    Refused("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    # RFC 9110 section 2.5 would have it read as 1.1, which section 15.6.6 leaves to the server.
    Refused("version 1.2", line(b"GET / HTTP/1.2"), 505),
    Forwarded("one empty line before", b"\r\n" + GET + b"\r\n"),
]
