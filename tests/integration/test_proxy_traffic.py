"""What the engine counts of its exchanges."""

from tests.support.engines import LEAN, ProxyTestCase, config

KEYS = (b"X-Routing-Key: acme\r\n", b"X-Routing-Key: nobody\r\n", b"", b"X-Routing-Key: two,keys\r\n")


class TrafficTests(ProxyTestCase):
    """Requests to a cell that is not there."""

    door = LEAN

    async def test_each_exchange_is_counted_once_with_its_match_status_and_time(self) -> None:
        proxy = self.proxy(config("http://127.0.0.1:1"))
        for key in KEYS:
            await proxy.ask(b"GET / HTTP/1.1\r\nHost: x\r\n" + key + b"\r\n")
        await proxy.logged(len(KEYS))
        report = proxy.engine.traffic.report()
        self.assertEqual(
            [report[name] for name in ("total", "exact", "default", "missing", "unrouted", "server_errors")],
            [4, 1, 1, 1, 1, 3],
        )
        self.assertEqual(proxy.engine.traffic.total, 4)
