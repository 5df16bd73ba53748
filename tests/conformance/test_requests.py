"""Requests are read strictly: what two parsers could read differently never reaches a cell."""

from tests.conformance.framing import FRAMING
from tests.conformance.heads import HEADS
from tests.conformance.rows import Forwarded, Refused
from tests.support.cells import Cell
from tests.support.engines import LEAN, RESOURCE, Client, Proxy, ProxyTestCase, config
from tests.support.problems import assert_problem
from tests.support.tables import table

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
FOLLOW_UP = b"GET /follow-up HTTP/1.1\r\nHost: x\r\n\r\n"


class RequestTestCase(ProxyTestCase):
    """What is sent, what the client gets, what the cell gets, and whether anything was poisoned."""

    async def check(self, row: Refused | Forwarded) -> None:
        """Check a row of a table."""
        cell = self.cell()
        proxy = self.proxy(cell)
        client = await proxy.client()
        if isinstance(row, Refused):
            await self.refused(row, cell, client)
        else:
            await self.forwarded(row, cell, client)
        before = len(cell.requests)
        # On the same connection as long as it is open: that is where something left behind would show.
        follow_up = await self.follow_up(proxy, client)
        self.assertEqual((follow_up.status, follow_up.body), (200, b"ok"))
        (request,) = cell.requests[before:]
        self.assertEqual((request.target, request.body, request.complete), ("/follow-up", b"", True))
        self.assertNotIn("/smuggled", [request.target for request in cell.requests])

    async def refused(self, row: Refused, cell: Cell, client: Client) -> None:
        """Send what must be refused, with a request behind it that only another reading would see."""
        client.write(row.raw + (SMUGGLED if row.closes else b""))
        response = await client.response("HEAD" if row.raw.startswith(b"HEAD") else "GET")
        assert_problem(self, response, row.status, row.error)
        if row.closes:
            self.assertEqual(response.value("Connection"), "close")
            await client.until_ended()
            self.assertEqual(client.unread, b"")
        self.assertEqual([request for request in cell.requests if request.complete], [])
        if row.in_body:
            await cell.until(lambda: not cell.open_connections)
        else:
            self.assertEqual(cell.connections, [])

    async def forwarded(self, row: Forwarded, cell: Cell, client: Client) -> None:
        """Send requests, and compare what the cell got."""
        client.write(row.raw)
        statuses = []
        for method, _, _ in row.seen:
            response = await client.response(method)
            self.assertTrue(response.complete)
            statuses.append(response.status)
        if statuses[0] in row.or_refused:
            assert_problem(self, response, response.status)
            self.assertEqual(cell.requests, [])
            return
        self.assertEqual(statuses, [200] * len(row.seen), response)
        got = [(request.method, request.target, bytes(request.body)) for request in cell.requests]
        self.assertEqual(got, list(row.seen))
        self.assertTrue(all(request.complete for request in cell.requests))
        for request in cell.requests:
            self.assertEqual(request.values("Upgrade") + request.trailers, [])
            self.assertEqual([name for name, _ in request.fields if "_" in name], [])
        if row.closes:
            self.assertEqual(await client.until_ended(), "closed")
            self.assertEqual(client.unread, b"")

    async def follow_up(self, proxy: Proxy, client: Client):
        """Ask again, on the same connection unless it has ended."""
        if client.end is None:
            client.write(FOLLOW_UP)
            await client.until(lambda: client.unread or client.end, timeout_s=5.0)
            if client.unread:
                return await client.response()
        return await proxy.ask(FOLLOW_UP)


@table(RequestTestCase.check, (row for row in [*FRAMING, *HEADS] if LEAN in row.doors))
class LeanRequestTests(RequestTestCase):
    """At the data port's own door."""

    door = LEAN


@table(RequestTestCase.check, (row for row in [*FRAMING, *HEADS] if RESOURCE in row.doors))
class ResourceRequestTests(RequestTestCase):
    """At the door behind twisted.web."""

    door = RESOURCE


class MissingKeyTests(ProxyTestCase):
    """Under ``reject`` a request needs a routing key."""

    async def test_without_a_key_there_is_no_route(self) -> None:
        for self.door in (LEAN, RESOURCE):
            cell = self.cell()
            proxy = self.proxy(config(cell.url, missingKeyPolicy="reject"))
            assert_problem(self, await proxy.ask(FOLLOW_UP), 400)
            self.assertEqual(cell.connections, [])
            with_key = FOLLOW_UP.replace(b"\r\n\r\n", b"\r\nX-Routing-Key: unknown\r\n\r\n")
            self.assertEqual((await proxy.ask(with_key)).status, 200)
