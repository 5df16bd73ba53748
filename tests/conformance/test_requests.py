"""Requests are read strictly: what two parsers could read differently never reaches a cell."""

from twisted.internet import reactor

from tests.conformance.judge import (
    OWN_OF_REQUESTS,
    check_end_to_end,
    check_own,
    check_requests,
    check_responses,
    read_switch,
    sent_requests,
    usual_of_request,
)
from tests.conformance.requests import GROUPS
from tests.conformance.requests.making import SMUGGLED
from tests.conformance.rows import Abandoned, Forwarded, Refused, Row, Switched, named
from tests.support.cells import Cell, CellConnection, answer, in_turn, response
from tests.support.connections import turns
from tests.support.engines import LEAN, RESOURCE, Client, Proxy, ProxyTestCase, config
from tests.support.messages import Request, RequestReader, Response
from tests.support.problems import assert_problem
from tests.support.tables import table
from tests.support.tunnels import TunnelCell

FOLLOW_UP = b"GET /follow-up HTTP/1.1\r\nHost: x\r\n\r\n"


async def sound(connection: CellConnection, request: Request) -> None:
    """Answer as any cell would."""
    await connection.until_complete(request)
    connection.write(response().removesuffix(b"ok" if request.method == "HEAD" else b""))


class RequestTestCase(ProxyTestCase):
    """What is sent, what the client gets, what the cell gets, and whether anything was poisoned."""

    async def check(self, row: Row) -> None:
        """Check a row of a table."""
        if isinstance(row, Switched):
            await self.switched(row)
            return
        cell = self.cell(sound)
        proxy = self.proxy(cell, **row.settings) if isinstance(row, Forwarded) else self.proxy(cell)
        client = await proxy.client()
        if isinstance(row, Refused):
            answered = await self.refused(row, cell, client)
            if row.in_body:
                await self.refused_late(row, cell, await proxy.client())
        elif isinstance(row, Abandoned):
            answered = await self.abandoned(row, cell, client)
        else:
            answered = await self.forwarded(row, cell, client)
        await self.follow_up(proxy, client, cell, answered)

    async def refused(self, row: Refused, cell: Cell, client: Client) -> list[str]:
        """Send what must be refused, with a request behind it that only another reading would see.

        :returns: the methods of the requests that were answered.
        """
        client.write(row.raw + (SMUGGLED if row.closes else b""))
        await self.told_why(row, cell, client)
        if not row.in_body:
            self.assertEqual(cell.connections, [])
        return ["GET"]

    async def refused_late(self, row: Refused, cell: Cell, client: Client) -> None:
        """Let the fault in a body come when the cell has the head."""
        before = len(cell.requests)
        head, end, rest = row.raw.partition(b"\r\n\r\n")
        client.write(head + end)
        await cell.until_requests(before + 1)
        client.write(rest + SMUGGLED)
        await self.told_why(row, cell, client)

    async def told_why(self, row: Refused, cell: Cell, client: Client) -> None:
        """Check that a client is told why its request is refused, and that no cell has the whole of it."""
        refusal = await client.response()
        assert_problem(self, refusal, row.status, row.error)
        if row.closes:
            await self.closed(client, refusal)
        await cell.until(lambda: not cell.open_connections)
        self.assertEqual([request for request in cell.requests if request.complete], [])

    async def closed(self, client: Client, last: Response) -> None:
        """Check that a response says it is the last, and is."""
        self.assertEqual(last.value("Connection"), "close")
        self.assertEqual(await client.until_ended(), "closed")
        self.assertEqual(client.unread, b"")

    async def abandoned(self, row: Abandoned, cell: Cell, client: Client) -> list[str]:
        """Send what is not whole, see that nobody takes it for whole, and leave.

        :returns: the methods of the requests that were answered: none.
        """
        client.write(row.raw)
        if row.body is not None:
            await cell.until(lambda: cell.requests and cell.requests[0].body == row.body)
        await turns()
        self.assertEqual((client.received, client.end), (b"", None))
        self.assertEqual([request.complete for request in cell.requests], [] if row.body is None else [False])
        client.close()
        await client.until_ended()
        await cell.until(lambda: not cell.open_connections)
        self.assertEqual([request.complete for request in cell.requests], [] if row.body is None else [False])
        return []

    async def forwarded(self, row: Forwarded, cell: Cell, client: Client) -> list[str]:
        """Send requests, and compare what the cell got.

        :returns: the methods of the requests that were answered.
        """
        methods = [method for method, _, _ in row.seen]
        if row.answers is not None:
            cell.script = in_turn(answer(row.answers), sound)
        client.write(row.raw + (SMUGGLED if row.then else b""))
        responses = [await client.response(method) for method in methods]
        if responses[0].status in row.or_refused:
            assert_problem(self, responses[0], responses[0].status)
            self.assertEqual(cell.requests, [])
            return methods
        self.assertEqual([(each.status, each.complete) for each in responses], [(200, True)] * len(row.seen))
        got = [(request.method, request.target, bytes(request.body)) for request in cell.requests]
        self.assertEqual(got, list(row.seen))
        for position, sent in enumerate(sent_requests(row.raw, len(row.seen))):
            self.compare(row, sent, cell, position)
        self.assertEqual(
            [each.value("X-Request-ID") for each in responses],
            [request.value("X-Request-ID") for request in cell.requests],
        )
        if row.match is not None:
            self.assertEqual(responses[0].value("X-Route-Match"), row.match)
        if row.then is not None:
            refusal = await client.response()
            assert_problem(self, refusal, row.then)
            await self.closed(client, refusal)
            methods.append("GET")
        if row.closes:
            self.assertEqual(await client.until_ended(), "closed")
        self.assertEqual(client.unread, b"")
        return methods

    def compare(self, row: Forwarded, sent: Request, cell: Cell, position: int) -> None:
        """Compare a request with what the cell got of it."""
        got = cell.requests[position]
        self.assertTrue(got.complete)
        self.assertEqual(got.version, "1.1")
        host = sent.value("Host") if row.host is None else row.host
        self.assertEqual(got.value("Host"), cell.url.removeprefix("http://") if host is None else host)
        own = OWN_OF_REQUESTS if host == sent.value("Host") is not None else ("Host", *OWN_OF_REQUESTS)
        check_end_to_end(self, sent.fields, got.fields, self.door, row.gone, own)
        trailers = sent.trailers if self.door == LEAN else []
        check_end_to_end(self, trailers, got.trailers, self.door, row.gone_trailers)
        usual = usual_of_request(sent, got, host or "")
        check_own(self, got, OWN_OF_REQUESTS, usual, {} if position else row.own)

    async def switched(self, row: Switched) -> None:
        """Let the cell agree to another protocol, and compare what both sides got."""
        cell = TunnelCell(self, reactor)
        proxy = self.proxy(config(cell.url))
        client = await proxy.client()
        client.write(row.raw + row.ahead)
        end = await cell.accepted()
        await turns()
        head = bytes(end.received)
        reader = RequestReader()
        reader.receive(head)
        (got,), (sent,) = reader.requests, sent_requests(row.raw, 1)
        self.assertEqual((bytes(got.raw), got.complete, got.method, got.target), (head, True, "GET", "/"))
        check_end_to_end(self, sent.fields, got.fields, self.door, own=OWN_OF_REQUESTS)
        check_own(self, got, OWN_OF_REQUESTS, usual_of_request(sent, got, "x"), row.own)
        end.write(row.answers)
        await client.until_received(row.gets)
        await end.until_received(len(head) + len(row.ahead))
        await turns()
        self.assertEqual(end.received[len(head) :], row.ahead)
        agreed, rest = read_switch(bytes(client.received))
        self.assertEqual(rest, row.gets)
        usual = {"X-Routed-To": cell.url, "X-Route-Reason": "tier3", "X-Route-Match": "missing"}
        usual |= {"X-Request-ID": got.value("X-Request-ID"), "Connection": "Upgrade", "Upgrade": "bytes"}
        self.assertEqual(sorted(agreed.fields), sorted(usual.items()))
        end.close()
        await client.until_ended()
        # Neither connection is used again: the next request gets one of its own.
        again = self.cell()
        proxy.install(config(again.url))
        self.assertEqual((await proxy.ask(FOLLOW_UP)).status, 200)

    async def follow_up(self, proxy: Proxy, client: Client, cell: Cell, answered: list[str]) -> None:
        """Ask again: on connections that are still open, since something left behind would show there.

        :param answered: the methods of all requests that the client has had answers to.
        """
        before, still_open = len(cell.requests), len(cell.open_connections)
        if client.end is None:
            client.write(FOLLOW_UP)
            await client.until(lambda: client.unread or client.end, timeout_s=5.0)
        if client.unread:
            again = await client.response()
            answered.append("GET")
        else:
            again = await proxy.ask(FOLLOW_UP)
        self.assertEqual((again.status, again.body), (200, b"ok"))
        (request,) = cell.requests[before:]
        self.assertEqual((request.target, request.body, request.complete), ("/follow-up", b"", True))
        self.assertNotIn("/smuggled", [request.target for request in cell.requests])
        if still_open:
            self.assertEqual(len(cell.connections), still_open)
        for connection in cell.connections:
            check_requests(self, bytes(connection.received), connection.requests)
        check_responses(self, bytes(client.received), answered, client.end == "closed")


@table(RequestTestCase.check, named(GROUPS, LEAN))
class LeanRequestTests(RequestTestCase):
    """At the data port's own door."""

    door = LEAN


@table(RequestTestCase.check, named(GROUPS, RESOURCE))
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
