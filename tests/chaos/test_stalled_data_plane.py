"""A data plane that stands still holds up no other, and catches up when it moves again."""

import os
import signal

from tests.chaos.cases import ChaosTestCase

CHANGES = 3


class StalledDataPlaneTests(ChaosTestCase):
    """Two data planes, one of which is halted."""

    async def test_the_other_gets_every_change_and_the_halted_one_the_last(self) -> None:
        await self.fleet.start()
        halted = self.fleet.data_plane
        halted.signal("STOP")
        await self.fleet.start_data_plane("--state-dir", str(self.folder / "other"))
        for number in range(CHANGES):
            self.fleet.change(f"change-{number}", self.fleet.cells[1])
            await self.fleet.until_served(f"change-{number}")
        os.kill(halted.pid, signal.SIGCONT)
        await halted.until_logged(f'serving version "change-{CHANGES - 1}"')
