"""A change of protocols through the router: WebSocket, and anything else."""

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol

from tests.support.cells import answer
from tests.support.connections import until_still
from tests.support.engines import Proxy, ProxyTestCase, config
from tests.support.tunnels import SWITCHING, TunnelCell, TunnelEnd

OFFER = b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: bytes\r\n"
POURED_BYTES = 64 * 1024 * 1024


class TunnelTests(ProxyTestCase):
    """The cell takes the client's offer."""

    async def tunnel(self, ahead: bytes = b"", **settings: float) -> tuple[Proxy, TunnelEnd, TunnelEnd]:
        """Make one.

        :param ahead: what the client sends without waiting for the answer.
        :returns: the proxy, the client's end, the cell's end.
        """
        cell = TunnelCell(self, reactor)
        proxy = self.proxy(config(cell.url), **settings)
        client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", proxy.port), TunnelEnd())
        self.addCleanup(client.transport.abortConnection)
        client.write(OFFER + b"X-Routing-Key: acme\r\n\r\n" + ahead)
        end = await cell.accepted()
        self.assertIn(b"\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n", end.received)
        end.received.clear()
        end.write(SWITCHING + b"welcome")
        await client.until_received(b"welcome")
        return proxy, client, end

    async def test_bytes_go_both_ways_and_the_answer_says_where_to(self) -> None:
        proxy, client, cell = await self.tunnel(ahead=b"hasty")
        head = bytes(client.received)
        for line in (b"HTTP/1.1 101 ", b"\r\nUpgrade: bytes\r\n", b"\r\nX-Route-Reason: tier1\r\n"):
            self.assertIn(line, head)
        await cell.until_received(b"hasty")
        cell.write(b"\0GET / HTTP/1.1\r\n\r\n")
        await client.until_received(b"\0GET / HTTP/1.1\r\n\r\n")
        client.finish()
        await cell.until(lambda: cell.finished)
        cell.close()
        self.assertEqual(await client.until_ended(), "closed")
        (line,) = await proxy.logged()
        self.assertEqual((line["status"], line["bytes_in"], line["bytes_out"]), (101, 5, 26))
        self.assertNotIn("error", line)

    async def test_each_side_may_end_before_the_other(self) -> None:
        _, client, cell = await self.tunnel()
        client.finish()
        await cell.until(lambda: cell.finished)
        cell.write(b"more")
        await client.until_received(b"more")
        cell.close()
        self.assertEqual(await client.until_ended(), "closed")
        _, client, cell = await self.tunnel()
        cell.finish()
        await client.until(lambda: client.finished)
        client.write(b"more")
        await cell.until_received(b"more")
        client.close()
        self.assertEqual(await cell.until_ended(), "closed")

    async def test_a_reset_is_passed_on(self) -> None:
        for breaks, other in ((0, 1), (1, 0)):
            _, *ends = await self.tunnel()
            ends[breaks].reset()
            await ends[other].until_ended()

    async def test_one_who_does_not_read_stops_the_other(self) -> None:
        for pours, reads in ((0, 1), (1, 0)):
            _, *ends = await self.tunnel()
            ends[reads].transport.pauseProducing()
            pouring = ends[pours].pour(POURED_BYTES)
            self.addCleanup(pouring.close)
            ends[pours]._to_pour = POURED_BYTES
            ends[pours].transport.registerProducer(ends[pours], False)
            poured = await until_still(lambda end=ends[pours]: end.poured, enough=POURED_BYTES)
            self.assertLess(poured, POURED_BYTES // 2)
            ends[reads].transport.resumeProducing()
            await ends[reads].until(lambda end=ends[reads]: len(end.received) >= POURED_BYTES)

    async def test_silence_ends_it(self) -> None:
        proxy, client, cell = await self.tunnel(tunnel_idle_timeout_s=0.2)
        await client.until_ended()
        await cell.until_ended()
        (line,) = await proxy.logged()
        self.assertEqual((line["status"], line["error"]), (101, "tunnel_idle_timeout"))


class RefusedOfferTests(ProxyTestCase):
    """Nobody takes the client's offer."""

    async def test_what_follows_is_the_next_request(self) -> None:
        cell = self.cell(answer())
        client = await self.proxy(cell).client()
        client.write(OFFER + b"\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(2):
            self.assertEqual((await client.response()).status, 200)
        self.assertEqual([request.target for request in cell.requests], ["/chat", "/next"])

    async def test_an_offer_with_a_body_is_no_offer(self) -> None:
        cell = self.cell(answer())
        client = await self.proxy(cell).client()
        for framing in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
            self.assertEqual((await client.ask(OFFER + framing)).status, 200)
        for request in cell.requests:
            self.assertEqual(request.values("Upgrade") + request.values("Connection"), [])

    async def test_a_switch_to_nothing_is_a_502(self) -> None:
        cell = self.cell(answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"))
        client = await self.proxy(cell).client()
        self.assertEqual((await client.ask(OFFER + b"\r\n")).status, 502)
