"""A data plane that is killed while there is no control plane starts with the last config it acked."""

from tests.chaos.cases import ChaosTestCase
from tests.chaos.kill_data_plane import kill, lose_control_plane

KILLS = 3


class KillDataPlaneTests(ChaosTestCase):
    """A small run of the command of the same name."""

    async def test_each_start_serves_the_last_acked_config(self) -> None:
        expected = await lose_control_plane(self.fleet)
        for _ in range(KILLS):
            self.assertEqual(await kill(self.fleet, expected), [])
