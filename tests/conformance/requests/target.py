"""The request target: sent on byte by byte in origin form, and refused when it has no one reading."""

from tests.conformance.requests.making import host, line
from tests.conformance.rows import BOTH, RAW, STOCK, Forwarded, Refused


def kept(name: str, target: str) -> Forwarded:
    """Make a row for a target that arrives as it was sent."""
    return Forwarded(name, line(b"GET %b HTTP/1.1" % target.encode()), [("GET", target, b"")])


def absolute(name: str, target: bytes, seen: str, host: str = "y", method: str = "GET") -> Forwarded:
    """Make a row for an absolute target, whose host is the one that counts."""
    return Forwarded(
        f"absolute form: {name}",
        line(method.encode() + b" " + target + b" HTTP/1.1"),
        [(method, seen, b"")],
        host=host,
        doors=RAW,
    )


ROWS = [
    kept("query", "/a%20b?c=d&e=/?;f"),
    kept("everything at once", "/%2e%2e/..//;a=b?c=d%00"),
    kept("path that climbs", "/a/../..//b/."),
    kept("climbs above the root, encoded", "/%2E%2E/%2e%2e%2f"),
    Forwarded("two slashes", line(b"GET //x/ HTTP/1.1"), [("GET", "//x/", b"")], or_refused=(400,)),
    kept("slashes inside and at its end", "/a///b//"),
    kept("encoded slash and backslash", "/a%2Fb%5cc"),
    kept("digits of an encoding in either case", "/%c3%A4%C3%a4"),
    kept("encoded line ends", "/%0d%0aHost:%20y%0D%0A%0D%0A"),
    kept("encoded NUL, twice encoded", "/a%00.html%2500"),
    kept("encoding without digits", "/%"),
    kept("encoding of letters that are no digits", "/%zz%u0041"),
    kept("encoded fragment", "/a%23b"),
    kept("unreserved letters encoded", "/%61%7E"),
    kept("empty query", "/a?"),
    kept("question marks", "/??a?"),
    kept("query of a URL", "/?u=http://y/?z=1"),
    kept("another URL as path", "/http://y/a"),
    kept("colon and at sign", "/:80@y"),
    kept("parameters", "/a;b=c;d/e,f=g"),
    kept("asterisk as path", "/*"),
    kept("backslash", "/a\\b\\..\\c"),
    kept("visible characters that are none of a URI", '/"<>^`{|}'),
    kept("plus signs and tildes", "/a+b~c?d+e~"),
    kept("looks like a version", "/HTTP/1.1"),
    *(
        Refused(name, line(b"GET %b HTTP/1.1" % raw))
        for name, raw in (
            ("blank", b"/a b"),
            ("tab", b"/a\tb"),
            ("control character", b"/\x01"),
            ("NUL", b"/\0"),
            ("DEL", b"/\x7f"),
            ("bytes beyond ASCII", b"/\xc3\xa4"),
            ("next line of ISO 8859-1", b"/\x85"),
            ("bare CR", b"/a\rb"),
            ("fragment", b"/a#b"),
            ("fragment of a query", b"/a?b#c"),
            ("fragment only", b"#a"),
            ("query only", b"?a"),
            ("no slash", b"foo"),
            ("relative path", b"../a"),
            ("backslash for a slash", b"\\a"),
            ("encoded slash for a slash", b"%2fa"),
            ("authority", b"x:80"),
            ("asterisk for a GET", b"*"),
            ("asterisk and path", b"*/a"),
            ("absolute form: user", b"http://user@x/"),
            ("absolute form: user and password", b"http://x:80@y/"),
            ("absolute form: no authority", b"http:///a"),
            ("absolute form: no host", b"http://:80/a"),
            ("absolute form: one slash", b"http:/x/a"),
            ("absolute form: no slashes", b"http:x"),
            ("absolute form: backslashes", b"http:\\\\x\\a"),
            ("absolute form: backslash after the host", b"http://x\\a"),
            ("absolute form: other scheme", b"ftp://x/"),
            ("absolute form: WebSocket's scheme", b"ws://x/"),
            ("absolute form: script", b"javascript:x"),
            ("absolute form: fragment", b"http://x/#a"),
            ("absolute form: port of letters", b"http://x:port/"),
            ("absolute form: two ports", b"http://x:80:81/"),
            ("absolute form: brackets without end", b"http://[::1/"),
            ("absolute form: bytes beyond ASCII", b"http://\xc3\xa4/"),
        )
    ),
    Refused("asterisk for OPTIONS and a query", line(b"OPTIONS *?a HTTP/1.1")),
    Refused("two asterisks for OPTIONS", line(b"OPTIONS ** HTTP/1.1")),
    absolute("same host", b"http://x/a?b", "/a?b", "x"),
    absolute("other host", b"http://y/a", "/a"),
    absolute("scheme and host in capitals", b"HTTP://Y/A", "/A", "Y"),
    absolute("https", b"https://y:8443/a", "/a", "y:8443"),
    absolute("no path", b"http://y", "/"),
    absolute("query only", b"http://y?b", "/?b"),
    absolute("path kept byte by byte", b"http://y//a/../%2e?", "//a/../%2e?"),
    absolute("IPv6", b"http://[::1]:80/", "/", "[::1]:80"),
    absolute("at sign in the path", b"http://y/@z", "/@z"),
    absolute("OPTIONS without a path", b"http://y", "*", method="OPTIONS"),
    absolute("OPTIONS of the root", b"http://y/", "/", method="OPTIONS"),
    Forwarded(
        "absolute form: 1.0 without a Host",
        b"GET http://y/a HTTP/1.0\r\n\r\n",
        [("GET", "/a", b"")],
        host="y",
        closes=True,
        doors=RAW,
    ),
    Refused("absolute form: no Host", b"GET http://y/ HTTP/1.1\r\n\r\n", closes=None, doors=BOTH),
    Refused(
        "absolute form: two Hosts",
        host(b" x", b" y").replace(b"GET /", b"GET http://x/"),
        closes=None,
        doors=BOTH,
    ),
    Refused(
        "absolute form: malformed Host",
        host(b" x/y").replace(b"GET /", b"GET http://x/"),
        closes=None,
        doors=BOTH,
    ),
    Forwarded(
        "absolute form behind twisted.web",
        line(b"GET http://x?b HTTP/1.1"),
        [("GET", "/?b", b"")],
        or_refused=(400,),
        doors=STOCK,
    ),
    Forwarded("OPTIONS of the server", line(b"OPTIONS * HTTP/1.1"), [("OPTIONS", "*", b"")], doors=RAW),
    Forwarded("OPTIONS of a path", line(b"OPTIONS /a HTTP/1.1"), [("OPTIONS", "/a", b"")]),
]
