"""Where a head ends in a stream of bytes, and when nobody has to wait for that."""

from time import process_time

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import HeadLimits, RequestBuffer, ResponseBuffer
from tests.support.tables import table
from tests.unit.http1.refusals import (
    ANSWER_TOO_LARGE,
    BAD_REQUEST,
    BAD_RESPONSE,
    HEAD_TOO_LARGE,
    TARGET_TOO_LONG,
    refused,
)

LIMITS = HeadLimits(target_bytes=100, head_bytes=400, fields=10)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
HANG_S = 3.0
"""Some thirty times what is needed; a search from the beginning for each byte takes twice as long."""


@frozen
class Row:
    """What a buffer refuses.

    :param name: what is wrong.
    :param data: bytes that need not be a whole head.
    :param expected: status and error type.
    """

    name: str
    data: bytes
    expected: tuple[int, str]


def request(size: int) -> bytes:
    """Make a head of so many bytes."""
    return GET[:-2] + b"A: " + b"v" * (size - len(GET) - 5) + b"\r\n\r\n"


def response(size: int) -> bytes:
    """Make a head of so many bytes."""
    return OK[:-2] + b"C: " + b"v" * (size - len(OK) - 5) + b"\r\n\r\n"


class RequestBufferTests(SynchronousTestCase):
    """Requests."""

    def setUp(self) -> None:
        self.buffer = RequestBuffer(LIMITS)

    def feed(self, *parts: bytes) -> list[bytes | None]:
        return [self.buffer.feed(part) for part in parts]

    def test_a_head_in_one_piece(self) -> None:
        self.assertEqual((self.feed(GET), self.buffer.rest), ([GET], b""))

    def test_what_comes_after_it_is_kept_apart(self) -> None:
        self.assertEqual((self.feed(GET + b"body"), self.buffer.rest), ([GET], b"body"))

    def test_byte_by_byte(self) -> None:
        *before, last = self.feed(*(GET[at : at + 1] for at in range(len(GET))))
        self.assertEqual((set(before), last, self.buffer.rest), ({None}, GET, b""))

    def test_the_rest_of_one_head_does_not_stay_for_the_next(self) -> None:
        self.feed(GET + b"body")
        self.assertEqual((self.feed(GET), self.buffer.rest), ([GET], b""))

    def test_it_knows_whether_a_head_has_begun(self) -> None:
        self.assertFalse(self.buffer)
        self.feed(b"G")
        self.assertTrue(self.buffer)
        self.feed(GET[1:])
        self.assertFalse(self.buffer)

    def test_one_empty_line_before_each_head_is_skipped(self) -> None:
        for parts in ([b"\r\n" + GET], [b"\r\n", GET], [b"\r", b"\n" + GET], [b"\r", b"\n", GET]):
            self.assertEqual(self.feed(*parts)[-1], GET)

    def test_an_empty_line_alone_begins_no_head(self) -> None:
        self.assertEqual(self.feed(b"\r\n"), [None])
        self.assertFalse(self.buffer)

    def test_two_empty_lines_are_refused_however_they_come(self) -> None:
        for parts in ([b"\r\n\r\nGET"], [b"\r\n", b"\r\n"], [b"\r\n", b"\r"], [b"\r", b"\n", b"\r"]):
            self.setUp()
            self.assertEqual(refused(self, self.feed, *parts), BAD_REQUEST)

    def test_an_empty_line_that_arrives_before_the_second_head_in_two_parts(self) -> None:
        self.feed(GET + b"\r")
        self.assertEqual(self.feed(self.buffer.rest, b"\n" + GET), [None, GET])

    def test_the_longest_head_passes(self) -> None:
        longest = request(LIMITS.head_bytes)
        self.assertEqual(self.feed(longest), [longest])
        self.assertEqual(self.feed(longest[:-1], longest[-1:]), [None, longest])

    def test_the_longest_request_line_passes(self) -> None:
        head = b"UNSUBSCRIBE /" + b"t" * (LIMITS.target_bytes - 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        for at in range(len(head)):
            self.assertEqual(self.feed(head[:at], head[at:])[-1], head)

    def test_a_head_that_comes_byte_by_byte_is_not_costly(self) -> None:
        limits = HeadLimits()
        raw = (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000)[: limits.head_bytes - 1]
        buffer, began = RequestBuffer(limits), process_time()
        for at in range(len(raw)):
            self.assertIsNone(buffer.feed(raw[at : at + 1]))
        self.assertLess(process_time() - began, HANG_S)

    def refuses(self, row: Row) -> None:
        self.assertEqual(refused(self, self.feed, row.data), row.expected)
        self.setUp()
        parts = [row.data[at : at + 1] for at in range(len(row.data))]
        refused(self, self.feed, *parts)


table(
    RequestBufferTests.refuses,
    [
        Row("one byte over the limit", request(LIMITS.head_bytes + 1), HEAD_TOO_LARGE),
        Row("no end within the limit", request(LIMITS.head_bytes + 9)[: LIMITS.head_bytes], HEAD_TOO_LARGE),
        Row("no end of the target within the limit", b"GET /" + b"t" * 200, TARGET_TOO_LONG),
        Row("a bare LF after the request line", b"GET / HTTP/1.1\n", BAD_REQUEST),
        Row("a bare LF after a field", b"GET / HTTP/1.1\r\nHost: x\n", BAD_REQUEST),
        Row("a bare LF first", b"\nGET", BAD_REQUEST),
        Row("an empty line of LF after one of CR LF", b"\r\n\n", BAD_REQUEST),
        Row("CR without LF first", b"\rGET / HTTP/1.1", BAD_REQUEST),
        Row("TLS", b"\x16\x03\x01\x02\x00", BAD_REQUEST),
        Row("a blank first", b" GET", BAD_REQUEST),
    ],
)(RequestBufferTests)


class ResponseBufferTests(SynchronousTestCase):
    """Responses."""

    def setUp(self) -> None:
        self.buffer = ResponseBuffer(LIMITS)

    def feed(self, *parts: bytes) -> list[bytes | None]:
        return [self.buffer.feed(part) for part in parts]

    def test_a_head_and_what_follows(self) -> None:
        self.assertEqual((self.feed(OK + b"body"), self.buffer.rest), ([OK], b"body"))

    def test_byte_by_byte(self) -> None:
        *before, last = self.feed(*(OK[at : at + 1] for at in range(len(OK))))
        self.assertEqual((set(before), last, self.buffer.rest), ({None}, OK, b""))

    def test_the_longest_head_passes(self) -> None:
        longest = response(LIMITS.head_bytes)
        self.assertEqual(self.feed(longest), [longest])
        self.assertEqual(self.feed(longest[:-1], longest[-1:]), [None, longest])

    def refuses(self, row: Row) -> None:
        self.assertEqual(refused(self, self.feed, row.data), row.expected)
        self.setUp()
        refused(self, self.feed, *(row.data[at : at + 1] for at in range(len(row.data))))


table(
    ResponseBufferTests.refuses,
    [
        Row("one byte over the limit", response(LIMITS.head_bytes + 1), ANSWER_TOO_LARGE),
        Row("no end within the limit", OK[:-2] + b"C: " + b"v" * 400, ANSWER_TOO_LARGE),
        Row("a bare LF", b"HTTP/1.1 200 OK\nA: b", BAD_RESPONSE),
        Row("another protocol", b"SSH-", BAD_RESPONSE),
        Row("an empty line first", b"\r\n", BAD_RESPONSE),
        Row("version 2", b"HTTP/2", BAD_RESPONSE),
        Row("a body without a head", b"{", BAD_RESPONSE),
    ],
)(ResponseBufferTests)
