"""What a message looks like on the other side."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import RoutingTable
from cellrouter.http1 import (
    HeadLimits,
    Peer,
    explanation,
    parse_request_head,
    parse_response_head,
    request_to_cell,
    response_to_client,
)
from tests.support.documents import compiled
from tests.support.messages import Request, RequestReader, ResponseReader

CLIENT = Peer(b"192.0.2.7")
STRANGER = Peer(b"2001:db8::7", b"https", trusted=False)
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")


def forwarded(*lines: bytes, peer: Peer = CLIENT, start: bytes = b"GET / HTTP/1.1") -> Request:
    """Send a request through, and read what the cell gets."""
    head = b"".join(line + b"\r\n" for line in (start, *lines, b""))
    request = parse_request_head(head, HeadLimits())
    request_id = peer.request_id(request) or b"new"
    reader = RequestReader()
    reader.receive(request_to_cell(request, peer, request_id, b"cell:9001"))
    (seen,) = reader.requests
    return seen


class RequestTests(SynchronousTestCase):
    """Requests."""

    def assert_origin(self, request: Request, *expected: str | None) -> None:
        self.assertEqual([request.value(name) for name in FORWARDED], list(expected))

    def test_the_whole_head(self) -> None:
        request = forwarded(b"b: 1", b"Host: x:80", b"X-Routing-Key: k", b"A: 2", start=b"GET /a?b HTTP/1.1")
        self.assertEqual((request.method, request.target, request.version), ("GET", "/a?b", "1.1"))
        self.assertEqual(
            request.fields,
            [
                *(("b", "1"), ("Host", "x:80"), ("X-Routing-Key", "k"), ("A", "2"), ("X-Request-ID", "new")),
                *(("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "http")),
                *(("X-Forwarded-Host", "x:80"), ("Via", "1.1 cellrouter")),
            ],
        )

    def test_a_believed_origin_is_completed(self) -> None:
        request = forwarded(
            b"Host: x",
            b"X-Forwarded-For: 198.51.100.1",
            b"X-Forwarded-For:",
            b"x-forwarded-for: 198.51.100.2, 198.51.100.3",
            b"X-Forwarded-Host: y",
            b"Forwarded: for=z",
        )
        chain = "198.51.100.1, 198.51.100.2, 198.51.100.3, 192.0.2.7"
        self.assert_origin(request, chain, "http", "y", "for=z")

    def test_a_believed_scheme_stays(self) -> None:
        request = forwarded(b"Host: x", b"X-Forwarded-Proto: https")
        self.assert_origin(request, "192.0.2.7", "https", "x", None)

    def test_an_origin_that_is_not_believed_is_replaced(self) -> None:
        request = forwarded(
            *(b"Host: x", b"X-Forwarded-For: a", b"X-Forwarded-Proto: b", b"X-Forwarded-Host: c"),
            *(b"Forwarded: for=d", b"X-Forwarded-Port: 1"),
            peer=STRANGER,
        )
        self.assert_origin(request, "2001:db8::7", "https", "x", None)
        self.assertEqual(request.values("X-Forwarded-Port"), [])

    def test_request_ids(self) -> None:
        for lines, peer, expected in (
            ((), CLIENT, "new"),
            ((b"X-Request-ID: a-1",), CLIENT, "a-1"),
            ((b"x-request-id: " + b"!" * 128,), CLIENT, "!" * 128),
            ((b"X-Request-ID: " + b"!" * 129,), CLIENT, "new"),
            ((b"X-Request-ID:",), CLIENT, "new"),
            ((b"X-Request-ID: a b",), CLIENT, "new"),
            ((b"X-Request-ID: \xff",), CLIENT, "new"),
            ((b"X-Request-ID: a", b"X-Request-ID: a"), CLIENT, "new"),
            ((b"X-Request-ID: a",), STRANGER, "new"),
        ):
            self.assertEqual(
                forwarded(b"Host: x", *lines, peer=peer).values("X-Request-ID"), [expected], lines
            )

    def test_a_client_of_1_0(self) -> None:
        request = forwarded(b"A: b", start=b"GET / HTTP/1.0")
        self.assertEqual((request.version, request.value("Host")), ("1.1", "cell:9001"))
        self.assertEqual(request.value("Via"), "1.0 cellrouter")
        self.assertEqual(request.values("X-Forwarded-Host"), [])

    def test_an_empty_host_stays_so(self) -> None:
        request = forwarded(b"Host:", b"A: b")
        self.assertEqual([request.values("Host"), request.value("A")], [[""], "b"])

    def test_via_is_appended(self) -> None:
        self.assertEqual(forwarded(b"Host: x", b"Via: 1.1 a").values("Via"), ["1.1 a", "1.1 cellrouter"])

    def test_framing(self) -> None:
        for line, name, expected in (
            (b"Content-Length: 5", "Content-Length", "5"),
            (b"transfer-encoding:CHUNKED", "Transfer-Encoding", "chunked"),
        ):
            self.assertEqual(forwarded(b"Host: x", line, start=b"POST / HTTP/1.1").value(name), expected)

    def test_an_expectation(self) -> None:
        request = forwarded(b"Host: x", b"Expect:100-CONTINUE", b"Content-Length: 1")
        self.assertEqual(request.value("Expect"), "100-continue")


class ResponseTests(SynchronousTestCase):
    """Responses."""

    def test_the_fields(self) -> None:
        response = parse_response_head(
            b"HTTP/1.1 200 OK\r\nb: 1\r\nX-Request-ID: evil\r\nX-Routed-To: evil\r\nA: 2\r\n\r\n",
            HeadLimits(),
        )
        fields = response_to_client(response, b"X-Route-Match: exact\r\n", b"id")
        reader = ResponseReader()
        reader.receive(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 0\r\n\r\n")
        assert reader.response is not None
        self.assertEqual(
            reader.response.fields[:-1],
            [("b", "1"), ("A", "2"), ("X-Route-Match", "exact"), ("X-Request-ID", "id")],
        )

    def test_a_response_without_fields(self) -> None:
        response = parse_response_head(b"HTTP/1.1 200 OK\r\n\r\n", HeadLimits())
        self.assertEqual(response_to_client(response, b"", b"id"), b"X-Request-ID: id\r\n")

    def test_the_explanation(self) -> None:
        table = RoutingTable.build(compiled())
        for key, topology, expected in (
            (
                b"acme",
                True,
                b"X-Routed-To: http://127.0.0.1:9001\r\nX-Route-Reason: tier1\r\nX-Route-Match: exact\r\n",
            ),
            (b"other", False, b"X-Route-Match: default\r\n"),
            (None, False, b"X-Route-Match: missing\r\n"),
        ):
            self.assertEqual(explanation(table.route(key), topology), expected)
