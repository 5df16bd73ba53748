"""Somebody sets the clock of the machine."""

import sys
from pathlib import Path
from signal import SIGUSR1, SIGUSR2

from tests.chaos.cases import ChaosTestCase

WITH_JUMPING_CLOCK = (sys.executable, str(Path(__file__).with_name("jumping_clock.py")))


class ClockTests(ChaosTestCase):
    """The time of day jumps by an hour, ahead and back, under load."""

    async def test_no_request_fails_and_no_timer_waits_for_the_hour(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_data_plane_alone(within=WITH_JUMPING_CLOCK)
        for sign, cell in zip((SIGUSR1, SIGUSR2), reversed(self.fleet.cells), strict=True):
            load = await self.load()
            await load.until_answered(100)
            self.fleet.data_plane.transport.signalProcess(sign)
            self.fleet.change(f"after {sign.name}", cell)
            await self.fleet.data_plane.until_logged(f'serving version "after {sign.name}"')
            await load.until_answered(200)
            await load.stop()
            self.assertEqual((load.failed, load.wrong), (0, 0), (sign, load.answers))
        self.assert_no_traceback()
