"""Every failure that a client can meet, and whom it concerns."""

from tests.support.cells import answer, black_hole, closed_port, response, stall
from tests.support.connections import Connection
from tests.support.engines import LEAN, RESOURCE, ProxyTestCase, config
from tests.support.problems import assert_problem

GET = b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n"
OTHER = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n"
PARTIAL = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
SHORT_S = 0.2
"""A time-out that is meant to pass."""


class CellFailureTests(ProxyTestCase):
    """What a cell does wrong; the cells of others go on."""

    door = LEAN

    async def failing(self, url: str, status: int, error: str, **settings: float) -> None:
        """Check that one placement fails as it should, and the other does not."""
        proxy = self.proxy(config(url, self.cell().url), **settings)
        client = await proxy.client()
        assert_problem(self, await client.ask(GET), status, error, placement="tier1")
        self.assertEqual((await client.ask(OTHER)).status, 200)
        (first, _) = await proxy.logged(2)
        self.assertEqual((first["status"], first["upstream"], first["placement"]), (status, url, "tier1"))
        self.assertTrue(first["error"])
        self.assertEqual(proxy.engine.in_flight, 0)

    async def test_a_closed_port(self) -> None:
        await self.failing(f"http://127.0.0.1:{closed_port()}", 502, "connection_refused")

    async def test_a_name_that_does_not_exist(self) -> None:
        await self.failing("http://nonexistent.invalid:80", 502, "dns_error")

    async def test_a_port_that_never_answers(self) -> None:
        url = f"http://127.0.0.1:{self.enterContext(black_hole())}"
        await self.failing(url, 502, "connection_timeout", dial_timeout_s=SHORT_S)

    async def test_a_reset(self) -> None:
        cell = self.cell(answer(b"", then=Connection.reset))
        await self.failing(cell.url, 502, "connection_terminated")

    async def test_a_close_without_an_answer(self) -> None:
        cell = self.cell(answer(b"", then=Connection.close))
        await self.failing(cell.url, 502, "http_response_incomplete")

    async def test_no_answer_in_time(self) -> None:
        cell = self.cell(stall)
        await self.failing(cell.url, 504, "http_response_timeout", response_timeout_s=SHORT_S)
        await cell.connections[0].until_ended()

    async def test_half_a_head_in_time(self) -> None:
        cell = self.cell(answer(PARTIAL[:30]))
        await self.failing(cell.url, 504, "http_response_timeout", response_timeout_s=SHORT_S)
        await cell.connections[0].until_ended()

    async def test_a_body_that_stops_aborts_the_clients_connection(self) -> None:
        for script, settings in (
            (answer(PARTIAL, then=Connection.close), {}),
            (answer(PARTIAL, then=Connection.reset), {}),
            (answer(PARTIAL), {"body_idle_timeout_s": SHORT_S}),
        ):
            cell = self.cell(script)
            proxy = self.proxy(cell, **settings)
            client = await proxy.client()
            got = await client.ask(GET)
            self.assertEqual((got.status, got.complete, got.body), (200, False, b"hello"))
            await client.until_ended()
            await cell.connections[0].until_ended()
            (line,) = await proxy.logged()
            self.assertEqual(line["status"], 200)
            self.assertTrue(line["error"])

    async def test_a_body_without_length_that_stops_is_a_reset_for_1_0(self) -> None:
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        client = await self.proxy(self.cell(answer(raw, then=Connection.close))).client()
        got = await client.ask(GET.replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assertEqual((got.complete, client.end), (False, "reset"))

    async def test_the_problem_has_no_body_for_head_and_closes_for_1_0(self) -> None:
        proxy = self.proxy(config(f"http://127.0.0.1:{closed_port()}"))
        client = await proxy.client()
        head = await client.ask(GET.replace(b"GET", b"HEAD"), "HEAD")
        assert_problem(self, head, 502, "connection_refused", "tier1", "HEAD")
        assert_problem(self, await client.ask(GET.replace(b"HTTP/1.1", b"HTTP/1.0")), 502)
        self.assertEqual(await client.until_ended(), "closed")


class BodyLimitTests(ProxyTestCase):
    """413, as early as it can be known."""

    door = LEAN

    async def test_a_length_over_the_limit_never_reaches_the_cell(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, max_request_body_bytes=10).client()
        client.write(POST + b"Content-Length: 11\r\n\r\n" + b"x" * 11)
        assert_problem(self, await client.response(), 413, placement="tier1")
        self.assertEqual(cell.connections, [])

    async def test_counted_bytes_over_the_limit_never_complete_a_request(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, max_request_body_bytes=10).client()
        client.write(POST + b"Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n12345\r\n0\r\n\r\n")
        assert_problem(self, await client.response(), 413, placement="tier1")
        await cell.until(lambda: not cell.open_connections)
        self.assertEqual([request for request in cell.requests if request.complete], [])

    async def test_bodies_as_long_as_the_limit_pass(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, max_request_body_bytes=10).client()
        for raw in (
            b"Content-Length: 10\r\n\r\n1234567890",
            b"Transfer-Encoding: chunked\r\n\r\na\r\n1234567890\r\n0\r\n\r\n",
        ):
            self.assertEqual((await client.ask(POST + raw)).status, 200)
            self.assertEqual(cell.requests[-1].body, b"1234567890")

    async def test_a_placement_can_have_a_limit_of_its_own(self) -> None:
        cell = self.cell()
        placements = {"tier1": {"url": cell.url, "max_request_body_bytes": 3}}
        document = config(
            cell.url, placements=placements, cellEndpoints={"tier3": cell.url}, routingTable={"acme": "tier1"}
        )
        proxy = self.proxy(document)
        raw = b"Content-Length: 5\r\n\r\nhello"
        assert_problem(self, await proxy.ask(POST + raw), 413, placement="tier1")
        other = POST.replace(b"acme", b"globex")
        self.assertEqual((await proxy.ask(other + raw)).status, 200)


class ClientFailureTests(ProxyTestCase):
    """A client that leaves or stalls: 499 in the log, and nobody's fault but its own."""

    door = LEAN

    async def test_who_leaves_before_the_answer_is_a_499_and_the_cell_is_left_at_once(self) -> None:
        for leave in (Connection.close, Connection.reset):
            cell = self.cell(stall)
            proxy = self.proxy(cell)
            client = await proxy.client()
            client.write(GET)
            await cell.until_requests()
            leave(client)
            await cell.connections[0].until_ended()
            (line,) = await proxy.logged()
            self.assertEqual((line["status"], proxy.engine.in_flight), (499, 0))

    async def test_who_leaves_in_the_answer(self) -> None:
        cell = self.cell(answer(PARTIAL))
        proxy = self.proxy(cell)
        client = await proxy.client()
        client.write(GET)
        await client.until_received(b"hello")
        client.reset()
        await cell.connections[0].until_ended()
        (line,) = await proxy.logged()
        self.assertEqual((line["status"], proxy.engine.in_flight), (499, 0))


class SlowClientTests(ProxyTestCase):
    """Clients that take their time in a request, at the data port's own door."""

    async def test_bytes_over_the_limit_are_counted_as_they_come(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, max_request_body_bytes=10).client()
        client.write(POST + b"Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n")
        await cell.until(lambda: cell.requests and cell.requests[0].body == b"123456")
        client.write(b"5\r\n12345\r\n")
        assert_problem(self, await client.response(), 413, placement="tier1")
        await cell.connections[0].until_ended()
        self.assertEqual(cell.requests[0].body, b"123456")

    async def test_who_leaves_in_a_request(self) -> None:
        cell = self.cell()
        proxy = self.proxy(cell)
        client = await proxy.client()
        client.write(POST + b"Content-Length: 10\r\n\r\nhello")
        await cell.until(lambda: cell.requests and cell.requests[0].body == b"hello")
        client.close()
        await cell.connections[0].until_ended()
        (line,) = await proxy.logged()
        self.assertEqual(line["status"], 499)

    async def test_half_a_head_in_time_is_a_408(self) -> None:
        client = await self.proxy(self.cell(), head_timeout_s=SHORT_S).client()
        assert_problem(self, await client.ask(GET[:-2]), 408)
        self.assertEqual(await client.until_ended(), "closed")

    async def test_a_body_that_stops_is_a_408_and_the_cell_is_left(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, body_idle_timeout_s=SHORT_S).client()
        assert_problem(self, await client.ask(POST + b"Content-Length: 10\r\n\r\nhello"), 408)
        self.assertEqual(await client.until_ended(), "closed")
        await cell.connections[0].until_ended()

    async def test_silence_instead_of_a_request_is_only_closed(self) -> None:
        client = await self.proxy(self.cell(), head_timeout_s=SHORT_S, keepalive_timeout_s=SHORT_S).client()
        self.assertEqual((await client.until_ended(), client.received), ("closed", b""))

    async def test_an_idle_connection_is_closed_in_time(self) -> None:
        client = await self.proxy(self.cell(answer(response())), keepalive_timeout_s=SHORT_S).client()
        self.assertEqual((await client.ask(GET)).status, 200)
        self.assertEqual((await client.until_ended(), client.unread), ("closed", b""))


class ResourceCellFailureTests(CellFailureTests):
    """The same behind twisted.web."""

    door = RESOURCE


class ResourceBodyLimitTests(BodyLimitTests):
    """The same behind twisted.web."""

    door = RESOURCE


class ResourceClientFailureTests(ClientFailureTests):
    """The same behind twisted.web."""

    door = RESOURCE
