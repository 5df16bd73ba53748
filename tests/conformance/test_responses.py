"""Answers are read strictly: what two parsers could read differently never reaches a client."""

from tests.conformance.answers import BROKEN, PASSED
from tests.conformance.rows import Broken, Passed
from tests.support.cells import Cell, answer, in_turn
from tests.support.connections import turns
from tests.support.engines import LEAN, RESOURCE, Client, Proxy, ProxyTestCase
from tests.support.messages import Response
from tests.support.problems import assert_problem
from tests.support.tables import table

REQUEST = b"%b / HTTP/%b\r\nHost: x\r\n\r\n"
FOLLOW_UP = b"GET /follow-up HTTP/1.1\r\nHost: x\r\n\r\n"


class ResponseTestCase(ProxyTestCase):
    """What the cell sends, what the client gets, and whether anything was poisoned."""

    async def check(self, row: Broken | Passed) -> None:
        """Check a row of a table."""
        cell = self.cell(in_turn(answer(row.raw, then=row.then), answer()))
        # What must not be used again must end at once, not when it has been idle for long.
        proxy = self.proxy(cell, upstream_idle_timeout_s=3600.0)
        client = await proxy.client()
        if isinstance(row, Broken):
            reused: bool | None = False
            response = await client.ask(REQUEST % (b"GET", b"1.1"))
            assert_problem(self, response, 502, row.error, placement="tier3")
        else:
            reused = row.reused
            response = await client.ask(REQUEST % (row.method.encode(), row.version.encode()), row.method)
            await self.passed(row, response, client, cell)
        if row.then is not None:
            # Whether the router sees the end before the next request is a race that the cell must not lose.
            await cell.connections[0].until_ended()
            await turns()
        follow_up = await self.follow_up(proxy, client)
        self.assertEqual((follow_up.status, follow_up.body, follow_up.complete), (200, b"ok", True))
        self.assertEqual([len(cell.requests), cell.requests[1].target], [2, "/follow-up"])
        if reused is not None:
            self.assertEqual(len(cell.connections), 1 if reused else 2)
        if reused is False:
            await cell.connections[0].until_ended()

    async def passed(self, row: Passed, response: Response, client: Client, cell: Cell) -> None:
        """Compare what a client got of an answer that is passed on as far as it is sound."""
        if row.or_refused and response.status == 502:
            assert_problem(self, response, 502, method=row.method)
            return
        self.assertEqual((response.status, response.complete), (row.status, row.complete))
        if row.complete:
            self.assertEqual(response.body, row.body)
        else:
            self.assertTrue(row.body.startswith(response.body), response.body)
            await client.until_ended()
        if row.version == "1.0":
            self.assertEqual(response.informational + response.values("Transfer-Encoding"), [])
        self.assertEqual(response.values("X-Routed-To"), [cell.url])
        self.assertNotIn("X-Routed-To", dict(response.trailers))

    async def follow_up(self, proxy: Proxy, client: Client) -> Response:
        """Ask again, on the same connection unless it has ended or is about to."""
        if client.end is None:
            client.write(FOLLOW_UP)
            await client.until(lambda: client.unread or client.end)
            if client.unread:
                return await client.response()
        return await proxy.ask(FOLLOW_UP)


@table(ResponseTestCase.check, [*BROKEN, *PASSED])
class LeanResponseTests(ResponseTestCase):
    """At the data port's own door."""

    door = LEAN


@table(ResponseTestCase.check, [*BROKEN, *PASSED])
class ResourceResponseTests(ResponseTestCase):
    """At the door behind twisted.web."""

    door = RESOURCE
