"""Request heads that another parser has read, by looser rules perhaps."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import HeadLimits, RequestHead, parse_request_head, take_request_head
from tests.unit.http1.refusals import BAD_REQUEST, HEAD_TOO_LARGE, TARGET_TOO_LONG, refused

LIMITS = HeadLimits(target_bytes=100, head_bytes=4000, fields=20)
NOT_ALLOWED = (405, "http_request_error")


class TakenHeadTests(SynchronousTestCase):
    """They are held to the same rules."""

    def take(
        self,
        method: bytes = b"GET",
        target: bytes = b"/",
        *added: tuple[bytes, bytes],
        minor: int = 1,
    ) -> RequestHead:
        return take_request_head(method, target, minor, [(b"Host", b"x"), *added], LIMITS)

    def test_it_is_the_same_as_one_that_was_parsed(self) -> None:
        taken = self.take(b"POST", b"/a?b", (b"X-Routing-Key", b"k "), (b"Content-Length", b"3"))
        parsed = parse_request_head(
            b"POST /a?b HTTP/1.1\r\nHost: x\r\nX-Routing-Key:k \r\nContent-Length: 3\r\n\r\n", LIMITS
        )
        for attribute in ("method", "target", "minor", "lines", "host", "routing_key", "content_length"):
            self.assertEqual(getattr(taken, attribute), getattr(parsed, attribute))

    def test_nothing_can_be_injected(self) -> None:
        injection = b" HTTP/1.1\r\nX-Routing-Key: evil\r\n"
        for arguments in (
            (b"GET /" + injection, b"/"),
            (b"GET", b"/" + injection),
            (b"GET", b"http://x/\x0bA"),
            (b"GET", b"/\xff"),
            (b"GET", b"/", (b"A\r\nB", b"c")),
            (b"GET", b"/", (b"A", b"b\r\nC: d")),
            (b"GET", b"/", (b"A", b"b\nC: d")),
            (b"GET", b"/", (b"A", b"\0")),
            (b"GET", b"/", (b"", b"b")),
            (b"", b"/"),
            (b"GET", b""),
        ):
            self.assertEqual(refused(self, self.take, *arguments), BAD_REQUEST, arguments)

    def test_framing_is_checked(self) -> None:
        length, coding = (b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")
        for fields in ((length, length), (length, coding), (coding, length), (coding, coding)):
            self.assertEqual(refused(self, self.take, b"POST", b"/", *fields), BAD_REQUEST)

    def test_limits_hold(self) -> None:
        self.assertEqual(refused(self, self.take, b"GET", b"/" * 101), TARGET_TOO_LONG)
        many = [(b"A", b"b")] * 20
        self.assertEqual(refused(self, self.take, b"GET", b"/", *many), HEAD_TOO_LARGE)

    def test_methods_that_are_not_passed_on(self) -> None:
        self.assertEqual(refused(self, self.take, b"CONNECT"), NOT_ALLOWED)
