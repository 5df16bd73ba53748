"""What holds for every message there is, however it is cut."""

from collections.abc import Callable, Iterable

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import (
    ChunkedReader,
    HeadLimits,
    LengthReader,
    Peer,
    Refused,
    RequestBuffer,
    RequestHead,
    ResponseBuffer,
    ResponseHead,
    bad_request,
    parse_request_head,
    parse_response_head,
    request_to_cell,
    response_to_client,
    take_request_head,
)
from cellrouter.http1.body import chunk, last_chunk
from tests.support.messages import RequestReader, ResponseReader
from tests.unit.http1 import strategies

LIMITS = HeadLimits(target_bytes=64, head_bytes=200, fields=5)
WIDE = HeadLimits()

untimed = settings(deadline=None)

requests = st.lists(strategies.request_heads(), max_size=3).map(b"\r\n".join)
responses = st.lists(strategies.response_heads(), max_size=3).map(b"".join)
bodies = st.tuples(strategies.chunks(), st.binary(max_size=5)).map(b"".join)

Outcome = tuple[list[bytes], bool]
"""The heads that were accepted, and whether something was refused after them."""


def heads(
    buffer: RequestBuffer | ResponseBuffer,
    parse: Callable[[bytes, HeadLimits], object],
    parts: Iterable[bytes],
) -> Outcome:
    """Read a stream of nothing but heads."""
    accepted = []
    try:
        for part in parts:
            while part:
                head = buffer.feed(part)
                if head is None:
                    break
                parse(head, LIMITS)
                accepted.append(head)
                part = buffer.rest
    except Refused:
        return accepted, True
    return accepted, False


def body(parts: Iterable[bytes]) -> tuple[bytes, bytes, bool] | None:
    """Read a chunked body; None when it is refused."""
    reader = ChunkedReader(bad_request)
    content, rest = b"", b""
    try:
        for part in parts:
            if reader.done:
                rest += part
            else:
                content += reader.feed(part)
                rest = reader.rest
    except Refused:
        return None
    return content, rest, reader.done


class SplitTests(SynchronousTestCase):
    """However the network cuts a stream, it means the same."""

    @untimed
    @given(
        strategies.split(
            requests | strategies.damaged(requests) | strategies.damaged(strategies.damaged(requests))
        )
    )
    @example((b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", [b"\r\n", b"\r\n", b"GET / HTTP/1.1\r\n\r\n"]))
    def test_requests(self, stream: tuple[bytes, list[bytes]]) -> None:
        whole, parts = stream
        expected = heads(RequestBuffer(LIMITS), parse_request_head, [whole])
        self.assertEqual(heads(RequestBuffer(LIMITS), parse_request_head, parts), expected)

    @untimed
    @given(
        strategies.split(
            responses | strategies.damaged(responses) | strategies.damaged(strategies.damaged(responses))
        )
    )
    def test_responses(self, stream: tuple[bytes, list[bytes]]) -> None:
        whole, parts = stream
        expected = heads(ResponseBuffer(LIMITS), parse_response_head, [whole])
        self.assertEqual(heads(ResponseBuffer(LIMITS), parse_response_head, parts), expected)

    @untimed
    @given(strategies.split(bodies | strategies.damaged(bodies) | strategies.fragments))
    def test_chunked_bodies(self, stream: tuple[bytes, list[bytes]]) -> None:
        whole, parts = stream
        self.assertEqual(body(parts), body([whole]))

    @untimed
    @given(strategies.split(st.binary(max_size=30)), st.integers(0, 40))
    def test_bodies_of_a_length(self, stream: tuple[bytes, list[bytes]], length: int) -> None:
        whole, parts = stream
        reader = LengthReader(length)
        content = rest = b""
        for part in parts:
            if reader.done:
                rest += part
            else:
                content += reader.feed(part)
                rest = reader.rest
        self.assertEqual((content, rest), (whole[:length], whole[length:]))
        self.assertEqual(reader.done, len(whole) >= length)


class ChunkTests(SynchronousTestCase):
    """Chunks that are written are read."""

    @untimed
    @given(st.lists(st.binary(max_size=300)), st.binary(max_size=5))
    def test_by_the_router(self, contents: list[bytes], rest: bytes) -> None:
        raw = b"".join(map(chunk, contents)) + last_chunk(b"") + rest
        self.assertEqual(body([raw]), (b"".join(contents), rest, True))

    @untimed
    @given(st.lists(st.binary(max_size=300)), st.booleans())
    def test_by_h11(self, contents: list[bytes], ended: bool) -> None:
        parser = h11.Connection(h11.SERVER)
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        parser.receive_data(head + b"".join(map(chunk, contents)) + (last_chunk(b"") if ended else b""))
        self.assertIsInstance(parser.next_event(), h11.Request)
        content = b""
        while isinstance(event := parser.next_event(), h11.Data):
            content += event.data
        self.assertEqual(content, b"".join(contents))
        self.assertEqual(isinstance(event, h11.EndOfMessage), ended)

    @untimed
    @given(strategies.chunks())
    def test_a_sound_body_is_accepted(self, raw: bytes) -> None:
        outcome = body([raw])
        assert outcome is not None
        self.assertEqual(outcome[1:], (b"", True))


class ForwardingTests(SynchronousTestCase):
    """An independent parser finds what was sent, and nothing else."""

    @untimed
    @given(
        strategies.methods,
        strategies.targets,
        strategies.plain_fields,
        strategies.values,
        st.sampled_from([(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked"), (b"TE", b"")]),
        st.integers(0, 6),
    )
    def test_requests(
        self,
        method: bytes,
        target: bytes,
        fields: list[tuple[bytes, bytes]],
        key: bytes,
        framing: tuple[bytes, bytes],
        place: int,
    ) -> None:
        key = key.replace(b",", b"")
        sent = [*fields[:place], (b"Host", b"x"), (b"X-Routing-Key", key), *fields[place:], framing]
        raw = b"".join([method + b" " + target + b" HTTP/1.1\r\n", *(b"%b: %b\r\n" % each for each in sent)])
        request = parse_request_head(raw + b"\r\n", WIDE)
        self.assertEqual(request.routing_key, key)
        reader = RequestReader()
        reader.receive(request_to_cell(request, Peer(b"192.0.2.7"), b"id", b"cell"))
        (seen,) = reader.requests
        self.assertEqual((seen.method, seen.target), (method.decode(), target.decode()))
        kept = sent if framing[0] == b"Content-Length" else sent[:-1]
        added = [
            *((b"X-Request-ID", b"id"), (b"X-Forwarded-For", b"192.0.2.7"), (b"X-Forwarded-Proto", b"http")),
            *((b"X-Forwarded-Host", b"x"), (b"Via", b"1.1 cellrouter")),
        ]
        if framing[0] == b"Transfer-Encoding":
            added.append(framing)
        self.assertEqual(
            seen.fields, [(name.decode(), value.decode("latin-1")) for name, value in kept + added]
        )

    @untimed
    @given(strategies.reasons, strategies.plain_fields)
    def test_responses(self, reason: bytes, fields: list[tuple[bytes, bytes]]) -> None:
        raw = b"".join([b"HTTP/1.1 200 " + reason + b"\r\n", *(b"%b:%b\r\n" % each for each in fields)])
        response = parse_response_head(raw + b"\r\n", WIDE)
        self.assertEqual(response.reason, reason)
        reader = ResponseReader()
        reader.receive(b"HTTP/1.1 200 OK\r\n" + response_to_client(response, b"", b"id") + b"\r\n")
        assert reader.response is not None
        expected = [*fields, (b"X-Request-ID", b"id")]
        self.assertEqual(
            reader.response.fields, [(name.decode(), value.decode("latin-1")) for name, value in expected]
        )


class AnythingTests(SynchronousTestCase):
    """Any input is a message or is refused; what gets through reads the same everywhere."""

    def assert_one_head(self, request: RequestHead) -> None:
        raw = request_to_cell(request, Peer(b"192.0.2.7"), b"id", b"cell")
        reader = RequestReader()
        reader.receive(raw)
        self.assertEqual(len(reader.requests), 1)
        self.assertEqual(reader.requests[0].raw, raw)
        self.assertEqual(raw.count(b"\n"), len(reader.requests[0].fields) + 2)

    def assert_fields(self, response: ResponseHead) -> None:
        fields = response_to_client(response, b"", b"id")
        reader = ResponseReader()
        reader.receive(b"HTTP/1.1 404 No\r\n" + fields + b"\r\n")
        assert reader.response is not None
        self.assertEqual(fields.count(b"\n"), len(reader.response.fields))

    @untimed
    @given(st.binary() | strategies.fragments | strategies.damaged(requests))
    @example(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n")
    def test_requests(self, data: bytes) -> None:
        try:
            head = RequestBuffer(WIDE).feed(data)
            request = None if head is None else parse_request_head(head, WIDE)
        except Refused:
            return
        if request is not None:
            self.assert_one_head(request)

    @untimed
    @given(strategies.fragments)
    def test_fields_of_requests(self, data: bytes) -> None:
        try:
            request = parse_request_head(b"GET / HTTP/1.1\r\nHost: x\r\n" + data + b"\r\n\r\n", WIDE)
        except Refused:
            return
        self.assert_one_head(request)

    @untimed
    @given(
        strategies.methods | st.binary(max_size=8),
        strategies.targets | st.binary(max_size=8).map(lambda rest: b"/" + rest),
        st.lists(
            st.tuples(st.sampled_from(strategies.SPECIAL) | st.binary(max_size=4), st.binary(max_size=8))
        ),
    )
    def test_heads_that_another_parser_read(
        self, method: bytes, target: bytes, fields: list[tuple[bytes, bytes]]
    ) -> None:
        try:
            request = take_request_head(method, target, 1, [(b"Host", b"x"), *fields], WIDE)
        except Refused:
            return
        self.assert_one_head(request)

    @untimed
    @given(st.binary() | strategies.fragments | strategies.damaged(responses))
    def test_responses(self, data: bytes) -> None:
        try:
            head = ResponseBuffer(WIDE).feed(data)
            response = None if head is None else parse_response_head(head, WIDE)
        except Refused:
            return
        if response is not None:
            self.assert_fields(response)

    @untimed
    @given(strategies.fragments)
    def test_fields_of_responses(self, data: bytes) -> None:
        try:
            response = parse_response_head(b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n", WIDE)
        except Refused:
            return
        self.assert_fields(response)

    @untimed
    @given(st.binary() | strategies.fragments)
    def test_chunked_bodies(self, data: bytes) -> None:
        body([data])
