"""Requests whose first line or fields are wrong, too many, or need a decision."""

from tests.conformance.rows import BOTH, RAW, STOCK, Forwarded, Refused

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
KEY = b"X-Routing-Key: acme\r\n"
MAX_TARGET_BYTES = 8192
MAX_HEAD_BYTES = 32768
MAX_FIELDS = 100


def line(request_line: bytes) -> bytes:
    """Make a request with this first line."""
    return request_line + b"\r\nHost: x\r\n\r\n"


def fields(*lines: bytes) -> bytes:
    """Make a GET with these fields after Host."""
    return GET + b"".join(each + b"\r\n" for each in lines) + b"\r\n"


def host(*values: bytes) -> bytes:
    """Make a GET with these Host fields."""
    return b"GET / HTTP/1.1\r\n" + b"".join(b"Host:%b\r\n" % value for value in values) + b"\r\n"


def target(size: int) -> bytes:
    """Make a GET with a target of so many bytes."""
    return line(b"GET /" + b"t" * (size - 1) + b" HTTP/1.1")


def head(size: int) -> bytes:
    """Make a GET with a head of so many bytes, in few fields."""
    raw = GET + b"".join(b"A%d: %b\r\n" % (number, b"v" * 5000) for number in range((size - 100) // 5010))
    return raw + b"Rest: " + b"v" * (size - len(raw) - 10) + b"\r\n\r\n"


def with_fields(count: int) -> bytes:
    """Make a GET with so many fields, Host included."""
    return fields(*(b"F%d: v" % number for number in range(count - 1)))


REQUEST_LINES = [
    *(
        Refused(f"request line: {name}", line(raw))
        for name, raw in (
            ("two blanks", b"GET  / HTTP/1.1"),
            ("two blanks before the version", b"GET /  HTTP/1.1"),
            ("tabs", b"GET\t/\tHTTP/1.1"),
            ("blank at its start", b" GET / HTTP/1.1"),
            ("blank at its end", b"GET / HTTP/1.1 "),
            ("blank in the target", b"GET /a b HTTP/1.1"),
            ("no target", b"GET HTTP/1.1"),
            ("nothing but a method", b"GET"),
            ("version in small letters", b"GET / http/1.1"),
            ("another protocol", b"GET / HTTPS/1.1"),
            ("version without a minor number", b"GET / HTTP/1"),
            ("version without its minor digit", b"GET / HTTP/1."),
            ("version with two minor digits", b"GET / HTTP/1.10"),
            ("version with two major digits", b"GET / HTTP/01.1"),
            ("version with letters", b"GET / HTTP/a.b"),
            ("blank in the version", b"GET / HTTP/ 1.1"),
            ("parenthesis in the method", b"GE(T / HTTP/1.1"),
            ("colon in the method", b"GET: / HTTP/1.1"),
            ("target without a slash", b"GET foo HTTP/1.1"),
            ("authority as the target", b"GET x:80 HTTP/1.1"),
            ("asterisk for a GET", b"GET * HTTP/1.1"),
            ("control character in the target", b"GET /\x01 HTTP/1.1"),
            ("DEL in the target", b"GET /\x7f HTTP/1.1"),
            ("bytes beyond ASCII in the target", b"GET /\xc3\xa4 HTTP/1.1"),
            ("user in an absolute target", b"GET http://user@x/ HTTP/1.1"),
        )
    ),
    Refused("simple request of 0.9", b"GET /\r\n", 400),
    Refused("version 0.9", line(b"GET / HTTP/0.9"), 505),
    Refused("version 2.0", line(b"GET / HTTP/2.0"), 505),
    Refused("version 3.0", line(b"GET / HTTP/3.0"), 505),
    Refused("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    Refused("CONNECT", line(b"CONNECT x:443 HTTP/1.1"), 405, closes=None),
    Refused("TRACE", line(b"TRACE / HTTP/1.1"), 405, closes=None, doors=BOTH),
]

HOSTS = [
    Refused("no Host", host(), closes=None, doors=BOTH),
    Refused("two Hosts", host(b" x", b" y"), closes=None, doors=BOTH),
    Refused("the same Host twice", host(b" x", b" x"), closes=None, doors=BOTH),
    Refused("two Hosts in 1.0", host(b" x", b" y").replace(b"HTTP/1.1", b"HTTP/1.0"), doors=RAW),
    *(
        Refused(f"Host: {name}", host(b" " + value), closes=None, doors=BOTH)
        for name, value in (
            ("blank in it", b"x y"),
            ("comma with blank", b"x, y"),
            ("path", b"x/y"),
            ("user", b"user@x"),
            ("query", b"x?y"),
            ("fragment", b"x#y"),
            ("port of letters", b"x:port"),
            ("two ports", b"x:80:81"),
            ("brackets without end", b"[::1"),
            ("scheme", b"http://x"),
            ("bytes beyond ASCII", b"\xc3\xa4"),
        )
    ),
    Forwarded("IPv6 Host", host(b" [::1]:8080"), [("GET", "/", b"")]),
    Forwarded("no Host in 1.0", b"GET / HTTP/1.0\r\n\r\n", [("GET", "/", b"")], closes=True),
]

LIMITS = [
    Forwarded("longest target", target(MAX_TARGET_BYTES), [("GET", "/" + "t" * (MAX_TARGET_BYTES - 1), b"")]),
    Refused("target over the limit", target(MAX_TARGET_BYTES + 1), 414, closes=None, doors=BOTH),
    Refused("endless target", b"GET /" + b"t" * 100_000, 414),
    Forwarded("longest head", head(MAX_HEAD_BYTES), [("GET", "/", b"")], doors=RAW),
    Refused("head over the limit", head(MAX_HEAD_BYTES + 1), 431),
    Refused("endless value", GET + b"A: " + b"v" * 100_000, 431),
    Refused("endless fields", GET + b"A: b\r\n" * 10_000, 431),
    Forwarded("most fields", with_fields(MAX_FIELDS), [("GET", "/", b"")]),
    Refused("too many fields", with_fields(MAX_FIELDS + 1), 431, closes=None, doors=BOTH),
]

FIELDS = [
    Refused("another expectation", fields(b"Expect: 200-ok"), 417, closes=None, doors=BOTH),
    Refused("two expectations", fields(b"Expect: 100-continue, x"), 417, closes=None, doors=BOTH),
    Refused("two routing keys", fields(KEY[:-2], KEY[:-2]), closes=None, doors=BOTH),
    Refused("two different routing keys", fields(KEY[:-2], b"x-routing-key: b"), closes=None, doors=BOTH),
    Refused("two routing keys, one empty", fields(KEY[:-2], b"x-routing-key:"), closes=None, doors=BOTH),
    Refused("joined routing keys", fields(b"X-Routing-Key: acme, b"), closes=None, doors=BOTH),
    Refused("routing key with a comma", fields(b"X-Routing-Key: acme,"), closes=None, doors=BOTH),
    *(
        Refused(f"Connection names {name.decode()}", fields(b"Connection: " + name), closes=None, doors=BOTH)
        for name in (
            b"host",
            b"Content-Length",
            b"x-routing-key",
            b"X-Forwarded-For",
            b"x-forwarded-proto",
            b"X-Forwarded-Host",
            b"close, X-ROUTING-KEY",
            b"a,,\tx-routing-key ,b",
            b"close\r\nConnection: x-routing-key",
        )
    ),
    *(
        Forwarded(f"underscores in {name.decode()}", fields(name + b": 5"), [("GET", "/", b"")])
        for name in (b"Content_Length", b"Transfer_Encoding", b"x_routing_key", b"X_Forwarded-For")
    ),
    Refused(
        "upgrade to WebSocket",
        fields(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"),
        501,
        closes=None,
        doors=STOCK,
    ),
    Forwarded(
        "upgrade to clear-text HTTP/2",
        fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        [("GET", "/", b"")],
        or_refused=(501,),
    ),
    Forwarded("routing key", fields(KEY[:-2]), [("GET", "/", b"")]),
    Forwarded("empty routing key", fields(b"X-Routing-Key:"), [("GET", "/", b"")]),
    Forwarded("impossible routing key", fields(b"X-Routing-Key: \xff\xfe"), [("GET", "/", b"")]),
    Forwarded("long value", fields(b"A: " + b"v" * 8000), [("GET", "/", b"")]),
]

FORMS = [
    Forwarded(
        "origin form with a query",
        line(b"GET /a%20b?c=d&e=/?;f HTTP/1.1"),
        [("GET", "/a%20b?c=d&e=/?;f", b"")],
    ),
    Forwarded("path that climbs", line(b"GET /a/../..//b/. HTTP/1.1"), [("GET", "/a/../..//b/.", b"")]),
    Forwarded("two slashes", line(b"GET //x/ HTTP/1.1"), [("GET", "//x/", b"")], or_refused=(400,)),
    Forwarded("absolute form", line(b"GET http://x/a?b HTTP/1.1"), [("GET", "/a?b", b"")], doors=RAW),
    Forwarded("absolute form in capitals", line(b"GET HTTP://x/a HTTP/1.1"), [("GET", "/a", b"")], doors=RAW),
    Forwarded("absolute form without a path", line(b"GET http://x HTTP/1.1"), [("GET", "/", b"")], doors=RAW),
    Forwarded(
        "absolute form, query only", line(b"GET http://x?b HTTP/1.1"), [("GET", "/?b", b"")], doors=RAW
    ),
    Forwarded(
        "absolute form behind twisted.web",
        line(b"GET http://x/a?b HTTP/1.1"),
        [("GET", "/a?b", b"")],
        or_refused=(400,),
    ),
    Forwarded("OPTIONS of the server", line(b"OPTIONS * HTTP/1.1"), [("OPTIONS", "*", b"")], doors=RAW),
    Forwarded("OPTIONS of a path", line(b"OPTIONS /a HTTP/1.1"), [("OPTIONS", "/a", b"")]),
    Forwarded("unknown method", line(b"BREW / HTTP/1.1"), [("BREW", "/", b"")], or_refused=(501,)),
    Forwarded("method in small letters", line(b"get / HTTP/1.1"), [("get", "/", b"")], or_refused=(501,)),
    Forwarded("method PRI of 1.1", line(b"PRI / HTTP/1.1"), [("PRI", "/", b"")], or_refused=(400, 501)),
    Forwarded("version 1.0", line(b"GET / HTTP/1.0"), [("GET", "/", b"")], closes=True),
    Forwarded("end of connection asked for", fields(b"Connection: close"), [("GET", "/", b"")], closes=True),
    Forwarded(
        "nothing after a request to close",
        fields(b"Connection: Close") + fields(),
        [("GET", "/", b"")],
        closes=True,
    ),
]

HEADS = [*REQUEST_LINES, *HOSTS, *LIMITS, *FIELDS, *FORMS]
