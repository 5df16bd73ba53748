"""A control plane that is killed in the middle of sending a config to its data planes."""

import os
import signal

from tests.chaos.cases import ChaosTestCase
from tests.chaos.test_control_plane_connections import LARGE_ROUTES

DATA_PLANES = ("a", "b", "c")
ROUNDS = (2, 3)


class KilledMidBroadcastTests(ChaosTestCase):
    """Three data planes, one of them halted: it has not got everything when the control plane dies."""

    async def test_no_request_fails_and_everybody_gets_the_config_from_the_next_one(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0], routingTable=LARGE_ROUTES)
        await self.fleet.start_control_plane()
        data_planes = []
        for name in DATA_PLANES:
            await self.fleet.start_data_plane("--state-dir", str(self.folder / name))
            await self.fleet.until_served("1")
            data_planes.append(self.fleet.data_plane)
        halted, *others = data_planes
        loads = [await self.load(data_plane=each) for each in others]
        for number in ROUNDS:
            halted.signal("STOP")
            self.fleet.change(str(number), self.fleet.cells[number % 2], routingTable=LARGE_ROUTES)
            await self.fleet.control_plane.until_logged(
                f"revision {number}, .* is active; sending it to {len(DATA_PLANES)} data planes"
            )
            await self.fleet.control_plane.stop("KILL")
            os.kill(halted.pid, signal.SIGCONT)
            await halted.until_logged("connection to ws://.* lost: .*; the active config stays", number - 1)
            self.assertNotIn(f'serving version "{number}"'.encode(), halted.stderr)
            for load in loads:
                await load.until_answered(100)
            await self.fleet.start_control_plane()
            for each in data_planes:
                await each.until_logged(f'serving version "{number}", revision {number}, from control_plane')
            await self.fleet.control_plane.until_logged(
                rf"runs revision {number}, version '{number}'", len(DATA_PLANES)
            )
        for load in loads:
            await load.stop()
            self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        for each in data_planes:
            self.assertNotIn(b"Traceback", each.stderr)
            self.assertNotIn(b"refused re", each.stderr)
            self.assertNotIn(b"refused a message", each.stderr)
