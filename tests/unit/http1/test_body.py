"""Where a body ends."""

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import (
    ChunkedReader,
    HeadLimits,
    LengthReader,
    bad_request,
    bad_response,
    parse_response_head,
)
from cellrouter.http1.body import chunk
from tests.support.tables import table
from tests.unit.http1.refusals import BAD_REQUEST, BAD_RESPONSE, refused


@frozen
class Row:
    """A chunked body.

    :param name: what is special.
    :param data: its bytes.
    """

    name: str
    data: bytes


class LengthReaderTests(SynchronousTestCase):
    """A known length."""

    def test_it_is_over_when_so_much_has_come(self) -> None:
        reader = LengthReader(5)
        self.assertEqual((reader.feed(b"hel"), reader.done, reader.close()), (b"hel", False, False))
        self.assertEqual((reader.feed(b"lo"), reader.done, reader.rest), (b"lo", True, b""))
        self.assertTrue(reader.close())

    def test_what_is_too_much_is_not_content(self) -> None:
        reader = LengthReader(5)
        self.assertEqual((reader.feed(b"hello, world"), reader.rest), (b"hello", b", world"))

    def test_no_length_is_over_at_once(self) -> None:
        reader = LengthReader(0)
        self.assertTrue(reader.done)
        self.assertEqual((reader.feed(b"next"), reader.rest), (b"", b"next"))


class UntilCloseReaderTests(SynchronousTestCase):
    """A body that only the end of the connection ends."""

    def test_everything_is_content(self) -> None:
        reader = parse_response_head(b"HTTP/1.0 200 OK\r\n\r\n", HeadLimits()).body(b"GET")
        self.assertEqual((reader.feed(b"a"), reader.feed(b"\r\n"), reader.done), (b"a", b"\r\n", False))
        self.assertEqual((reader.close(), reader.done, reader.rest), (True, True, b""))


class ChunkedReaderTests(SynchronousTestCase):
    """A chunked body."""

    def read(self, *parts: bytes) -> tuple[bytes, bool, bytes]:
        reader = ChunkedReader(bad_request)
        content = b"".join(reader.feed(part) for part in parts)
        self.assertEqual(reader.close(), reader.done)
        return content, reader.done, reader.rest

    def test_chunks(self) -> None:
        self.assertEqual(
            self.read(b"5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n"), (b"hello0123456789", True, b"")
        )

    def test_what_follows_is_kept_apart(self) -> None:
        self.assertEqual(self.read(b"1\r\n0\r\n0\r\n\r\nGET /"), (b"0", True, b"GET /"))
        self.assertEqual(self.read(b"0\r\nA: b\r\n\r\nGET /"), (b"", True, b"GET /"))

    def test_content_is_given_before_its_chunk_is_whole(self) -> None:
        self.assertEqual(self.read(b"5\r\nhel"), (b"hel", False, b""))

    def test_a_large_chunk_is_not_collected(self) -> None:
        reader = ChunkedReader(bad_request)
        reader.feed(b"fffffff\r\n")
        piece = b"x" * 65536
        self.assertIs(reader.feed(piece), piece)

    def test_extensions_are_dropped(self) -> None:
        body = b'2;a="b c";d\r\nok\r\n0;e\r\n\r\n'
        self.assertEqual(self.read(body), (b"ok", True, b""))

    def test_trailers_are_kept_unless_they_belong_into_a_head(self) -> None:
        reader = ChunkedReader(bad_request)
        reader.feed(b"0\r\nContent-Length: 9\r\nA:\r\nX-Sum: 1\r\nx-routing-key: b\r\n\r\nnext")
        self.assertEqual((reader.trailers, reader.rest), (b"A:\r\nX-Sum: 1\r\n", b"next"))

    def test_the_longest_extension(self) -> None:
        self.assertEqual(self.read(b"1;" + b"e" * 4092 + b"\r\n."), (b".", False, b""))
        self.assertEqual(self.read(b"1;" + b"e" * 4092 + b"\r", b"\n."), (b".", False, b""))

    def test_the_longest_trailers(self) -> None:
        trailers = b"A: " + b"v" * 8185 + b"\r\n\r\n"
        self.assertEqual(self.read(b"0\r\n" + trailers), (b"", True, b""))
        self.assertEqual(self.read(b"0\r\n" + trailers[:-1], b"\n"), (b"", True, b""))

    def test_the_largest_size(self) -> None:
        self.assertEqual(self.read(b"FFFFFFFFFFFFFFF\r\nx"), (b"x", False, b""))

    def test_the_refusal_is_the_reader_s_own(self) -> None:
        for refusal, expected in ((bad_request, BAD_REQUEST), (bad_response, BAD_RESPONSE)):
            self.assertEqual(refused(self, ChunkedReader(refusal).feed, b"\r\n"), expected)

    def refuses(self, row: Row) -> None:
        self.assertEqual(refused(self, self.read, row.data), BAD_REQUEST)
        self.assertEqual(
            refused(self, self.read, *(row.data[at : at + 1] for at in range(len(row.data)))), BAD_REQUEST
        )


table(
    ChunkedReaderTests.refuses,
    [
        Row("no size", b"\r\n"),
        Row("no size but an extension", b";a\r\n"),
        Row("a sign", b"+5\r\n"),
        Row("a prefix", b"0x5\r\n"),
        Row("an underscore", b"1_0\r\n"),
        Row("a blank before", b" 5\r\n"),
        Row("a blank after", b"5 \r\n"),
        Row("sixteen digits", b"0000000000000005\r\n"),
        Row("a NUL in an extension", b"5;\0\r\n"),
        Row("a CR in an extension", b"5;\r;\r\n"),
        Row("LF alone after a size", b"5\n"),
        Row("LF alone in an extension", b"5;a\n"),
        Row("LF alone after content", b"1\r\nx\n"),
        Row("CR alone after content", b"1\r\nx\rx"),
        Row("content longer than announced", b"1\r\nxy"),
        Row("a line over the limit", b"1;" + b"e" * 4093 + b"\r\n"),
        Row("a line without an end", b"0" * 4096),
        Row("LF alone after the last chunk", b"0\r\n\n"),
        Row("LF alone in trailers", b"0\r\nA: b\n"),
        Row("a trailer without a colon", b"0\r\nA\r\n\r\n"),
        Row("a folded trailer", b"0\r\nA: b\r\n c\r\n\r\n"),
        Row("a blank before a trailer's colon", b"0\r\nA : b\r\n\r\n"),
        Row("a NUL in a trailer", b"0\r\nA: \0\r\n\r\n"),
        Row("trailers over the limit", b"0\r\nA: " + b"v" * 8186 + b"\r\n\r\n"),
        Row("trailers without an end", b"0\r\n" + b"A: b\r\n" * 1400),
    ],
)(ChunkedReaderTests)


class ChunkTests(SynchronousTestCase):
    """Writing chunks."""

    def test_content_becomes_a_chunk(self) -> None:
        self.assertEqual(chunk(b"x" * 26), b"1a\r\n" + b"x" * 26 + b"\r\n")

    def test_no_content_does_not_end_the_body(self) -> None:
        self.assertEqual(chunk(b""), b"")
