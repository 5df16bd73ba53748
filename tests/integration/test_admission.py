"""A crowd that comes all at once, on real sockets."""

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.trial.unittest import TestCase

from cellrouter.daemon.listening import ListenerService
from cellrouter.daemon.process import FILES_OF_OUR_OWN
from cellrouter.proxy.admission import Admission
from tests.support.processes import until

CROWD = 300
LIMIT = 10
MOST_IN_A_TURN = FILES_OF_OUR_OWN // 2


class Clients(ServerFactory):
    """Counts its clients.

    :ivar inside: those that are connected.
    :ivar most: how many they were at most.
    """

    def __init__(self, admission: Admission) -> None:
        self.inside: set[Client] = set()
        self.most = 0
        self.admission = admission

    def buildProtocol(self, addr: object) -> Protocol:
        """Make the protocol of one client."""
        return Client(self)


class Client(Protocol):
    """One client."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients

    def connectionMade(self) -> None:
        """Count."""
        self.clients.inside.add(self)
        self.clients.most = max(self.clients.most, len(self.clients.inside))
        self.clients.admission.counted(len(self.clients.inside))

    def connectionLost(self, reason: object = None) -> None:
        """Count."""
        self.clients.inside.discard(self)
        self.clients.admission.counted(len(self.clients.inside))


class CrowdTests(TestCase):
    """Clients that connect at the same moment."""

    timeout = 60.0

    async def test_hardly_more_than_the_limit_are_let_in_and_the_others_as_those_leave(self) -> None:
        admission = Admission(LIMIT, reactor.seconds)
        clients = Clients(admission)
        admission.listener = listener = ListenerService(
            reactor, "tcp:0:interface=127.0.0.1", clients, "port", "--port"
        )
        listener.privilegedStartService()
        self.addCleanup(listener.stopService)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", listener.address.port)
        crowd = await gatherResults([connectProtocol(endpoint, Protocol()) for _ in range(CROWD)])
        await until(lambda: len(clients.inside) >= LIMIT)
        left: list[Client] = []

        def next_ones_or_none() -> bool:
            return bool(clients.inside) or len(left) == CROWD

        while len(left) < CROWD:
            leaving = list(clients.inside)
            left += leaving
            for client in leaving:
                client.transport.abortConnection()
            await until(next_ones_or_none)
        self.assertLess(clients.most, LIMIT + MOST_IN_A_TURN)
        for client in crowd:
            client.transport.abortConnection()
