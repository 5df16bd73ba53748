"""When connections are kept, used again, and given up; on both sides of the router."""

from twisted.internet.defer import Deferred

from tests.support.cells import CellConnection, answer, in_turn, response, stall
from tests.support.connections import Connection, turns, until_still
from tests.support.engines import LEAN, RESOURCE, ProxyTestCase, config
from tests.support.messages import Request

SHORT_S = 0.2
"""A time-out that is meant to pass."""

NEVER_S = 3600.0
"""A time-out that must not be what ends a connection."""


def get(path: str = "/", *fields: bytes, version: bytes = b"1.1") -> bytes:
    """Make a request for ``acme``."""
    lines = (b"GET %b HTTP/%b" % (path.encode(), version), b"Host: x", b"X-Routing-Key: acme", *fields)
    return b"\r\n".join((*lines, b"", b""))


class Held:
    """A script that answers a request with its target, once it may.

    :ivar release: fires when it may.
    """

    def __init__(self) -> None:
        self.release: Deferred[None] = Deferred()

    async def __call__(self, connection: CellConnection, request: Request) -> None:
        """Wait, and answer."""
        await connection.until_complete(request)
        if not self.release.called:
            released: Deferred[None] = Deferred()
            self.release.addCallback(released.callback)
            await released
        connection.write(response(request.target.encode()))


class KeepAliveTests(ProxyTestCase):
    """Connections serve many requests."""

    door = LEAN

    lists_of_connection_options = True

    async def test_one_connection_to_the_cell_serves_one_client_after_another(self) -> None:
        cell = self.cell()
        proxy = self.proxy(cell)
        for _ in range(2):
            client = await proxy.client()
            for _ in range(3):
                self.assertEqual((await client.ask(get())).status, 200)
        self.assertEqual([len(connection.requests) for connection in cell.connections], [6])

    async def test_the_client_decides_over_its_own_connection_only(self) -> None:
        cell = self.cell()
        proxy = self.proxy(cell)
        asking_for_the_end = [get("/", b"Connection: close"), get(version=b"1.0")]
        if self.lists_of_connection_options:
            asking_for_the_end.append(get("/", b"connection: close,x"))
        for raw in asking_for_the_end:
            client = await proxy.client()
            got = await client.ask(raw)
            self.assertEqual((got.status, got.value("Connection")), (200, "close"), raw)
            self.assertEqual(await client.until_ended(), "closed")
        client = await proxy.client()
        for raw in (get(), get("/", b"Connection: keep-alive"), get()):
            self.assertEqual((await client.ask(raw)).status, 200)
        self.assertEqual({len(cell.connections), cell.connections[0].end}, {1, None})

    async def test_the_cell_decides_over_its_own_connection_only(self) -> None:
        cell = self.cell(answer(response(b"ok", b"Connection: close"), then=Connection.close))
        client = await self.proxy(cell).client()
        for _ in range(3):
            got = await client.ask(get())
            self.assertEqual((got.status, got.values("Connection")), (200, []))
        self.assertEqual([len(connection.requests) for connection in cell.connections], [1, 1, 1])

    async def test_a_connection_that_the_cell_closed_while_idle_harms_nobody(self) -> None:
        for leave in (Connection.close, Connection.reset):
            cell = self.cell()
            client = await self.proxy(cell).client()
            await client.ask(get())
            leave(cell.connections[0])
            await cell.connections[0].until_ended()
            await turns()
            self.assertEqual((await client.ask(get())).status, 200)
            self.assertEqual(len(cell.connections), 2)

    async def test_a_close_that_crosses_a_request_never_makes_it_two(self) -> None:
        """Whether the cell has acted on the request is not for the router to guess."""
        for method in (b"GET", b"POST"):
            cell = self.cell(in_turn(answer(), answer(b"", then=Connection.close), answer()))
            client = await self.proxy(cell).client()
            await client.ask(get())
            got = await client.ask(get("/", b"Content-Length: 0").replace(b"GET", method))
            self.assertEqual((got.status, len(cell.requests)), (502, 2))

    async def test_what_arrives_while_idle_is_never_an_answer(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, upstream_idle_timeout_s=NEVER_S).client()
        await client.ask(get())
        cell.connections[0].write(response(b"poison"))
        await cell.connections[0].until_ended()
        self.assertEqual((await client.ask(get())).body, b"ok")
        self.assertEqual(client.unread, b"")

    async def test_idle_connections_to_cells_end_in_time(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell, upstream_idle_timeout_s=SHORT_S).client()
        await client.ask(get())
        await cell.connections[0].until_ended()
        self.assertIsNone(client.end)

    async def test_no_more_than_so_many_idle_connections_are_kept(self) -> None:
        held = Held()
        cell = self.cell(held)
        proxy = self.proxy(cell, max_idle_upstreams=2, upstream_idle_timeout_s=NEVER_S)
        clients = [await proxy.client() for _ in range(4)]
        for client in clients:
            client.write(get())
        await cell.until_requests(4)
        held.release.callback(None)
        for client in clients:
            self.assertEqual((await client.response()).status, 200)
        await cell.until(lambda: len(cell.open_connections) == 2)
        self.assertEqual((await clients[0].ask(get())).status, 200)
        self.assertEqual(len(cell.connections), 4)


class PipeliningTests(ProxyTestCase):
    """Requests that do not wait for answers."""

    door = LEAN

    async def test_they_are_answered_in_order_and_sent_on_one_after_the_other(self) -> None:
        held = Held()
        cell = self.cell(held)
        client = await self.proxy(cell).client()
        client.write(get("/1") + get("/2") + get("/3"))
        await cell.until_requests(1)
        await turns()
        self.assertEqual(len(cell.requests), 1)
        held.release.callback(None)
        bodies = [bytes((await client.response()).body) for _ in range(3)]
        self.assertEqual(bodies, [b"/1", b"/2", b"/3"])

    async def test_only_a_few_are_read_ahead(self) -> None:
        client = await self.proxy(self.cell(stall)).client()
        size = 64 * 1024 * 1024
        client.write(get())
        Deferred.fromCoroutine(client.pour(size)).addErrback(lambda _: None)
        self.assertLess(await until_still(lambda: client.poured, enough=size), size // 2)

    async def test_many_are_all_answered(self) -> None:
        cell = self.cell(answer(response(b"ok")))
        client = await self.proxy(cell).client()
        client.write(b"".join(get(f"/{number}") for number in range(200)))
        for _ in range(200):
            self.assertEqual((await client.response()).status, 200)
        self.assertEqual([request.target for request in cell.requests], [f"/{n}" for n in range(200)])


class ConfigChangeTests(ProxyTestCase):
    """A request sees one config from its start to its end."""

    door = LEAN

    async def test_a_request_in_flight_finishes_where_it_began_and_the_next_goes_elsewhere(self) -> None:
        held = Held()
        old, new = self.cell(held), self.cell(answer(response(b"new")))
        proxy = self.proxy(config(old.url), upstream_idle_timeout_s=NEVER_S)
        first, second = await proxy.client(), await proxy.client()
        first.write(get("/old"))
        await old.until_requests()
        proxy.install(config(new.url, version="2"), revision=7)
        self.assertEqual((await second.ask(get())).body, b"new")
        held.release.callback(None)
        got = await first.response()
        self.assertEqual((got.body, got.value("X-Routed-To")), (b"/old", old.url))
        self.assertEqual((await first.ask(get())).body, b"new")
        lines = [(line["config_version"], line["config_revision"]) for line in await proxy.logged(3)]
        self.assertEqual(sorted(lines, key=str), [("1", None), ("2", 7), ("2", 7)])
        await old.connections[0].until_ended()

    async def test_idle_connections_to_an_endpoint_that_is_gone_are_closed(self) -> None:
        old, kept = self.cell(), self.cell()
        proxy = self.proxy(config(old.url, kept.url), upstream_idle_timeout_s=NEVER_S)
        client = await proxy.client()
        await client.ask(get())
        await client.ask(get().replace(b"acme", b"other"))
        proxy.install(config(kept.url, version="2"))
        await old.connections[0].until_ended()
        self.assertEqual(len(kept.open_connections), 1)
        self.assertIsNone(client.end)


class EndTests(ProxyTestCase):
    """The engine's last requests."""

    door = LEAN

    async def test_what_is_in_flight_is_finished_and_then_everything_is_over(self) -> None:
        held = Held()
        cell = self.cell(held)
        proxy = self.proxy(cell)
        busy, idle = await proxy.client(), await proxy.client()
        busy.write(get("/last"))
        await cell.until_requests()
        self.assertEqual(proxy.engine.in_flight, 1)
        proxy.engine.begin_drain()
        drained = proxy.engine.drained()
        self.assertFalse(drained.called)
        held.release.callback(None)
        got = await busy.response()
        self.assertEqual((got.body, got.value("Connection")), (b"/last", "close"))
        self.assertEqual(await busy.until_ended(), "closed")
        await drained
        self.assertEqual(proxy.engine.in_flight, 0)
        if self.door == LEAN:
            await idle.until_ended()

    async def test_what_is_in_flight_can_be_aborted(self) -> None:
        cell = self.cell(stall)
        proxy = self.proxy(cell)
        client = await proxy.client()
        client.write(get())
        await cell.until_requests()
        proxy.engine.begin_drain()
        self.assertEqual(proxy.engine.abort_all(), 1)
        await client.until_ended()
        await cell.connections[0].until_ended()
        self.assertTrue((await proxy.logged())[0]["error"])
        self.assertEqual(proxy.engine.in_flight, 0)


class ResourceKeepAliveTests(KeepAliveTests):
    """The same behind twisted.web, which does not see ``close`` in every list."""

    door = RESOURCE
    lists_of_connection_options = False


class ResourcePipeliningTests(PipeliningTests):
    """The same behind twisted.web."""

    door = RESOURCE


class ResourceConfigChangeTests(ConfigChangeTests):
    """The same behind twisted.web."""

    door = RESOURCE


class ResourceEndTests(EndTests):
    """The same behind twisted.web."""

    door = RESOURCE
