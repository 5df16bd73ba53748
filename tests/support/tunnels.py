"""Ends of a tunnel: connections on which the end of what the other side sends is an event of its own."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tests.support.engines import Client

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n"


@implementer(IHalfCloseableProtocol)
class TunnelEnd(Client):
    """One end.

    :ivar finished: whether the other side has said that it sends no more.
    """

    finished = False
    _finishing = False

    def finish(self) -> None:
        """Say that we send no more."""
        self._finishing = True
        self.transport.loseWriteConnection()

    def readConnectionLost(self) -> None:
        """The other side sends no more."""
        self.finished = True
        if self._finishing:
            self.close()
        self.changed()

    def writeConnectionLost(self) -> None:
        """The other side has been told."""


class TunnelCell:
    """A cell that takes one connection, and does nothing but what a test lets it do.

    :ivar url: where it is.

    :param test: stops it when it ends.
    :param reactor: listens.
    """

    def __init__(self, test: TestCase, reactor: Any) -> None:
        self._accepted: Deferred[TunnelEnd] = Deferred()
        port = reactor.listenTCP(0, Factory.forProtocol(self._accept), interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{port.getHost().port}"
        test.addCleanup(port.stopListening)
        self._test = test

    async def accepted(self) -> TunnelEnd:
        """Wait for the connection and the head of its first request."""
        end = await self._accepted
        await end.until_received(b"\r\n\r\n")
        return end

    def _accept(self) -> TunnelEnd:
        end = TunnelEnd()
        self._test.addCleanup(lambda: end.transport.abortConnection())
        self._accepted.callback(end)
        return end
