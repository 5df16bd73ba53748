"""A network between two daemons that can go dead without either of them being told."""

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.protocols.portforward import Proxy, ProxyFactory, ProxyServer
from twisted.trial.unittest import TestCase


class Relay(ProxyFactory):
    """Forward connections to a port of loopback for as long as the test runs.

    :ivar entrance: the port it listens on.
    :ivar swallow: whether a connection that is made from now on leads nowhere.

    :param test: ends it.
    :param reactor: listens and connects.
    :param target: the port it forwards to.
    """

    noisy = False
    swallow = False

    def __init__(self, test: TestCase, reactor: Any, target: int) -> None:
        super().__init__("127.0.0.1", target)
        self._servers: list[ProxyServer] = []
        self._dead: list[Proxy] = []
        listening = reactor.listenTCP(0, self, interface="127.0.0.1")
        self.entrance: int = listening.getHost().port
        test.addCleanup(self._end)
        test.addCleanup(listening.stopListening)

    def buildProtocol(self, addr: object) -> Protocol:
        """Take a connection."""
        if self.swallow:
            return Protocol()
        server = ProxyServer()
        server.factory = self
        self._servers.append(server)
        return server

    def cut(self) -> None:
        """Forward nothing more on the connections there are: no byte, no end, as when a cable is cut."""
        for server in self._servers:
            if server.peer is not None:
                for end in (server, server.peer):
                    end.transport.unregisterProducer()
                    end.transport.pauseProducing()
                    self._dead.append(end)
                server.peer.setPeer(None)
                server.setPeer(None)

    def _end(self) -> None:
        for end in (*self._servers, *self._dead):
            end.transport.abortConnection()
