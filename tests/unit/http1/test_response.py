"""Response heads: which are read, what is read in them, which are refused."""

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import HeadLimits, ResponseHead, parse_response_head
from tests.support.tables import table
from tests.unit.http1.refusals import ANSWER_TOO_LARGE, BAD_RESPONSE, refused

LIMITS = HeadLimits(fields=10)


@frozen
class Row:
    """What is refused.

    :param name: what is wrong.
    :param head: a whole head.
    :param expected: status and error type.
    """

    name: str
    head: bytes
    expected: tuple[int, str] = BAD_RESPONSE


def fields(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Make a head with these fields."""
    return b"".join(each + b"\r\n" for each in (status, *lines, b""))


def parse(head: bytes) -> ResponseHead:
    """Read a head."""
    return parse_response_head(head, LIMITS)


class ResponseTests(SynchronousTestCase):
    """Heads that are read."""

    def test_status_lines(self) -> None:
        for line, expected in (
            (b"HTTP/1.1 200 OK", (200, b"OK")),
            (b"HTTP/1.0 599 ", (599, b"")),
            (b"HTTP/1.1 299", (299, b"")),
            (b"HTTP/1.1 404 \xff not here", (404, b"\xff not here")),
        ):
            head = parse(fields(status=line))
            self.assertEqual((head.status, head.reason, head.interim), (*expected, False))

    def test_end_to_end_fields_keep_order_and_case(self) -> None:
        head = parse(
            fields(b"B: 1", b"a:2", b"Content-Length: 3", b"Set-Cookie: a=b", b"Set-Cookie: c", b"E:")
        )
        self.assertEqual(
            head.lines,
            [b"B: 1", b"a: 2", b"Content-Length: 3", b"Set-Cookie: a=b", b"Set-Cookie: c", b"E: "],
        )

    def test_fields_for_one_connection_and_the_router_s_own_end_here(self) -> None:
        head = parse(
            fields(
                b"Connection: a",
                b"A: 1",
                b"Keep-Alive: x",
                b"Proxy-Authenticate: x",
                b"X-Routed-To: evil",
                b"x-route-reason: evil",
                b"X-ROUTE-MATCH: evil",
                b"X-Request-Id: evil",
                b"Upgrade: h2",
            )
        )
        self.assertEqual(head.lines, [])

    def test_whether_the_connection_stays(self) -> None:
        for version, value, expected in (
            (b"1", (), True),
            (b"1", (b"Connection: close",), False),
            (b"1", (b"Connection: x, Close",), False),
            (b"0", (), False),
            (b"0", (b"Connection: keep-alive",), True),
            (b"0", (b"Connection: x, Keep-Alive",), True),
        ):
            self.assertIs(parse(fields(*value, status=b"HTTP/1." + version + b" 200")).keep_alive, expected)

    def test_an_interim_response(self) -> None:
        head = parse(fields(b"Link: a", b"Content-Length: 0", status=b"HTTP/1.1 103 Early Hints"))
        self.assertEqual((head.interim, head.lines), (True, [b"Link: a"]))

    def test_a_204_has_no_length(self) -> None:
        head = parse(fields(b"Content-Length: 0", b"A: b", status=b"HTTP/1.1 204 N"))
        self.assertEqual((head.lines, head.keep_alive), ([b"A: b"], True))

    def test_a_connection_is_not_used_again_after_a_204_that_announces_a_body(self) -> None:
        for line in (b"Content-Length: 5", b"Transfer-Encoding: chunked"):
            head = parse(fields(line, status=b"HTTP/1.1 204 N"))
            self.assertEqual((head.lines, head.keep_alive), ([], False))

    def test_a_304_keeps_its_length(self) -> None:
        head = parse(fields(b"Content-Length: 5", status=b"HTTP/1.1 304 N"))
        self.assertEqual((head.lines, head.keep_alive), ([b"Content-Length: 5"], True))

    def test_an_offer_to_upgrade_is_no_upgrade(self) -> None:
        head = parse(fields(b"Connection: Upgrade", b"Upgrade: h2", b"A: b"))
        self.assertEqual(head.lines, [b"A: b"])

    def test_a_switch_of_protocols(self) -> None:
        switch = fields(b"Upgrade: a/1", b"A: b", b"Connection: Upgrade", status=b"HTTP/1.1 101 Go")
        head = parse(switch)
        self.assertEqual((head.switches, head.interim), (True, False))
        self.assertEqual(head.lines, [b"A: b", b"Connection: Upgrade", b"Upgrade: a/1"])
        self.assertEqual(head.body(b"GET").feed(b"anything"), b"anything")
        self.assertFalse(parse(fields()).switches)

    def test_where_the_body_ends(self) -> None:
        sized, chunked, open_ended = b"Content-Length: 3", b"Transfer-Encoding: CHUNKED", b"A: b"
        for method, status, line, expected in (
            (b"GET", b"200", sized, (True, b"abc", b"\r\n")),
            (b"GET", b"200", chunked, (True, b"", b"3\r\nabc\r\n0\r\n\r\n")),
            (b"GET", b"200", open_ended, (False, b"abc\r\n", b"")),
            (b"HEAD", b"200", sized, (True, b"", b"abc\r\n")),
            (b"HEAD", b"200", chunked, (True, b"", b"abc\r\n")),
            (b"GET", b"204", chunked, (True, b"", b"abc\r\n")),
            (b"GET", b"304", sized, (True, b"", b"abc\r\n")),
        ):
            reader = parse(fields(line, status=b"HTTP/1.1 " + status + b" X")).body(method)
            if expected[2].startswith(b"3"):
                self.assertEqual((reader.feed(expected[2]), reader.done, reader.rest), (b"abc", True, b""))
                continue
            content = reader.feed(b"abc\r\n")
            self.assertEqual((reader.done, content, reader.rest), expected)

    def test_framing_is_checked_whatever_the_parser_lets_through(self) -> None:
        length, coding = (b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")
        for fields in ((length, length), (length, coding), (coding, length), (coding, coding)):
            head = ResponseHead(200, b"OK", 1)
            head.take(name + b": " + value for name, value in fields)
            self.assertEqual(refused(self, head.finish), BAD_RESPONSE)

    def refuses(self, row: Row) -> None:
        self.assertEqual(refused(self, parse, row.head), row.expected)


table(
    ResponseTests.refuses,
    [
        Row("an empty head", b"\r\n\r\n"),
        Row("version 2.0", fields(status=b"HTTP/2.0 200 OK")),
        Row("version 1.2", fields(status=b"HTTP/1.2 200 OK")),
        Row("status 099", fields(status=b"HTTP/1.1 099 X")),
        Row("status 600", fields(status=b"HTTP/1.1 600 X")),
        Row("status of four digits", fields(status=b"HTTP/1.1 2000 X")),
        Row("no blank before the reason", fields(status=b"HTTP/1.1 200OK")),
        Row("a NUL in the reason", fields(status=b"HTTP/1.1 200 \0")),
        Row("a CR in the reason", fields(status=b"HTTP/1.1 200 O\rK")),
        Row("a switch to nothing", fields(b"Connection: upgrade", status=b"HTTP/1.1 101 X")),
        Row("too many fields", fields(*(b"A: b",) * 11), ANSWER_TOO_LARGE),
        Row("a fold", fields(b"A: b", b" c")),
        Row("a blank before a colon", fields(b"A : b")),
        Row("a bare LF", fields(b"A: b\nC: d")),
        Row("two lengths", fields(b"Content-Length: 5", b"Content-Length: 5")),
        Row("a list of lengths", fields(b"Content-Length: 5, 5")),
        Row("a length of 19 digits", fields(b"Content-Length: 1000000000000000000")),
        Row("length and coding", fields(b"Content-Length: 5", b"Transfer-Encoding: chunked")),
        Row("coding and length", fields(b"Transfer-Encoding: chunked", b"Content-Length: 5")),
        Row("another coding", fields(b"Transfer-Encoding: gzip, chunked")),
        Row("chunked twice", fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")),
        Row("a coding in 1.0", fields(b"Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK")),
        Row(
            "Connection names Content-Length", fields(b"Connection: x, content-length", b"Content-Length: 1")
        ),
    ],
)(ResponseTests)
