"""Somebody sets the clock of the machine."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGUSR1, SIGUSR2

from tests.chaos.cases import ChaosTestCase

WITH_JUMPING_CLOCK = (sys.executable, str(Path(__file__).with_name("jumping_clock.py")))


class ClockTests(ChaosTestCase):
    """The time of day jumps by a day, ahead and back, under load."""

    async def test_no_request_fails_and_no_timer_waits_for_the_day(self) -> None:
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

    async def test_the_control_plane_goes_on_and_its_history_tells_the_time_that_it_was(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_control_plane(within=WITH_JUMPING_CLOCK)
        await self.fleet.start_data_plane()
        await self.fleet.until_acked("1")
        for version, sign in (("2", SIGUSR1), ("3", SIGUSR2)):
            self.fleet.control_plane.transport.signalProcess(sign)
            self.fleet.change(version, self.fleet.cells[0])
            await self.fleet.until_acked(version)
        listed = await self.fleet.ask_control_plane("/config/versions")
        stamps = [datetime.fromisoformat(each["accepted_at"]) for each in reversed(listed["versions"])]
        self.assertEqual([each["revision"] for each in listed["versions"]], [3, 2, 1])
        self.assertGreater(stamps[1] - stamps[0], timedelta(hours=23))
        self.assertLess(stamps[2] - stamps[1], timedelta(hours=-23))
        fleet = await self.fleet.ask_control_plane("/fleet")
        self.assertTrue(fleet["converged"])
        self.assertTrue(0 <= fleet["data_planes"][0]["age_s"] < 3600)
        self.assertNotIn(b"disconnected", self.fleet.control_plane.stderr)
        self.assertNotIn(b"Traceback", self.fleet.control_plane.stderr)
