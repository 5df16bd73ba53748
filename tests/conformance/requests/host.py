"""Host: one field, with a host and perhaps a port, as RFC 3986 writes them."""

from tests.conformance.requests.making import as_1_0, fields, host
from tests.conformance.rows import BOTH, RAW, Forwarded, Refused

ROWS = [
    Refused("none", host(), closes=None, doors=BOTH),
    Refused("two", host(b" x", b" y"), closes=None, doors=BOTH),
    Refused("the same twice", host(b" x", b" x"), closes=None, doors=BOTH),
    Refused("two in 1.0", as_1_0(host(b" x", b" y")), doors=RAW),
    Refused("two, one empty", host(b" x", b""), closes=None, doors=BOTH),
    Refused("two in different case, apart", fields(b"A: b", b"HOST: y"), closes=None, doors=BOTH),
    Refused(
        "only one with an underscore before it",
        host().replace(b"\r\n\r\n", b"\r\n_Host: x\r\n\r\n"),
        closes=None,
    ),
    *(
        Refused(name, host(b" " + value), closes=None, doors=BOTH)
        for name, value in (
            ("blank in it", b"x y"),
            ("tab in it", b"x\ty"),
            ("comma with blank", b"x, y"),
            ("path", b"x/y"),
            ("backslash", b"x\\y"),
            ("user", b"user@x"),
            ("user and password", b"user:password@x"),
            ("query", b"x?y"),
            ("fragment", b"x#y"),
            ("scheme", b"http://x"),
            ("two slashes before it", b"//x"),
            ("quotes", b'"x"'),
            ("angle brackets", b"<x>"),
            ("bytes beyond ASCII", b"\xc3\xa4"),
            ("non-breaking blank at its start", b"\xa0x"),
            ("port of letters", b"x:port"),
            ("two ports", b"x:80:81"),
            ("port with a sign", b"x:+80"),
            ("port after a blank", b"x: 80"),
            ("hexadecimal port", b"x:0x50"),
            ("port of six digits", b"x:100080"),
            ("two colons before the port", b"x::80"),
            ("IPv6 without brackets", b"::1"),
            ("brackets without end", b"[::1"),
            ("brackets without beginning", b"::1]"),
            ("name in brackets", b"[x]"),
            ("nothing in brackets", b"[]"),
            ("name before brackets", b"x[::1]"),
            ("name after brackets", b"[::1]x"),
            ("zone of an IPv6 address", b"[fe80::1%eth0]"),
        )
    ),
    Forwarded("IPv6", host(b" [::1]:8080")),
    Forwarded("IPv4 embedded in IPv6", host(b" [::ffff:192.0.2.1]")),
    Forwarded("every other character of a name", host(b" a-z.A_Z~09!$&'()*+;=%41")),
    Forwarded("capitals are kept", host(b" Www.EXAMPLE.com")),
    Forwarded("dot at the end", host(b" x.test.")),
    Forwarded("port", host(b" x:8080")),
    Forwarded("empty port", host(b" x:")),
    Forwarded("blanks around it", host(b" \tx:80\t ")),
    Forwarded("name in small letters", host(b" x").replace(b"Host", b"host")),
    Forwarded(
        "after other fields",
        b"GET / HTTP/1.1\r\nA: b\r\nHost: x\r\nC: d\r\n\r\n",
    ),
    Forwarded("long", host(b" " + b"h" * 255)),
    Forwarded("none in 1.0", b"GET / HTTP/1.0\r\n\r\n", closes=True),
    Forwarded("1.0", as_1_0(host(b" y:1")), closes=True),
]
