"""Request heads: which are read, what is read in them, which are refused."""

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import HeadLimits, RequestHead, parse_request_head
from tests.support.tables import table
from tests.unit.http1.refusals import BAD_REQUEST, HEAD_TOO_LARGE, TARGET_TOO_LONG, refused

LIMITS = HeadLimits(target_bytes=100, head_bytes=4000, fields=20)
NOT_ALLOWED = (405, "http_request_error")
EXPECTATION_FAILED = (417, "http_request_error")
BAD_VERSION = (505, "http_request_error")


@frozen
class Row:
    """What is refused.

    :param name: what is wrong.
    :param head: a whole head.
    :param expected: status and error type.
    """

    name: str
    head: bytes
    expected: tuple[int, str] = BAD_REQUEST


def line(request_line: bytes) -> bytes:
    """Make a head with this first line."""
    return request_line + b"\r\nHost: x\r\n\r\n"


def fields(*lines: bytes) -> bytes:
    """Make a head with these fields after ``Host``."""
    return b"".join(each + b"\r\n" for each in (b"POST / HTTP/1.1", b"Host: x", *lines, b""))


def parse(head: bytes) -> RequestHead:
    """Read a head."""
    return parse_request_head(head, LIMITS)


class TargetTests(SynchronousTestCase):
    """Method, target and version."""

    def test_origin_form(self) -> None:
        head = parse(line(b"GET /a%20b;c?d=/e?f HTTP/1.1"))
        self.assertEqual((head.method, head.target, head.minor), (b"GET", b"/a%20b;c?d=/e?f", 1))

    def test_any_token_is_a_method(self) -> None:
        for method in (b"get", b"BREW", b"M-SEARCH", b"!#$%&'*+-.^_`|~09"):
            self.assertEqual(parse(line(method + b" / HTTP/1.1")).method, method)

    def test_other_forms_become_origin_form(self) -> None:
        for method, target, expected in (
            (b"GET", b"http://y", b"/"),
            (b"GET", b"HTTPS://y:80/a?b", b"/a?b"),
            (b"GET", b"http://y?b", b"/?b"),
            (b"OPTIONS", b"*", b"*"),
            (b"OPTIONS", b"http://y", b"*"),
            (b"OPTIONS", b"http://y/", b"/"),
        ):
            self.assertEqual(parse(line(method + b" " + target + b" HTTP/1.1")).target, expected)

    def test_the_host_of_an_absolute_target_replaces_the_field(self) -> None:
        head = parse(b"GET http://y:80/ HTTP/1.1\r\nA: b\r\nHost: x\r\nC: d\r\n\r\n")
        self.assertEqual((head.host, head.lines), (b"y:80", [b"Host: y:80", b"A: b", b"C: d"]))

    def test_the_longest_target(self) -> None:
        target = b"/" + b"t" * 99
        self.assertEqual(parse(line(b"GET " + target + b" HTTP/1.1")).target, target)

    def test_version_1_0_needs_no_host(self) -> None:
        head = parse(b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual((head.minor, head.host, head.lines), (0, None, []))

    def refuses(self, row: Row) -> None:
        self.assertEqual(refused(self, parse, row.head), row.expected)


table(
    TargetTests.refuses,
    [
        Row("an empty head", b"\r\n\r\n"),
        Row("a simple request", b"GET /\r\n\r\n"),
        Row("a blank too many", line(b"GET  / HTTP/1.1")),
        Row("a blank at the end", line(b"GET / HTTP/1.1 ")),
        Row("a tab", line(b"GET\t/ HTTP/1.1")),
        Row("two minor digits", line(b"GET / HTTP/1.11")),
        Row("a control character", line(b"GET /\x7f HTTP/1.1")),
        Row("no ASCII", line(b"GET /\xc3\xa4 HTTP/1.1")),
        Row("a fragment", line(b"GET /#a HTTP/1.1")),
        Row("a fragment in absolute form", line(b"GET http://x/#a HTTP/1.1")),
        Row("no path", line(b"GET a HTTP/1.1")),
        Row("an asterisk for another method", line(b"GET * HTTP/1.1")),
        Row("another scheme", line(b"GET ftp://x/ HTTP/1.1")),
        Row("no host in absolute form", line(b"GET http:///a HTTP/1.1")),
        Row("a user in absolute form", line(b"GET http://u@x/a HTTP/1.1")),
        Row("a bad port in absolute form", line(b"GET http://x:y/a HTTP/1.1")),
        Row("over the limit", line(b"GET /" + b"t" * 100 + b" HTTP/1.1"), TARGET_TOO_LONG),
        Row("over the limit and malformed", line(b"GET /" + b"\xff" * 100 + b" HTTP/1.1"), TARGET_TOO_LONG),
        Row("CONNECT", line(b"CONNECT x:443 HTTP/1.1"), NOT_ALLOWED),
        Row("TRACE", line(b"TRACE / HTTP/1.1"), NOT_ALLOWED),
        Row("connect in small letters", line(b"connect x:443 HTTP/1.1"), NOT_ALLOWED),
        Row("trace in mixed letters", line(b"Trace / HTTP/1.1"), NOT_ALLOWED),
        Row("version 0.9", line(b"GET / HTTP/0.9"), BAD_VERSION),
        Row("version 2.0", line(b"PRI * HTTP/2.0"), BAD_VERSION),
    ],
)(TargetTests)


class FieldTests(SynchronousTestCase):
    """Fields that are read."""

    def test_end_to_end_fields_keep_order_and_case(self) -> None:
        head = parse(
            fields(b"B: 1", b"a:2", b"B: \xff\t3", b"X-Routing-Key: k", b"Empty:", b"Content-Length: 3")
        )
        self.assertEqual(
            head.lines,
            [
                b"Host: x",
                b"B: 1",
                b"a: 2",
                b"B: \xff\t3",
                b"X-Routing-Key: k",
                b"Empty: ",
                b"Content-Length: 3",
            ],
        )

    def test_fields_for_one_connection_end_here(self) -> None:
        head = parse(
            fields(
                b"Connection: a, B ,,",
                b"A: 1",
                b"b: 2",
                b"C: 3",
                b"connection: keep-alive",
                b"Keep-Alive: 1",
                b"Proxy-Connection: x",
                b"Proxy-Authorization: x",
                b"Proxy-Authenticate: x",
                b"TE: trailers",
                b"Upgrade: x",
            )
        )
        self.assertEqual(head.lines, [b"Host: x", b"C: 3"])

    def test_whether_the_connection_stays(self) -> None:
        for version, value, expected in (
            (b"1", b"", True),
            (b"1", b"Connection: close", False),
            (b"1", b"Connection: a, CLOSE", False),
            (b"1", b"Connection: keep-alive, close", False),
            (b"0", b"", False),
            (b"0", b"Connection: Keep-Alive", True),
            (b"0", b"Connection: x, keep-alive", True),
        ):
            lines = b"".join(each + b"\r\n" for each in (value,) if each)
            head = parse(b"GET / HTTP/1." + version + b"\r\nHost: x\r\n" + lines + b"\r\n")
            self.assertIs(head.keep_alive, expected, value)

    def test_the_body(self) -> None:
        for value, expected in (
            (b"A: b", (None, False, False)),
            (b"Content-Length: 0", (0, False, False)),
            (b"Content-Length: \t007 ", (7, False, True)),
            (b"Content-Length: 999999999999999999", (10**18 - 1, False, True)),
            (b"Transfer-Encoding: \tChunked ", (None, True, True)),
        ):
            head = parse(fields(value))
            self.assertEqual((head.content_length, head.chunked, head.has_body), expected, value)

    def test_the_routing_key_is_trimmed(self) -> None:
        for value, expected in ((b" \tk ", b"k"), (b"", b""), (b" \xff k", b"\xff k")):
            self.assertEqual(parse(fields(b"x-routing-key:" + value)).routing_key, expected)
        self.assertIsNone(parse(fields()).routing_key)

    def test_what_says_where_a_request_came_from_is_set_apart(self) -> None:
        head = parse(fields(b"X-Forwarded-For: a", b"X-Request-ID: 1", b"FORWARDED: b", b"x-request-id: 2"))
        self.assertEqual(head.forwarded, [(b"x-forwarded-for", b"a"), (b"forwarded", b"b")])
        self.assertEqual((head.request_ids, head.lines), ([b"1", b"2"], [b"Host: x"]))

    def test_hosts(self) -> None:
        for value in (b"x", b"x.test:8080", b"x:", b"[::1]:80", b"", b"a_b%7e"):
            self.assertEqual(parse(b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n").host, value)

    def test_an_expectation_is_sent_on_if_a_body_waits_for_it(self) -> None:
        expectation = b"Expect: 100-Continue"
        for head, expected in (
            (parse(fields(expectation, b"Content-Length: 1")), True),
            (parse(fields(expectation, b"Transfer-Encoding: chunked", b"Connection: expect")), True),
            (parse(fields(expectation)), False),
            (parse(b"POST / HTTP/1.0\r\nContent-Length: 1\r\n" + expectation + b"\r\n\r\n"), False),
        ):
            self.assertEqual(b"Expect: 100-continue" in head.lines, expected)

    def test_an_offer_of_clear_text_http_2_is_ignored(self) -> None:
        head = parse(fields(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: A"))
        self.assertEqual(head.lines, [b"Host: x"])

    def test_a_look_alike_with_an_underscore_is_dropped(self) -> None:
        head = parse(fields(b"X_Routing-Key: a", b"content_length: 5", b"X_Forwarded_For: b", b"a_b: c"))
        self.assertEqual((head.routing_key, head.has_body), (None, False))
        self.assertEqual(head.lines[1:], [b"a_b: c"])

    def test_an_offer_to_upgrade_is_passed_on_without_h2c(self) -> None:
        head = parse(fields(b"Connection: keep-alive, upgrade", b"Upgrade: h2c, websocket"))
        self.assertEqual(head.upgrade, b"websocket")
        self.assertEqual(head.lines[1:], [b"Connection: Upgrade", b"Upgrade: websocket"])

    def test_an_offer_to_upgrade_with_a_body_is_ignored(self) -> None:
        head = parse(fields(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 5"))
        self.assertEqual((head.upgrade, head.lines[1:]), (None, [b"Content-Length: 5"]))

    def test_an_upgrade_that_connection_does_not_name_is_ignored(self) -> None:
        self.assertEqual(parse(fields(b"Upgrade: websocket")).lines, [b"Host: x"])

    def test_an_upgrade_in_1_0_is_ignored(self) -> None:
        parse(b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")

    def test_the_most_fields(self) -> None:
        self.assertEqual(len(parse(fields(*(b"A: b",) * 19)).lines), 20)

    def refuses(self, row: Row) -> None:
        self.assertEqual(refused(self, parse, row.head), row.expected)


table(
    FieldTests.refuses,
    [
        Row("no Host", b"GET / HTTP/1.1\r\n\r\n"),
        Row("no Host with an absolute target", b"GET http://x/ HTTP/1.1\r\n\r\n"),
        Row("two Hosts", fields(b"host: x")),
        Row("two Hosts in 1.0", b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n"),
        *(
            Row(f"Host with {name}", b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n")
            for name, value in (
                *(("a path", b"x/"), ("a blank", b"x y"), ("a user", b"u@x"), ("a query", b"x?")),
                *(("six digits", b"x:123456"), ("letters", b"x:y"), ("half a bracket", b"[::1")),
                *(("a fragment", b"x#"), ("quotes", b'"x"'), ("no ASCII", b"\xe4")),
            )
        ),
        Row("one field too many", fields(*(b"A: b",) * 20), HEAD_TOO_LARGE),
        Row("no colon", fields(b"A")),
        Row("no name", fields(b": b")),
        Row("a blank in a name", fields(b"A b: c")),
        Row("a blank before a colon", fields(b"A : b")),
        Row("a fold", fields(b"A: b", b" c")),
        Row("a fold without a field", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
        Row("a NUL", fields(b"A: \0")),
        Row("a CR", fields(b"A: b\rc")),
        Row("a LF", fields(b"A: b\nc: d")),
        Row("a DEL", fields(b"A: \x7f")),
        Row("two lengths", fields(b"Content-Length: 5", b"content-length: 5")),
        Row("a list of lengths", fields(b"Content-Length: 5, 5")),
        Row("a sign in a length", fields(b"Content-Length: +5")),
        Row("an empty length", fields(b"Content-Length:")),
        Row("a length of 19 digits", fields(b"Content-Length: 1000000000000000000")),
        Row("length and coding", fields(b"Content-Length: 5", b"Transfer-Encoding: chunked")),
        Row("coding and length", fields(b"Transfer-Encoding: chunked", b"Content-Length: 5")),
        Row("another coding", fields(b"Transfer-Encoding: gzip")),
        Row("another coding and chunked", fields(b"Transfer-Encoding: gzip, chunked")),
        Row("chunked twice", fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")),
        Row("an empty coding", fields(b"Transfer-Encoding:")),
        Row("a coding in 1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Row("two routing keys", fields(b"X-Routing-Key: a", b"X-Routing-Key: a")),
        Row("two empty routing keys", fields(b"X-Routing-Key:", b"X-Routing-Key:")),
        Row("a comma in a routing key", fields(b"X-Routing-Key: a,b")),
        *(
            Row(f"Connection names {name.decode()}", fields(b"Connection: close, " + name))
            for name in (
                *(b"HOST", b"content-length", b"x-routing-key", b"via", b"x-request-id"),
                *(b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"),
            )
        ),
        Row("another expectation", fields(b"Expect: 200-ok", b"Content-Length: 1"), EXPECTATION_FAILED),
        Row("an expectation beside 100", fields(b"Expect: 100-continue", b"Expect: x"), EXPECTATION_FAILED),
        Row("a fault tells before an expectation", fields(b"Expect: x", b"X-Routing-Key: a,b")),
    ],
)(FieldTests)
