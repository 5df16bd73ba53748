"""Cells that misbehave on command, on real sockets.

What a cell does is a *script*: an asynchronous function that is called for each request as soon as its head
has arrived, with the connection and the request. Most are made with :func:`answer`, which sends any bytes,
true or not, and may then close or reset. When a script returns, the connection waits for the next request.
"""

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.support.connections import Connection, NeverHappenedError, turns
from tests.support.messages import Request, RequestReader

Script = Callable[["CellConnection", Request], Awaitable[None]]


class CellConnection(Connection):
    """One connection that a cell accepted.

    :ivar requests: every request on it whose head has arrived.

    :param cell: whose script it runs.
    """

    def __init__(self, cell: "Cell") -> None:
        super().__init__()
        self._cell = cell
        self._reader = RequestReader()
        self._served = 0

    @property
    def requests(self) -> list[Request]:
        """Every request on it whose head has arrived."""
        return self._reader.requests

    def connectionMade(self) -> None:
        super().connectionMade()
        Deferred.fromCoroutine(self._serve()).addErrback(self._failed)

    def dataReceived(self, data: bytes) -> None:
        known = len(self.requests)
        try:
            self._reader.receive(data)
        except Exception as error:
            # Whatever a router sends must be sound: the test fails at its end, whatever else it looks at.
            self._cell.errors.append(error)
            self.transport.abortConnection()
        self._cell.requests += self.requests[known:]
        super().dataReceived(data)

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self._cell.changed()

    def changed(self) -> None:
        super().changed()
        self._cell.changed()

    async def until_complete(self, request: Request) -> None:
        """Wait for the end of a request."""
        await self.until(lambda: request.complete)

    async def _serve(self) -> None:
        while True:
            await self.until(lambda: len(self.requests) > self._served, timeout_s=self._cell.patience_s)
            request = self.requests[self._served]
            self._served += 1
            await self._cell.script(self, request)

    def _failed(self, failure: Failure) -> None:
        if not (self.end and failure.check(NeverHappenedError)):
            self._cell.errors.append(failure.value)


class Cell:
    """Listen on a free port of loopback until the test ends.

    :ivar script: what it does with each request from now on.
    :ivar connections: every connection so far.
    :ivar requests: every request so far whose head has arrived.
    :ivar errors: what must not happen: messages no strict parser takes, scripts that fail. The test fails
        when it ends with any.
    :ivar url: where it is.

    :param test: stops it when it ends.
    :param reactor: listens.
    :param script: what it does with each request.
    :param buffer_bytes: size of the kernel's buffers for its connections, if not the kernel's choice.
    """

    patience_s = 3600.0

    def __init__(
        self, test: TestCase, reactor: Any, script: "Script | None" = None, buffer_bytes: int | None = None
    ) -> None:
        self.script = script or answer()
        self.connections: list[CellConnection] = []
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self._test = test
        self._waiting: list[tuple[Callable[[], Any], Deferred[None]]] = []
        factory = Factory.forProtocol(self._connect)
        factory.noisy = False
        self._reactor = reactor
        self._port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        if buffer_bytes is not None:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._port.socket.setsockopt(socket.SOL_SOCKET, option, buffer_bytes)
        self.url = f"http://127.0.0.1:{self._port.getHost().port}"
        test.addCleanup(self.stop)

    @property
    def open_connections(self) -> list[CellConnection]:
        """The connections that have not ended."""
        return [connection for connection in self.connections if not connection.end]

    async def until(self, condition: Callable[[], Any], timeout_s: float = 10.0) -> None:
        """Wait until a condition holds that is looked at whenever something happens at this cell."""
        if not condition():
            holds: Deferred[None] = Deferred()
            self._waiting.append((condition, holds))
            await holds.addTimeout(timeout_s, self._reactor)

    async def until_requests(self, count: int = 1) -> None:
        """Wait for the heads of so many requests in all."""
        await self.until(lambda: len(self.requests) >= count)

    async def stop(self) -> None:
        """Close the port, end every connection, and fail the test if there were errors."""
        await self._port.stopListening()
        for connection in self.open_connections:
            connection.transport.abortConnection()
        await self.until(lambda: not self.open_connections)
        self._test.assertEqual(self.errors, [])

    def changed(self) -> None:
        """Let everybody who waits look again."""
        for waiter in self._waiting.copy():
            condition, holds = waiter
            if holds.called or condition():
                self._waiting.remove(waiter)
                if not holds.called:
                    holds.callback(None)

    def _connect(self) -> CellConnection:
        connection = CellConnection(self)
        self.connections.append(connection)
        return connection


def response(body: bytes = b"ok", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Make a sound response.

    :param body: its content, with its true length.
    :param fields: further field lines.
    :param status: code and reason.
    """
    lines = (b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body))
    return b"\r\n".join((*lines, b"", body))


def answer(
    *parts: bytes, then: Callable[[CellConnection], None] | None = None, early: bool = False
) -> Script:
    """Send bytes as the answer.

    :param parts: what is sent, each part by itself; a sound response when there are none.
    :param then: what is done after that: ``Connection.close`` or ``Connection.reset``; nothing by default.
    :param early: whether to answer before the request is complete.
    """

    async def send(connection: CellConnection, request: Request) -> None:
        if not early:
            await connection.until_complete(request)
        for part in parts or (response(),):
            connection.write(part)
            await turns()
        if then is not None and not connection.end:
            then(connection)

    return send


def drip(raw: bytes) -> Script:
    """Send the answer byte by byte."""
    return answer(*(raw[at : at + 1] for at in range(len(raw))))


def in_turn(*scripts: Script) -> Script:
    """Do one thing for the first request, another for the second, and so on; the last for all others."""
    upcoming = chain(scripts[:-1], repeat(scripts[-1]))

    def call(connection: CellConnection, request: Request) -> Awaitable[None]:
        return next(upcoming)(connection, request)

    return call


async def echo(connection: CellConnection, request: Request) -> None:
    """Answer with the exact bytes of the request."""
    await connection.until_complete(request)
    connection.write(response(bytes(request.raw)))


async def stall(connection: CellConnection, request: Request) -> None:
    """Read, and never answer."""
    await connection.until(lambda: False, timeout_s=Cell.patience_s)


async def deaf(connection: CellConnection, request: Request) -> None:
    """Stop reading; after ``connection.transport.resumeProducing()`` answer the whole request."""
    connection.transport.pauseProducing()
    await connection.until(lambda: request.complete, timeout_s=Cell.patience_s)
    connection.write(response())


def pouring(size: int) -> Script:
    """Answer with a body of many bytes, as fast as they are taken."""

    async def pour(connection: CellConnection, request: Request) -> None:
        await connection.until_complete(request)
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        await connection.pour(size)

    return pour


def closed_port() -> int:
    """Give a port of loopback that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def black_hole() -> Iterator[int]:
    """Give a port of loopback that never answers a connection attempt, as a filtered one."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])
