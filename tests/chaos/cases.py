"""What the tests of this package share."""

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol

from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.support.engines import Client
from tests.support.processes import Child, ProcessTestCase


class ChaosTestCase(ProcessTestCase):
    """A test with a fleet, of which it starts what it needs.

    :ivar fleet: ends with the test.
    """

    def setUp(self) -> None:
        super().setUp()
        self.fleet = Fleet(self.folder)
        self.addCleanup(self.fleet.stop)

    async def load(self, key: str = "acme", path: str = "/", data_plane: Child | None = None) -> Load:
        """Load a data plane until the test ends or the load is stopped; see :class:`Load`.

        :param data_plane: which; None for the newest.
        """
        load = Load(await (data_plane or self.fleet.data_plane).port("data port"), key, path)
        self.addCleanup(load.stop)
        load.start()
        return load

    async def client(self) -> Client:
        """Connect to the data plane."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", await self.fleet.data_port())
        client = await connectProtocol(endpoint, Client())
        self.addCleanup(client.transport.abortConnection)
        return client

    def assert_no_traceback(self) -> None:
        """Check that the data plane has told of no defect so far."""
        self.assertNotIn(b"Traceback", self.fleet.data_plane.stderr)
