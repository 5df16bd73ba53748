"""TCP connections whose reading and writing is done by uvloop.

Twisted's own classes do all the rest: they accept and connect, and they are the state machine of a
connection that is closed, half-closed, aborted, paused, or wrapped in TLS. To these, uvloop looks like a
socket that takes everything; :meth:`~twisted.internet.abstract.FileDescriptor.doWrite` is called when it has
sent it all.
"""

from asyncio import Transport
from collections.abc import Coroutine
from socket import socket
from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.tcp import Client, Connection, Connector, Port, Server
from twisted.logger import Logger
from twisted.python.log import callWithLogger


class UvloopConnection(Connection):
    """A connection: a transport to Twisted's protocols, and a protocol to uvloop's transport.

    It begins as an ordinary connection. :meth:`_attach` gives its socket to uvloop, which has it ready in the
    next turn of the loop; what is written until then waits in the buffer that Twisted has for it.

    :ivar reading: whether what arrives is wanted.
    :ivar unsent: whether uvloop will tell when everything is sent.
    """

    reactor: Any
    reading = False
    unsent = False
    _uv: Transport | None = None
    _flushing = False
    _log = Logger()

    def _attach(self) -> None:
        """Give the socket to uvloop.

        The coroutine waits once, until ``connection_made`` has been called. The next callback in the same
        queue is ours, so there it can be finished; whoever writes before that has the flush come after it.
        """
        nodelay = self.getTcpNoDelay()
        attaching = self.reactor.loop.connect_accepted_socket(lambda: self, self.socket)
        attaching.send(None)
        self.reactor.loop.call_soon(self._ready, attaching)
        self.setTcpNoDelay(nodelay)  # uvloop has turned it on

    def _ready(self, attaching: Coroutine[Any, Any, tuple[Transport, Any]]) -> None:
        try:
            attaching.send(None)
        except StopIteration as finished:
            uv: Transport = finished.value[0]
        if not self.connected:
            uv.abort()
            return
        self._uv = uv
        uv.set_write_buffer_limits(self.bufferSize, 0)
        self.watch(self.reading)

    # What Twisted asks for, on its way to the socket.

    def watch(self, reading: bool) -> None:
        """Read, or do not.

        :param reading: whether to.
        """
        self.reading = reading
        if self._uv is None:
            return
        if reading:
            self._uv.resume_reading()
        else:
            self._uv.pause_reading()

    def call_when_sent(self) -> None:
        """Call ``doWrite`` when everything is sent, but not before the caller is done."""
        if not self._flushing:
            self._flushing = True
            self.reactor.loop.call_soon(self._flush)

    def writeSomeData(self, data: bytes) -> int:
        """Send at once what the socket takes, and the rest when it takes more.

        Unlike ``write``, which waits for the end of the turn as Twisted's always does: an abort that follows
        must find the alert unsent by which TLS says that the connection ended in order.
        """
        if self._uv is None or self._aborting:
            self.write(data)
        else:
            self._uv.write(data)
            if self.unsent:
                self._maybePauseProducer()
        return len(data)

    @property
    def handed_over_bytes(self) -> int:
        """What uvloop has been given and the kernel has not taken."""
        return 0 if self._uv is None else self._uv.get_write_buffer_size()

    def _isSendBufferFull(self) -> bool:
        return self._tempDataLen + self.handed_over_bytes > self.bufferSize

    def _flush(self) -> None:
        self._flushing = False
        uv = self._uv
        if uv is None or self._aborting:
            return
        if self._tempDataBuffer:
            uv.writelines(self._tempDataBuffer)
            self._tempDataBuffer, self._tempDataLen = [], 0
        if uv.get_write_buffer_size():
            uv.set_write_buffer_limits(0)  # so that uvloop tells when that is sent
        else:
            callWithLogger(self, self.reactor._readOrWrite, self, False)

    def _closeSocket(self, orderly: bool) -> None:
        super()._closeSocket(orderly)
        self.reactor.streams.discard(self)
        uv, self._uv = self._uv, None
        if uv is not None:
            uv.abort()  # for which the socket's own close() has waited

    # What uvloop tells. It reads into one buffer for all connections, from which each takes its bytes.

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give uvloop room for what it reads; see :class:`asyncio.BufferedProtocol`."""
        buffer: memoryview = self.reactor.read_buffer
        return buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand over what was read; without Twisted's logging context, which costs more than the call."""
        try:
            self.protocol.dataReceived(bytes(self.reactor.read_buffer[:nbytes]))
        except BaseException as why:
            self._log.failure("in a protocol that received data")
            self._disconnect(why, True)

    def connection_made(self, uv: Transport) -> None:
        """Do nothing: uvloop begins to read after this, so it cannot be told not to."""

    def eof_received(self) -> bool:
        """The peer sends no more.

        :returns: True: uvloop is not to close the connection.
        """
        self._disconnect(CONNECTION_DONE, True)
        return True

    def pause_writing(self) -> None:
        """More is unsent than the limit allows."""
        self.unsent = True

    def resume_writing(self) -> None:
        """Everything is sent."""
        self.unsent = False
        if self._uv is not None:
            self._uv.set_write_buffer_limits(self.bufferSize, 0)
            self._flush()

    def connection_lost(self, why: BaseException | None) -> None:
        """The connection is broken, unless it was Twisted that closed it."""
        if self.connected:
            self._disconnect(CONNECTION_LOST, False)

    def _disconnect(self, why: BaseException, reading: bool) -> None:
        callWithLogger(self, self.reactor._disconnectSelectable, self, why, reading)


class UvloopServer(UvloopConnection, Server):
    """A connection that was accepted."""

    def __init__(
        self, sock: socket, protocol: IProtocol, client: Any, server: Any, sessionno: int, reactor: Any
    ) -> None:
        reactor.streams.add(self)
        super().__init__(sock, protocol, client, server, sessionno, reactor)
        self._attach()


class UvloopClient(UvloopConnection, Client):
    """A connection that was made."""

    def _connectDone(self) -> None:
        self.reactor.streams.add(self)
        self._attach()
        super()._connectDone()


class UvloopPort(Port):
    """A port whose connections are uvloop's."""

    transport = UvloopServer


class UvloopConnector(Connector):
    """Makes connections that are uvloop's."""

    def _makeTransport(self) -> UvloopClient:
        return UvloopClient(self.host, self.port, self.bindAddress, self, self.reactor)
