"""Each exchange is one line of JSON that tells everything and that no request can break."""

from datetime import datetime

from tests.support.cells import answer, closed_port, response
from tests.support.engines import LEAN, RESOURCE, ProxyTestCase, config

FIELDS = {
    *("timestamp", "level", "message", "routing_key", "placement", "upstream", "status", "duration_ms"),
    *("request_id", "method", "path", "match", "bytes_in", "bytes_out", "upstream_ms"),
    *("config_version", "config_revision"),
}
HOSTILE = (
    *(b'"', b'","status":200,"x":"', b"\\", b'\\",', b"\\u000a", b"{}"),
    *(b"\xff\xfe", b"\xe2\x80\xa8", b"%0a%00", b"a\tb"),
)


class AccessLogTests(ProxyTestCase):
    """What one line says."""

    door = LEAN

    async def test_an_exchange_is_told_in_full(self) -> None:
        cell = self.cell(answer(response(b"0123456789")))
        proxy = self.proxy(config(cell.url))
        proxy.install(config(cell.url, version="v7"), revision=7)
        await proxy.ask(
            b"POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nX-Request-ID: mine\r\n"
            b"Content-Length: 5\r\n\r\nhello"
        )
        (line,) = await proxy.logged()
        self.assertEqual(set(line), FIELDS)
        expected = {
            "level": "info",
            "routing_key": "acme",
            "placement": "tier1",
            "match": "exact",
            "upstream": cell.url,
            "status": 200,
            "request_id": "mine",
            "method": "POST",
            "config_version": "v7",
            "config_revision": 7,
            "bytes_in": 5,
            "bytes_out": 10,
        }
        self.assertEqual({name: line[name] for name in expected}, expected)
        self.assertIn(line["path"], ("/a/b", "/a/b?c=d"))
        self.assertTrue(line["message"])
        self.assertRegex(line["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)$")
        datetime.fromisoformat(line["timestamp"])
        self.assertGreaterEqual(line["duration_ms"], line["upstream_ms"])
        self.assertGreater(line["upstream_ms"], 0)

    async def test_a_failure_says_what_it_was(self) -> None:
        url = f"http://127.0.0.1:{closed_port()}"
        proxy = self.proxy(config(url))
        got = await proxy.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        (line,) = await proxy.logged()
        self.assertEqual(set(line), {*FIELDS, "error"})
        expected = (502, "missing", None, "tier3", url, got.value("X-Request-ID"))
        names = ("status", "match", "routing_key", "placement", "upstream", "request_id")
        self.assertEqual(tuple(line[name] for name in names), expected)
        self.assertIn(line["level"], ("info", "error"))

    async def test_a_request_that_is_refused_is_an_exchange_too(self) -> None:
        proxy = self.proxy(self.cell())
        got = await proxy.ask(b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: a, b\r\n\r\n")
        (line,) = await proxy.logged()
        self.assertEqual((line["status"], line["request_id"]), (400, got.value("X-Request-ID")))
        self.assertTrue(line["error"])

    async def test_each_request_on_a_connection_is_a_line(self) -> None:
        client = await (proxy := self.proxy(self.cell())).client()
        for number in range(3):
            await client.ask(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        self.assertEqual([line["path"] for line in await proxy.logged(3)], ["/0", "/1", "/2"])

    async def test_nothing_from_a_request_breaks_a_line_or_adds_a_field(self) -> None:
        proxy = self.proxy(self.cell())
        hostile = [value for value in HOSTILE if b"," not in value]
        for value in hostile:
            await proxy.ask(b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: " + value + b"\r\n\r\n")
        ids = [value for value in HOSTILE if value.isascii()]
        for value in ids:
            await proxy.ask(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: " + value + b"\r\n\r\n")
        paths = [value for value in HOSTILE if value.isascii() and b"\t" not in value]
        for value in paths:
            await proxy.ask(b"GET /" + value + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        lines = await proxy.logged(len(hostile) + len(ids) + len(paths))
        self.assertEqual(len(lines), len(hostile) + len(ids) + len(paths))
        for line in lines:
            self.assertEqual((set(line) - {"error"}, line["status"]), (FIELDS, 200))
        self.assertIn('"', [line["routing_key"] for line in lines])


class ResourceAccessLogTests(AccessLogTests):
    """The same behind twisted.web."""

    door = RESOURCE
