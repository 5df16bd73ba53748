"""A transport in memory that asks a pull producer for more only when a test lets it drain."""

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure


class SlowTransport(StringTransport):
    """Keep what is written, like a socket whose peer reads only when told to.

    As Twisted's TCP transport does, it asks a pull producer for a first piece when it is registered, and
    for the next when all that was written has left.
    """

    def __init__(self, protocol: Protocol | None = None, port: int = 50000) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", "10.0.0.7", port))
        self.protocol = protocol
        self.aborted = False

    def registerProducer(self, producer: IPullProducer, streaming: bool) -> None:
        """Register a producer; a pull producer is asked at once."""
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Forget the producer, if there is one."""
        self.producer = None

    def drain(self, times: int = 1) -> bytes:
        """Let the peer read everything, so many times over.

        :returns: what the peer read.
        """
        read = b""
        for _ in range(times):
            read += self.value()
            self.clear()
            if self.producer is not None and not self.streaming:
                self.producer.resumeProducing()
        return read

    def drain_all(self) -> bytes:
        """Let the peer read until there is no more."""
        read = b""
        while piece := self.drain():
            read += piece
        return read

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Be like TCP."""

    def abortConnection(self) -> None:
        """End the connection at once, as the reactor would a turn later."""
        if not self.aborted:
            self.aborted = True
            super().abortConnection()
            if self.protocol is not None:
                self.protocol.connectionLost(Failure(ConnectionAborted()))
