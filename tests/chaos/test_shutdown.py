"""SIGTERM under load loses no request."""

from twisted.internet import error, reactor
from twisted.internet.defer import Deferred, gatherResults

from tests.chaos.cases import ChaosTestCase
from tests.chaos.load import CONNECTIONS
from tests.support.cells import Cell, CellConnection, response
from tests.support.messages import Request

GET = b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n"


class ShutdownTests(ChaosTestCase):
    """A data plane that is told to end."""

    async def until_refused(self) -> None:
        """Wait until the data plane takes no more connections."""
        while True:
            try:
                await self.client()
            except error.ConnectError:
                return

    async def test_what_is_in_flight_is_answered_and_nothing_new_is_taken(self) -> None:
        release: Deferred[None] = Deferred()

        async def held(connection: CellConnection, request: Request) -> None:
            await release
            connection.write(response())

        cell = Cell(self, reactor, held)
        self.fleet.change("1", cell.url)
        await self.fleet.start_data_plane_alone()
        clients = [await self.client() for _ in range(CONNECTIONS)]
        answers = gatherResults([Deferred.fromCoroutine(client.ask(GET)) for client in clients])
        await cell.until_requests(CONNECTIONS)
        self.fleet.data_plane.signal("TERM")
        await self.fleet.data_plane.until_logged(f"draining: {CONNECTIONS} exchanges in flight")
        await self.until_refused()
        release.callback(None)
        for got in await answers:
            self.assertEqual((got.status, got.body, got.value("Connection")), (200, b"ok", "close"))
        self.assertEqual(await self.fleet.data_plane.until_ended(), 0)
        self.assertEqual(self.fleet.check.statuses, {200: CONNECTIONS})
        self.assert_no_traceback()

    async def test_a_connection_that_is_idle_can_have_one_more_request(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_data_plane_alone()
        client = await self.client()
        self.assertIsNone((await client.ask(GET)).value("Connection"))
        self.fleet.data_plane.signal("TERM")
        await self.until_refused()
        got = await client.ask(GET)
        self.assertEqual((got.status, got.value("Connection")), (200, "close"))
        self.assertEqual(await client.until_ended(), "closed")
        self.assertEqual(await self.fleet.data_plane.until_ended(), 0)

    async def test_constant_load_loses_no_request(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_data_plane_alone()
        load = await self.load()
        await load.until_answered(10 * CONNECTIONS)
        self.assertEqual(await self.fleet.data_plane.stop(), 0)
        # Each connection got its answer, connected again, and found the port closed.
        await load.ended()
        self.assertEqual(load.answers, {"200": load.answers["200"], "refused": CONNECTIONS})
        self.assertEqual(self.fleet.check.statuses, {200: load.answers["200"]})
        self.assert_no_traceback()
