"""What becomes of one cell is told as what it is, and does nothing to the others."""

from twisted.internet import reactor

from tests.chaos.cases import ChaosTestCase
from tests.support.cells import Cell, stall

TOLD = {
    f"502 cellrouter; error={error}"
    for error in ("connection_refused", "connection_terminated", "http_response_incomplete")
}
SILENT = 50


class CellTests(ChaosTestCase):
    """A data plane with ``acme`` in one cell and everybody else in another."""

    async def start(self, first: str, second: str, *options: str) -> None:
        """Start the data plane.

        :param first: the URL of the cell that ``acme`` is in.
        :param second: that of everybody else's.
        :param options: the data plane's.
        """
        self.fleet.change("1", first, cellEndpoints={"tier1": first, "tier3": second})
        await self.fleet.start_data_plane_alone(*options)

    async def test_a_cell_that_is_killed_under_load_is_502s_of_its_own_until_it_is_back(self) -> None:
        cell, _ = await self.fleet.start_cell(), await self.fleet.start_cell()
        first, second = self.fleet.cells
        await self.start(first, second)
        load, others = await self.load("acme"), await self.load("globex")
        await load.until_answered(100)
        await cell.stop("KILL")
        await load.until_answered(100, "502 cellrouter; error=connection_refused")
        await others.until_answered(100)
        await self.fleet.start_cell(int(first.rpartition(":")[2]))
        await load.until_answered(100)
        await load.stop()
        await others.stop()
        self.assertLessEqual(set(load.answers) - {"200"}, TOLD)
        self.assertEqual((others.failed, load.wrong, others.wrong), (0, 0, 0), others.answers)
        self.assert_no_traceback()

    async def test_peers_that_connect_and_are_silent_delay_nobody_else(self) -> None:
        silent = Cell(self, reactor, stall)
        await self.fleet.start_cells()
        await self.start(
            silent.url, self.fleet.cells[1], "--response-timeout", "1s", "--keepalive-timeout", "1s"
        )
        clients = [await self.client() for _ in range(SILENT)]
        waiting, others = await self.load("acme"), await self.load("globex")
        await others.until_answered(100)
        await waiting.until_answered(SILENT, "504 cellrouter; error=http_response_timeout")
        self.assertGreater(others.answers["200"], waiting.answers.total())
        for client in clients:
            self.assertEqual((await client.until_ended(), client.received), ("closed", b""))
        waiting.stopping = True
        await others.stop()
        await waiting.ended()
        self.assertEqual(
            (others.failed, set(waiting.answers)), (0, {"504 cellrouter; error=http_response_timeout"})
        )
        self.assert_no_traceback()
