"""Bodies stream: nobody waits for the end, and nobody's slowness fills the router's memory."""

import hashlib

from twisted.internet.defer import Deferred

from tests.support.cells import answer, deaf, pouring, response
from tests.support.connections import POURED, Connection, turns, until_still
from tests.support.engines import LEAN, RESOURCE, ProxyTestCase
from tests.support.problems import assert_problem

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED_ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECT = POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
BODY_BYTES = 64 * 1024 * 1024
HELD_BYTES = BODY_BYTES // 2
"""Far more than the kernel keeps for the sockets on the way, far less than the body."""

SMALL_BUFFER_BYTES = 16 * 1024


def digest(data: bytes | bytearray) -> str:
    """Make long bodies comparable."""
    return hashlib.sha256(data).hexdigest()


WHOLE = digest(POURED * (BODY_BYTES // len(POURED)))


class DownloadTests(ProxyTestCase):
    """Bodies of responses."""

    door = LEAN

    async def test_the_beginning_arrives_before_the_end_is_sent(self) -> None:
        for head in (b"Content-Length: 10\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\n"):
            cell = self.cell(answer(b"HTTP/1.1 200 OK\r\n" + head + b"hello"))
            client = await self.proxy(cell).client()
            client.write(GET)
            await client.until_received(b"hello")

    async def test_a_slow_reader_pauses_the_cell_and_gets_everything(self) -> None:
        cell = self.cell(pouring(BODY_BYTES), buffer_bytes=SMALL_BUFFER_BYTES)
        client = await self.proxy(cell).client()
        client.write(GET)
        await client.until_received(b"\r\n\r\n")
        client.transport.pauseProducing()
        (connection,) = cell.connections
        poured = await until_still(lambda: connection.poured, enough=BODY_BYTES)
        self.assertLess(poured, HELD_BYTES)
        client.transport.resumeProducing()
        got = await client.response()
        self.assertEqual((got.complete, digest(got.body)), (True, WHOLE))

    async def test_a_slow_reader_who_leaves_ends_the_cells_work(self) -> None:
        cell = self.cell(pouring(BODY_BYTES), buffer_bytes=SMALL_BUFFER_BYTES)
        proxy = self.proxy(cell)
        client = await proxy.client()
        client.write(GET)
        await client.until_received(b"\r\n\r\n")
        client.transport.pauseProducing()
        (connection,) = cell.connections
        await until_still(lambda: connection.poured, enough=BODY_BYTES)
        client.reset()
        await connection.until_ended()
        self.assertLess(connection.poured, BODY_BYTES)
        (line,) = await proxy.logged()
        self.assertEqual(line["status"], 499)

    async def test_a_slow_reader_slows_nobody_else(self) -> None:
        cell = self.cell(pouring(BODY_BYTES), buffer_bytes=SMALL_BUFFER_BYTES)
        proxy = self.proxy(cell)
        slow = await proxy.client()
        slow.write(GET)
        await slow.until_received(b"\r\n\r\n")
        slow.transport.pauseProducing()
        await until_still(lambda: cell.connections[0].poured, enough=BODY_BYTES)
        cell.script = answer()
        self.assertEqual((await proxy.ask(GET)).body, b"ok")


class TrailerTests(ProxyTestCase):
    """Fields after a chunked body, which only the lean door can pass on."""

    async def test_they_pass_both_ways(self) -> None:
        cell = self.cell(answer(CHUNKED_ANSWER + b"2\r\nok\r\n0\r\nX-Sum: 2\r\nX-Routed-To: evil\r\n\r\n"))
        client = await self.proxy(cell).client()
        got = await client.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")
        self.assertEqual(got.trailers, [("X-Sum", "2")])
        self.assertEqual(cell.requests[0].trailers, [("X-Sum", "1")])

    async def test_a_1_0_client_gets_none(self) -> None:
        cell = self.cell(answer(CHUNKED_ANSWER + b"2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n"))
        client = await self.proxy(cell).client()
        got = await client.ask(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        self.assertEqual((got.body, await client.until_ended()), (b"ok", "closed"))


class UploadTests(ProxyTestCase):
    """Bodies of requests, of any length and either framing."""

    door = LEAN

    async def test_long_bodies_arrive_whole(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell).client()
        for size in (1, 65_535, 65_536, 65_537, 3_000_000):
            body = (POURED * (size // len(POURED) + 1))[:size]
            chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
            for raw in (
                b"Content-Length: %d\r\n\r\n%b" % (size, body),
                b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
            ):
                self.assertEqual((await client.ask(POST + raw)).status, 200)
                self.assertEqual(digest(cell.requests[-1].body), digest(body))


class StreamedUploadTests(ProxyTestCase):
    """What twisted.web cannot do, since it reads a whole request before it tells of it."""

    async def test_the_beginning_arrives_before_the_end_is_sent(self) -> None:
        for head in (b"Content-Length: 10\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\n"):
            cell = self.cell()
            client = await self.proxy(cell).client()
            client.write(POST + head + b"hello")
            await cell.until(lambda cell=cell: cell.requests and cell.requests[0].body == b"hello")

    async def test_a_slow_cell_pauses_the_client_and_gets_everything(self) -> None:
        cell = self.cell(deaf, buffer_bytes=SMALL_BUFFER_BYTES)
        client = await self.proxy(cell).client()
        client.write(POST + b"Content-Length: %d\r\n\r\n" % BODY_BYTES)
        poured = Deferred.fromCoroutine(client.pour(BODY_BYTES))
        self.assertLess(await until_still(lambda: client.poured, enough=BODY_BYTES), HELD_BYTES)
        cell.connections[0].transport.resumeProducing()
        await poured
        self.assertEqual((await client.response()).status, 200)
        self.assertEqual(digest(cell.requests[0].body), WHOLE)

    async def test_an_early_answer_arrives_while_the_client_still_sends(self) -> None:
        early = response(b"too much", status=b"413 Content Too Large")
        cell = self.cell(answer(early, early=True))
        proxy = self.proxy(cell, upstream_idle_timeout_s=3600.0)
        client = await proxy.client()
        client.write(POST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
        got = await client.response()
        self.assertEqual((got.status, got.body, got.complete), (413, b"too much", True))
        # The client must learn that nobody reads on, and the cell's connection is of no more use.
        client.write(b"x" * 1000)
        await client.until_ended()
        await cell.connections[0].until_ended()
        cell.script = answer()
        self.assertEqual((await proxy.ask(GET)).body, b"ok")

    async def test_an_early_answer_survives_a_client_that_sends_it_all(self) -> None:
        early = response(b"too much", b"Connection: close", status=b"413 Content Too Large")
        cell = self.cell(answer(early, early=True, then=Connection.close))
        client = await self.proxy(cell).client()
        client.write(POST + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        got = await client.response()
        self.assertEqual((got.status, got.body, got.complete), (413, b"too much", True))


class InterimTests(ProxyTestCase):
    """100 and its kin, at the data port's own door."""

    async def test_a_client_that_waits_for_100_gets_the_cells(self) -> None:
        interim = b"HTTP/1.1 100 Continue\r\n\r\n"
        cell = self.cell(answer(interim, early=True))
        client = await self.proxy(cell).client()
        client.write(EXPECT)
        await client.until_received(interim[:12])
        self.assertEqual(cell.requests[0].value("Expect"), "100-continue")
        client.write(b"hello")
        await cell.connections[0].until_complete(cell.requests[0])
        cell.connections[0].write(response())
        got = await client.response()
        self.assertEqual((got.status, [each.status for each in got.informational]), (200, [100]))
        self.assertEqual(cell.requests[0].body, b"hello")

    async def test_a_client_that_waits_for_100_can_be_refused(self) -> None:
        cell = self.cell(answer(response(b"no", status=b"403 Forbidden"), early=True))
        client = await self.proxy(cell).client()
        got = await client.ask(EXPECT)
        self.assertEqual((got.status, got.body, got.informational), (403, b"no", []))
        # Whether it sends the body now is the client's choice, so the connection is no use to either side.
        client.write(b"hello")
        await client.until_ended()

    async def test_a_limit_refuses_before_the_body_is_sent(self) -> None:
        client = await self.proxy(self.cell(), max_request_body_bytes=4).client()
        assert_problem(self, await client.ask(EXPECT), 413)

    async def test_1_0_clients_never_get_any(self) -> None:
        cell = self.cell(answer(b"HTTP/1.1 100 Continue\r\n\r\n" + response()))
        client = await self.proxy(cell).client()
        client.write(EXPECT.replace(b"HTTP/1.1", b"HTTP/1.0") + b"hello")
        got = await client.response()
        self.assertEqual((got.status, got.informational), (200, []))

    async def test_early_hints_are_relayed_at_once(self) -> None:
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x\r\nX: y\r\n\r\n"
        cell = self.cell(answer(hints, hints))
        client = await self.proxy(cell).client()
        client.write(GET)
        await client.until(lambda: client.received.count(b" 103 ") == 2)
        await turns()
        cell.connections[0].write(response())
        got = await client.response()
        self.assertEqual([each.status for each in got.informational], [103, 103])
        self.assertEqual(got.informational[0].value("Link"), "</a>; rel=preload")
        self.assertEqual(got.informational[0].values("X"), [])
        self.assertEqual((got.status, got.body), (200, b"ok"))


class ResourceDownloadTests(DownloadTests):
    """The same behind twisted.web."""

    door = RESOURCE


class ResourceUploadTests(UploadTests):
    """The same behind twisted.web."""

    door = RESOURCE
