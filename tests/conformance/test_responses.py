"""Answers are read strictly: what two parsers could read differently never reaches a client."""

from attrs import evolve

from tests.conformance.judge import (
    BODILESS,
    NEW_ID,
    OWN_OF_RESPONSES,
    check_end_to_end,
    check_own,
    check_responses,
    sent_response,
)
from tests.conformance.responses import GROUPS
from tests.conformance.rows import CLOSE, Broken, Passed, Values, named
from tests.support.cells import Cell, CellConnection, answer, in_turn
from tests.support.connections import turns
from tests.support.engines import LEAN, RESOURCE, Client, Proxy, ProxyTestCase
from tests.support.messages import Request, Response
from tests.support.problems import assert_problem
from tests.support.tables import table

REQUEST = b"%b / HTTP/%b\r\nHost: x\r\n%b\r\n"
FOLLOW_UP = b"GET /follow-up HTTP/1.1\r\nHost: x\r\n\r\n"


class ResponseTestCase(ProxyTestCase):
    """What the cell sends, what the client gets, and whether anything was poisoned."""

    async def check(self, row: Broken | Passed) -> None:
        """Check a row of a table."""
        await self.judge(row, row.raw)
        if isinstance(row, Passed) and not row.complete and row.or_refused:
            head, end, body = row.raw.partition(b"\r\n\r\n")
            await self.judge(evolve(row, or_refused=False), head + end, body)

    async def judge(self, row: Broken | Passed, *parts: bytes) -> None:
        """Send an answer in parts, each when the client has something of the one before, and judge it."""

        async def in_parts(connection: CellConnection, request: Request) -> None:
            await connection.until_complete(request)
            connection.write(parts[0])
            for part in parts[1:]:
                await client.until(lambda: client.received)
                connection.write(part)
            if row.then is not None:
                await turns()
                row.then(connection)

        cell = self.cell(in_turn(in_parts, answer()))
        # What must not be used again must end at once, not when it has been idle for long.
        proxy = self.proxy(cell, upstream_idle_timeout_s=3600.0)
        client = await proxy.client()
        request = REQUEST % (row.method.encode(), row.version.encode(), row.asked)
        response = await client.ask(request, row.method)
        if isinstance(row, Broken):
            reused: bool | None = False
            assert_problem(self, response, 502, row.error, placement="tier3", method=row.method)
        else:
            reused = row.reused
            await self.passed(row, response, client, cell)
        if row.then is not None:
            # Whether the router sees the end before the next request is a race that the cell must not lose.
            await cell.connections[0].until_ended()
            await turns()
        await self.follow_up(proxy, client, [row.method] if response.complete else [])
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
        sent = sent_response(row.raw, row.method, until_close=row.then is CLOSE)
        # twisted.web repeats the version of the request, which is as good.
        version = row.version if self.door == RESOURCE else "1.1"
        self.assertEqual((response.version, response.reason), (version, sent.reason))
        check_end_to_end(self, sent.fields, response.fields, self.door, row.gone, OWN_OF_RESPONSES)
        check_own(self, response, OWN_OF_RESPONSES, self.usual(row, response, cell), row.own)
        relays = self.door == LEAN and row.version == "1.1"
        trailers = sent.trailers if relays and row.complete else []
        check_end_to_end(self, trailers, response.trailers, self.door, row.gone_trailers)
        informational = sent.informational if relays else []
        self.assertEqual(
            [each.status for each in response.informational], [each.status for each in informational]
        )
        for told, got in zip(informational, response.informational, strict=True):
            check_end_to_end(self, told.fields, got.fields, self.door, row.gone_interim)

    def usual(self, row: Passed, response: Response, cell: Cell) -> dict[str, Values]:
        """Give the fields that the router writes into an answer, unless a row says otherwise."""
        request_id = response.value("X-Request-ID") or ""
        bodiless = row.method == "HEAD" or row.status in BODILESS
        streamed = row.version == "1.1" and not bodiless and not response.values("Content-Length")
        return {
            "X-Routed-To": cell.url,
            "X-Route-Reason": "tier3",
            "X-Route-Match": "missing",
            "X-Request-ID": request_id if NEW_ID.fullmatch(request_id) else "32 hexadecimal digits",
            "Transfer-Encoding": "chunked" if streamed else None,
            "Connection": "close" if row.version == "1.0" else None,
        }

    async def follow_up(self, proxy: Proxy, client: Client, methods: list[str]) -> None:
        """Ask again, on the same connection unless it has ended or is about to.

        :param methods: of the requests whose whole answers are all that the client has got so far.
        """
        if client.end is None:
            client.write(FOLLOW_UP)
            await client.until(lambda: client.unread or client.end)
        if client.unread:
            response = await client.response()
            methods.append("GET")
        else:
            response = await proxy.ask(FOLLOW_UP)
        self.assertEqual((response.status, response.body, response.complete), (200, b"ok", True))
        if methods:
            check_responses(self, bytes(client.received), methods, client.end == "closed")


@table(ResponseTestCase.check, named(GROUPS, LEAN))
class LeanResponseTests(ResponseTestCase):
    """At the data port's own door."""

    door = LEAN


@table(ResponseTestCase.check, named(GROUPS, RESOURCE))
class ResourceResponseTests(ResponseTestCase):
    """At the door behind twisted.web."""

    door = RESOURCE
