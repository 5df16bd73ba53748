"""What the tests of this package share."""

from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.support.processes import ProcessTestCase


class ChaosTestCase(ProcessTestCase):
    """A test with a fleet, of which it starts what it needs.

    :ivar fleet: ends with the test.
    """

    def setUp(self) -> None:
        super().setUp()
        self.fleet = Fleet(self.folder)
        self.addCleanup(self.fleet.stop)

    async def load(self, *keys: str) -> Load:
        """Load the data plane until the test ends or the load is stopped.

        :param keys: the routing keys; ``acme`` if there are none.
        """
        load = Load(await self.fleet.data_port(), keys or ("acme",))
        self.addCleanup(load.stop)
        load.start()
        await load.until_answered(1)
        return load

    def assert_no_traceback(self) -> None:
        """Check that the data plane has told of no defect so far."""
        self.assertNotIn(b"Traceback", self.fleet.data_plane.stderr)
