"""The router's own answers."""

import json
from http import HTTPStatus

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import Refused, bad_request, bad_response, phrase, problem
from tests.support.messages import Response, ResponseReader


def answer(
    refused: Refused, placement: str | None = None, explanation: bytes = b"", method: str = "GET"
) -> Response:
    """Make an answer, and read it as a client."""
    fields, body = problem(refused, b"id", placement, explanation)
    reader = ResponseReader(method)
    line = f"HTTP/1.1 {refused.status} {phrase(refused.status)}\r\n".encode()
    reader.receive(line + fields + b"\r\n" + body)
    assert reader.response is not None
    assert reader.complete
    assert reader.rest == b""
    return reader.response


class ProblemTests(SynchronousTestCase):
    """Their fields and their body."""

    def test_before_a_route_is_known(self) -> None:
        response = answer(bad_request("no good"))
        self.assertEqual(
            response.fields,
            [
                ("Content-Type", "application/problem+json"),
                ("Content-Length", str(len(response.body))),
                ("Proxy-Status", "cellrouter; error=http_request_error"),
                ("X-Request-ID", "id"),
            ],
        )
        self.assertEqual(
            response.json(),
            {
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "detail": "no good",
                "request_id": "id",
            },
        )

    def test_when_a_route_is_known(self) -> None:
        response = answer(bad_response("bad cell"), "tier1", b"X-Route-Reason: tier1\r\n")
        self.assertEqual((response.json()["placement"], response.value("X-Route-Reason")), ("tier1", "tier1"))
        self.assertEqual(response.value("Proxy-Status"), "cellrouter; error=http_protocol_error")

    def test_where_no_error_type_fits(self) -> None:
        self.assertEqual(answer(Refused(408, None, "too slow")).values("Proxy-Status"), [])

    def test_methods_that_are_allowed_are_named(self) -> None:
        self.assertIn("GET", answer(Refused(405, None, "no")).value("Allow") or "")
        self.assertEqual(answer(Refused(400, None, "no")).values("Allow"), [])

    def test_a_detail_cannot_break_out(self) -> None:
        response = answer(bad_request('"\r\n\r\n\u2028'))
        self.assertEqual(response.json()["detail"], '"\r\n\r\n\u2028')
        self.assertEqual(len(json.loads(bytes(response.body))), 5)

    def test_phrases(self) -> None:
        self.assertEqual((phrase(431), phrase(502)), ("Request Header Fields Too Large", "Bad Gateway"))
        self.assertEqual(
            {phrase(status) for status in HTTPStatus} - {status.phrase for status in HTTPStatus}, set()
        )

    def test_a_refusal_reads_as_its_detail(self) -> None:
        self.assertEqual(str(bad_request("no good")), "no good")
