"""The proxy engine behind either of its doors, in this process, on real sockets."""

import json
import os
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import ITransport
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from cellrouter.config import CompiledConfig, RoutingTable, load_config
from cellrouter.observe import AccessLog, Decisions
from cellrouter.proxy import CellProxyResource, LeanSite, ProxyEngine, ProxySettings
from tests.support.cells import Cell, Script
from tests.support.connections import Connection
from tests.support.documents import text
from tests.support.messages import Response, ResponseReader
from tests.support.processes import until

LEAN = "lean"
RESOURCE = "resource"
DOORS = (LEAN, RESOURCE)

_PIPE_BYTES = 1 << 16


def config(tier1: str, tier3: str | None = None, version: str = "1", **fields: Any) -> bytes:
    """Make a config: ``acme`` goes to ``tier1``, everybody else to ``tier3``.

    :param tier1: its URL.
    :param tier3: its URL; that of ``tier1`` by default.
    :param version: the config's label.
    :param fields: more fields of the document.
    """
    return text(version, **{"cellEndpoints": {"tier1": tier1, "tier3": tier3 or tier1}, **fields})


class Client(Connection):
    """A client that sends bytes, and reads responses strictly."""

    def __init__(self) -> None:
        super().__init__()
        self._read = 0

    @property
    def unread(self) -> bytes:
        """What arrived after the responses that were read."""
        return bytes(self.received[self._read :])

    async def response(self, method: str = "GET") -> Response:
        """Read a response to its end, or to the end of the connection.

        :param method: what was requested.
        :returns: the response; it is not ``complete`` when the connection ended within it.
        :raises NeverHappenedError: when there is not even a head.
        """
        reader = ResponseReader(method)

        def done() -> Any:
            if fresh := self.unread:
                self._read += len(fresh)
                reader.receive(fresh)
            if self.end == "closed":
                reader.receive(b"")
            # After a reset not even a body that ends with its connection is complete.
            return reader.complete or (self.end and reader.response)

        await self.until(done)
        self._read -= len(reader.rest)
        assert reader.response is not None
        return reader.response

    async def ask(self, raw: bytes, method: str = "GET") -> Response:
        """Send a request and read its response."""
        self.write(raw)
        return await self.response(method)


class Alive(Resource):
    """Something that the data port serves itself."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        return b"alive"


class Proxy:
    """A proxy engine with one listening door, for as long as a test runs.

    :ivar engine: what is tested.
    :ivar port: where it listens on loopback.

    :param test: stops it when it ends.
    :param door: :data:`LEAN` or :data:`RESOURCE`.
    :param document: the config it starts with, as JSON text.
    :param settings: those of :class:`~cellrouter.proxy.ProxySettings`.
    """

    def __init__(self, test: TestCase, door: str, document: bytes, **settings: Any) -> None:
        self._log_reader, log_writer = os.pipe()
        self._log_fds = (self._log_reader, log_writer)
        self._logged = b""
        os.set_blocking(self._log_reader, False)
        self._clients: list[Client] = []
        self._access_log = AccessLog(reactor=reactor, fd=log_writer)
        self.engine = ProxyEngine(reactor, ProxySettings(**settings), self._access_log, Decisions(size=256))
        self.install(document)
        self._access_log.start()
        self.engine.start()
        self._port = reactor.listenTCP(0, self._site(door), interface="127.0.0.1")
        self.port: int = self._port.getHost().port
        test.addCleanup(self._stop)

    def install(self, document: bytes, revision: int | None = None) -> None:
        """Change the config."""
        compiled = CompiledConfig.of(load_config(document))
        self.engine.install(RoutingTable.build(compiled), compiled.version, revision)

    async def client(self) -> Client:
        """Connect to the door."""
        client = Client()
        self._clients.append(client)
        return await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", self.port), client)

    async def ask(self, raw: bytes, method: str = "GET") -> Response:
        """Send a request on a connection of its own, read its response, and leave."""
        client = await self.client()
        response = await client.ask(raw, method)
        client.close()
        return response

    async def logged(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the access log has so many lines in all; return all that it has."""
        await until(lambda: len(self._log_lines()) >= count, timeout_s=10.0)
        return [json.loads(line) for line in self._log_lines()]

    def _log_lines(self) -> list[bytes]:
        try:
            while data := os.read(self._log_reader, _PIPE_BYTES):
                self._logged += data
        except BlockingIOError:
            pass
        # What a reader of lines would take for one; the last is not finished yet.
        return self._logged.split(b"\n")[:-1]

    def _site(self, door: str) -> Site:
        if door == RESOURCE:
            return Site(CellProxyResource(self.engine))
        root = Resource()
        root.putChild(b"livez", Alive())
        return LeanSite(self.engine, root, frozenset({b"/livez"}))

    async def _stop(self) -> None:
        """Leave nothing behind: neither sockets nor timers."""
        await self._port.stopListening()
        for client in self._clients:
            if not client.end:
                client.transport.abortConnection()
                await client.until_ended()
        self.engine.begin_drain()
        self.engine.abort_all()
        self.engine.stop()
        await self._access_log.stop()
        for fd in self._log_fds:
            os.close(fd)


class ProxyTestCase(TestCase):
    """Cells and proxies that end with the test.

    :cvar door: which one is tested; a base class of tests leaves it to its subclasses.
    """

    timeout = 60.0
    door = LEAN

    def setUp(self) -> None:
        def nothing_is_left() -> bool:
            return not any(map(ITransport.providedBy, reactor.getReaders() + reactor.getWriters()))

        self.addCleanup(until, nothing_is_left, timeout_s=10.0)

    def cell(self, script: Script | None = None, **options: Any) -> Cell:
        """Start a cell; see :class:`~tests.support.cells.Cell`."""
        return Cell(self, reactor, script, **options)

    def proxy(self, document: bytes | Cell, **settings: Any) -> Proxy:
        """Start a proxy; see :class:`Proxy`.

        :param document: its config, or the cell that everything goes to.
        :param settings: those of the engine.
        """
        return Proxy(
            self, self.door, config(document.url) if isinstance(document, Cell) else document, **settings
        )
