"""A control plane that is killed has its whole fleet back, and no request fails meanwhile."""

from tests.chaos.cases import ChaosTestCase
from tests.chaos.reconnect_storm import gather, restart

DATA_PLANES = 100


class ReconnectStormTests(ChaosTestCase):
    """A small run of the command of the same name."""

    async def test_all_come_back_and_no_request_fails(self) -> None:
        crowd = await gather(self.fleet, DATA_PLANES)
        load = await self.load()
        for number in (1, 2):
            said = await restart(self.fleet, crowd, DATA_PLANES, number)
            self.assertEqual((said["revision"], len(said["opened_s"])), (1, DATA_PLANES))
            await load.until_answered(100)
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        fleet = await self.fleet.ask_control_plane("/fleet?expect-nodes=101")
        self.assertEqual((fleet["connected"], fleet["converged"]), (DATA_PLANES + 1, True))
        self.assert_no_traceback()
