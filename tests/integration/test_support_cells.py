"""The cells of other tests misbehave exactly as they are told to, and notice what they are sent."""

import socket
import unittest
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.support.cells import (
    Cell,
    Script,
    answer,
    black_hole,
    closed_port,
    deaf,
    drip,
    echo,
    in_turn,
    pouring,
    response,
    stall,
)
from tests.support.connections import POURED, Connection, NeverHappenedError, turns, until_still
from tests.support.messages import NotWellFormedError, ResponseReader

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
POST_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
LIE = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"


class CellTestCase(TestCase):
    """Clients that send bytes to a cell."""

    timeout = 30.0

    def cell(self, script: Script | None = None, **options: Any) -> Cell:
        """Start a cell."""
        return Cell(self, reactor, script, **options)

    async def connect(self, cell: Cell) -> Connection:
        """Connect to a cell."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", int(cell.url.rpartition(":")[2]))
        client = await connectProtocol(endpoint, Connection())
        self.addCleanup(client.transport.abortConnection)
        return client

    async def send(self, cell: Cell, raw: bytes) -> Connection:
        """Connect and send."""
        client = await self.connect(cell)
        client.write(raw)
        return client


class ScriptTests(CellTestCase):
    """What clients get."""

    async def test_any_bytes_are_an_answer_and_the_connection_stays(self) -> None:
        client = await self.send(self.cell(answer(LIE)), GET % 1)
        await client.until_received(LIE)
        client.write(GET % 2)
        await client.until_received(LIE + LIE)
        self.assertIsNone(client.end)

    async def test_an_answer_can_be_the_end(self) -> None:
        for then, end in ((Connection.close, "closed"), (Connection.reset, "reset")):
            client = await self.send(self.cell(answer(LIE, then=then)), GET % 1)
            self.assertEqual((await client.until_ended(), bytes(client.received)), (end, LIE))

    async def test_nothing_can_be_the_answer(self) -> None:
        client = await self.send(self.cell(answer(b"", then=Connection.reset)), GET % 1)
        self.assertEqual((await client.until_ended(), bytes(client.received)), ("reset", b""))

    async def test_an_early_answer_does_not_wait_for_the_body_and_another_one_does(self) -> None:
        early, late = self.cell(answer(b"early", early=True)), self.cell(answer(b"late"))
        await (await self.send(early, POST_HEAD)).until_received(b"early")
        client = await self.send(late, POST_HEAD)
        await late.until_requests()
        self.assertEqual(client.received, b"")
        client.write(b"12345")
        await client.until_received(b"late")

    async def test_a_dripping_answer_arrives_in_many_pieces(self) -> None:
        pieces: list[bytes] = []
        client = await self.connect(self.cell(drip(response())))
        client.dataReceived = lambda data: (pieces.append(data), Connection.dataReceived(client, data))
        client.write(GET % 1)
        await client.until_received(response())
        self.assertGreater(len(pieces), 10)

    async def test_a_stalling_cell_reads_and_says_nothing(self) -> None:
        cell = self.cell(stall)
        client = await self.send(cell, GET % 1)
        await cell.until_requests()
        await turns()
        self.assertEqual((client.received, client.end), (b"", None))

    async def test_each_request_can_have_a_script_of_its_own(self) -> None:
        client = await self.send(self.cell(in_turn(answer(b"first"), answer(b"other"))), GET % 1 + GET % 2)
        await client.until_received(b"firstother")
        client.write(GET % 3)
        await client.until_received(b"firstotherother")

    async def test_bytes_can_be_sent_while_idle(self) -> None:
        cell = self.cell()
        client = await self.send(cell, GET % 1)
        await client.until_received(response())
        cell.connections[0].write(b"unasked")
        await client.until_received(b"unasked")

    async def test_a_cell_can_be_deaf_for_a_while(self) -> None:
        cell = self.cell(deaf, buffer_bytes=16384)
        size = 32 * 1024 * 1024
        client = await self.send(cell, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        poured = Deferred.fromCoroutine(client.pour(size))
        self.assertLess(await until_still(lambda: client.poured, enough=size), size)
        cell.connections[0].transport.resumeProducing()
        await poured
        await client.until_received(response())
        self.assertEqual(cell.requests[0].body, POURED * (size // len(POURED)))

    async def test_a_cell_can_pour(self) -> None:
        client = await self.send(self.cell(pouring(300_000)), GET % 1)
        await client.until_received(b"\r\n\r\n")
        await client.until_received(client.received.index(b"\r\n\r\n") + 4 + 300_000)
        self.assertTrue(client.received.endswith((POURED * 5)[:300_000]))

    async def test_a_closed_port_refuses_and_a_black_hole_does_not_answer(self) -> None:
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", closed_port()), timeout=5)
        with black_hole() as port, self.assertRaises(TimeoutError):
            socket.create_connection(("127.0.0.1", port), timeout=0.2)


class RecordTests(CellTestCase):
    """What tests learn."""

    async def test_every_request_and_its_exact_bytes_are_recorded(self) -> None:
        cell = self.cell(echo)
        first, second = POST_HEAD + b"12345", GET % 2
        client = await self.send(cell, first + second)
        await client.until_received(response(first) + response(second))
        self.assertEqual([bytes(request.raw) for request in cell.requests], [first, second])
        self.assertEqual(cell.requests[0].fields, [("Host", "x"), ("Content-Length", "5")])
        self.assertEqual((cell.requests[0].body, cell.requests[1].target), (b"12345", "/2"))

    async def test_chunks_and_trailers_are_understood(self) -> None:
        cell = self.cell()
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        await self.send(cell, head + b"2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 7\r\n\r\n")
        await cell.until(lambda: cell.requests and cell.requests[0].complete)
        self.assertEqual((cell.requests[0].body, cell.requests[0].trailers), (b"abc", [("X-Sum", "7")]))

    async def test_reuse_shows(self) -> None:
        cell = self.cell()
        client = await self.send(cell, GET % 1)
        await client.until_received(response())
        client.write(GET % 2)
        await cell.until_requests(2)
        self.assertEqual([len(connection.requests) for connection in cell.connections], [2])
        await self.send(cell, GET % 3)
        await cell.until_requests(3)
        self.assertEqual([len(connection.requests) for connection in cell.connections], [2, 1])

    async def test_a_wait_for_what_cannot_happen_fails(self) -> None:
        client = await self.send(self.cell(answer(LIE, then=Connection.close)), GET % 1)
        error = await self.assertFailure(
            Deferred.fromCoroutine(client.until_received(b"never")), NeverHappenedError
        )
        self.assertIn("it ended first", str(error))
        client = await self.send(self.cell(stall), GET % 1)
        wait = client.until(lambda: False, timeout_s=0.01)
        error = await self.assertFailure(Deferred.fromCoroutine(wait), NeverHappenedError)
        self.assertIn("nothing happened", str(error))


class UnsoundTests(SynchronousTestCase):
    """A test during which a cell gets anything but strict HTTP fails."""

    def run_with(self, raw: bytes, script: Script | None = None) -> unittest.TestResult:
        """Run a test that sends bytes to a cell and looks at nothing."""

        class Sending(CellTestCase):
            """Not to be run by itself."""

            async def runTest(self) -> None:
                cell = self.cell(script)
                client = await self.send(cell, raw)
                await client.until_ended()

        result = unittest.TestResult()
        Sending().run(result)
        return result

    def test_what_strict_parsers_take_is_no_failure(self) -> None:
        self.assertTrue(self.run_with(GET % 1, answer(then=Connection.close)).wasSuccessful())

    def test_everything_else_is(self) -> None:
        for raw in (b"nonsense\r\n\r\n", (GET % 1).replace(b"\r\n", b"\n"), b"GET / HTTP/1.1\r\n\r\n"):
            self.assertFalse(self.run_with(raw).wasSuccessful(), raw)

    def test_so_is_a_script_that_fails(self) -> None:
        async def broken(connection: Connection, request: object) -> None:
            connection.close()
            raise ValueError("broken")

        self.assertIn("broken", str(self.run_with(GET % 1, broken).errors))


class ResponseReaderTests(SynchronousTestCase):
    """Responses are read by h11, and strictly."""

    def read(self, raw: bytes, method: str = "GET", cut: Callable[[bytes], list[bytes]] | None = None):
        reader = ResponseReader(method)
        for part in (cut or (lambda whole: [whole]))(raw):
            reader.receive(part)
        return reader

    def test_a_response_ends_where_its_framing_says(self) -> None:
        reader = self.read(b"HTTP/1.1 103 E\r\nA: b\r\n\r\n" + response(b"body") + b"more")
        self.assertEqual((reader.complete, reader.response.body, reader.rest), (True, b"body", b"more"))
        self.assertEqual([each.status for each in reader.response.informational], [103])
        reader = self.read(response(b"body")[:-4], "HEAD")
        self.assertEqual((reader.complete, reader.rest), (True, b""))

    def test_any_split_gives_the_same(self) -> None:
        raw = b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw += b"3\r\nabc\r\n0\r\n\r\n"
        reader = self.read(raw, cut=lambda whole: [whole[at : at + 1] for at in range(len(whole))])
        self.assertEqual((reader.complete, reader.response.body), (True, b"abc"))

    def test_the_end_of_the_connection_is_an_end_only_without_other_framing(self) -> None:
        reader = self.read(b"HTTP/1.1 200 OK\r\n\r\nbody", cut=lambda whole: [whole, b""])
        self.assertTrue(reader.complete)
        reader = self.read(LIE, cut=lambda whole: [whole, b""])
        self.assertEqual((reader.complete, reader.response.body), (False, b"short"))

    def test_what_h11_forgives_is_refused(self) -> None:
        with self.assertRaises(NotWellFormedError):
            self.read(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n")
