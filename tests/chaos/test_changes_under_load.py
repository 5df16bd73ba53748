"""A config change never drops or misroutes a request, whatever becomes of the control plane."""

from tests.chaos.cases import ChaosTestCase
from tests.chaos.changes_under_load import change_under_load
from tests.chaos.fleet import FIRST
from tests.support.processes import until

CHANGES = 10
KILLED_IN = (3, 7)


class ChangesUnderLoadTests(ChaosTestCase):
    """A small run of the command of the same name, with a load of its own."""

    async def test_no_request_fails_and_each_gets_the_cell_of_the_config_held_at_its_time(self) -> None:
        await self.fleet.start()
        load = await self.load()
        kills = await change_under_load(self.fleet, CHANGES, lambda number: number in KILLED_IN)
        await load.until_answered(1)
        await load.stop()
        self.assertEqual((load.failed, load.wrong, kills), (0, 0, len(KILLED_IN)), load.answers)
        check = self.fleet.check
        await until(lambda: check.statuses.total() >= load.answers.total())
        self.assertEqual(check.statuses, {200: load.answers["200"]})
        self.assertEqual((check.wrong, check.went_back()), (0, []), check.wrong_line)
        self.assertEqual(check.versions, {FIRST, *(f"change-{number}" for number in range(1, CHANGES + 1))})
        self.assert_no_traceback()
