"""A data plane that runs out of something goes on, and says so once."""

from tests.chaos.cases import ChaosTestCase
from tests.chaos.load import CONNECTIONS
from tests.support.processes import until

DESCRIPTORS = 100
WITH_FEW_DESCRIPTORS = ("sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh")
GET = b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n"
OTHER = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONG_PATH = "/" + "x" * 8000
BUFFER_LINES = 8 * 1024 * 1024 // len(LONG_PATH)


class StalledReaderTests(ChaosTestCase):
    """Nobody reads the access log."""

    async def test_routing_goes_on_and_dropped_lines_are_counted_and_told(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_data_plane_alone()
        data_plane, check = self.fleet.data_plane, self.fleet.check
        stdout = data_plane.transport.pipes[1]
        stdout.pauseProducing()
        load = await self.load(path=LONG_PATH)
        await load.until_answered(BUFFER_LINES + 10 * CONNECTIONS)
        await load.stop()
        self.assertEqual((load.failed, check.statuses.total()), (0, 0), load.answers)
        stdout.resumeProducing()
        dropped = int((await data_plane.until_logged(r"(\d+) lines of the access log were dropped"))[1])
        self.assertGreater(dropped, 0)
        await until(lambda: check.statuses.total() == load.answers["200"] - dropped)
        self.assertEqual((await self.fleet.ask())[0], 200)
        await until(lambda: check.statuses.total() == load.answers["200"] - dropped + 1)
        self.assert_no_traceback()


class DescriptorTests(ChaosTestCase):
    """More clients connect than there are file descriptors."""

    async def test_it_goes_on_for_those_who_are_there_and_for_others_when_they_leave(self) -> None:
        await self.fleet.start_cells()
        first, second = self.fleet.cells
        self.fleet.change("1", first, cellEndpoints={"tier1": first, "tier3": second})
        await self.fleet.start_data_plane_alone("--upstream-idle-timeout", "1h", within=WITH_FEW_DESCRIPTORS)
        client = await self.client()
        self.assertEqual((await client.ask(GET)).body.decode(), first)
        crowd = [await self.client() for _ in range(DESCRIPTORS // 2)]
        patient = crowd.pop()
        patient.write(GET)
        await self.fleet.data_plane.until_logged(r"\d+ clients are connected, which is the most")
        self.assertEqual((await client.ask(GET)).body.decode(), first)
        # There is a descriptor left for a connection to another cell.
        self.assertEqual((await client.ask(OTHER)).body.decode(), second)
        self.assertEqual((patient.received, patient.end), (b"", None))
        for each in crowd:
            each.transport.abortConnection()
        await until(lambda: all(each.end for each in crowd))
        self.assertEqual((await patient.response()).body.decode(), first)
        self.assertEqual(await self.fleet.ask(), (200, first))
        self.assertNotIn(b"EMFILE", self.fleet.data_plane.stderr)
        self.assert_no_traceback()
