"""The demo cell tells each client what it got from it."""

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli.cell import Cell


class CellTests(SynchronousTestCase):
    """What it answers."""

    def request(self, method: str, path: str, **options: object) -> tuple[int, object, bytes]:
        stub = StubTreq(Cell("tier1"))

        async def request() -> tuple[int, object, bytes]:
            response = await stub.request(method, f"http://cell{path}", **options)
            return response.code, response.headers, await response.content()

        return self.successResultOf(Deferred.fromCoroutine(request()))

    def json(self, *arguments: object, **options: object) -> dict[str, object]:
        stub = StubTreq(Cell("tier1"))

        async def request() -> dict[str, object]:
            response = await stub.request(arguments[0], f"http://cell{arguments[1]}", **options)
            return await response.json()

        return self.successResultOf(Deferred.fromCoroutine(request()))

    def test_a_request_is_echoed(self) -> None:
        answer = self.json("PUT", "/a/b?c=d", data=b"12345", headers={"X-Routing-Key": "acme"})
        self.assertEqual(
            (answer["cell"], answer["method"], answer["path"], answer["body_bytes"]),
            ("tier1", "PUT", "/a/b?c=d", 5),
        )
        self.assertIn(["X-Routing-Key", "acme"], answer["headers"])

    def test_any_method_is_answered_and_a_head_has_no_body(self) -> None:
        self.assertEqual(self.json("BREW", "/")["method"], "BREW")
        status, headers, body = self.request("HEAD", "/")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers.getRawHeaders("content-length")[0]), 0)
        self.assertEqual(self.flushWarnings(), [])

    def test_it_is_healthy(self) -> None:
        self.assertEqual(self.json("GET", "/health"), {"cell": "tier1", "status": "healthy"})

    def test_bytes_that_are_no_text_do_not_hurt(self) -> None:
        answer = self.json("GET", "/", headers={"X-Odd": b"\xff"})
        self.assertIn(["X-Odd", "\\xff"], answer["headers"])
