"""What the tool shows to a daemon, and how much of an answer it waits for."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone
from twisted.web.error import SchemeNotSupported

from cellrouter.cli.client import BadUrl, fetch, operator_headers


@define
class Response:
    """An answer whose body comes when the test sends it."""

    code: int = 200
    length: int = 1000
    body: Protocol | None = None

    def deliverBody(self, body: Protocol) -> None:
        self.body = body
        body.makeConnection(StringTransport())

    def send(self, data: bytes) -> None:
        assert self.body is not None
        self.body.dataReceived(data)

    def end(self) -> None:
        assert self.body is not None
        self.body.connectionLost(Failure(ResponseDone()))


class FetchTests(SynchronousTestCase):
    """One request, and an answer that may never end."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.response = Response()

    def fetch(self) -> "Deferred[Any]":
        async def get(url: str, **options: object) -> Response:
            return self.response

        return Deferred.fromCoroutine(
            fetch(self.clock, "http://cp/x", "try another", get, timeout_s=5.0, limit_bytes=20)
        )

    def message(self, fetched: "Deferred[Any]") -> str:
        message: str = self.failureResultOf(fetched, click.ClickException).value.message
        return message

    def test_an_answer_that_comes_in_pieces_is_read(self) -> None:
        fetched = self.fetch()
        self.response.send(b'{"a"')
        self.response.send(b": 1}")
        self.response.end()
        self.assertEqual(self.successResultOf(fetched), (self.response, {"a": 1}))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_body_that_does_not_end_is_waited_for_no_longer_than_the_head(self) -> None:
        fetched = self.fetch()
        for _ in range(5):
            self.response.send(b" ")
            self.clock.advance(1.0)
        self.assertEqual(self.message(fetched), "http://cp/x: no answer: nothing within 5 s; try another")

    def test_an_answer_that_is_too_long_is_not_read_to_its_end(self) -> None:
        fetched = self.fetch()
        self.response.send(b" " * 20)
        self.assertNoResult(fetched)
        self.response.send(b" ")
        self.assertEqual(
            self.message(fetched), "http://cp/x: the answer is longer than 20 bytes; try another"
        )
        assert self.response.body is not None
        assert isinstance(self.response.body.transport, StringTransport)
        self.assertTrue(self.response.body.transport.disconnecting)

    def test_what_is_no_url_is_told_from_what_does_not_answer(self) -> None:
        async def get(url: str, **options: object) -> Response:
            raise SchemeNotSupported("Unsupported scheme: b''")

        fetched = Deferred.fromCoroutine(fetch(self.clock, "nonsense", "try another", get))
        self.assertIn("nonsense: not a usable URL", self.failureResultOf(fetched, BadUrl).value.message)


class OperatorHeadersTests(SynchronousTestCase):
    """The operator's token."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory(prefix="cellrouter-"))) / "token"

    def test_the_first_token_of_the_file_is_shown(self) -> None:
        self.path.write_text("# mine\nabc-123\nold\n")
        headers = operator_headers(self.path)
        assert headers is not None
        self.assertEqual(headers.getRawHeaders("authorization"), ["Bearer abc-123"])

    def test_without_a_file_nothing_is(self) -> None:
        self.assertIsNone(operator_headers(None))

    def test_a_file_that_is_not_in_order_is_one_line(self) -> None:
        for reason in ("does not exist", "there is no token in the file"):
            error = self.assertRaises(click.ClickException, operator_headers, self.path)
            self.assertIn(f"--operator-token-file: {self.path}", error.message)
            self.assertIn(reason, error.message)
            self.path.write_text("# none\n")
