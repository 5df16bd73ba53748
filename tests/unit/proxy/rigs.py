"""An engine with its doors, clients and cells, all in memory."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from cellrouter.config import CompiledConfig, RoutingTable, load_config
from cellrouter.observe import Decisions
from cellrouter.proxy import LeanSite, ProxyEngine, ProxySettings
from tests.support.documents import text
from tests.support.messages import Request, RequestReader, Response, ResponseReader
from tests.unit.proxy.wires import Wire, WireReactor

GET = b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG_BYTES = 1_500_000
CLIENT = IPv4Address("TCP", "192.0.2.7", 50000)


class Records:
    """An access log that only remembers.

    :ivar lines: what was logged.
    :ivar dropped_lines: how many lines it says that it lost.
    """

    def __init__(self) -> None:
        self.dropped_lines = 0
        self.lines: list[Mapping[str, Any]] = []

    def write(self, record: Mapping[str, object]) -> None:
        """Remember an exchange, as it would be read."""
        self.lines.append(json.loads(json.dumps(record)))


class Alive(Resource):
    """What is served on the debug path."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        """Answer."""
        return b"alive"


class Long(Resource):
    """A long answer on another."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        """Answer."""
        return b"x" * LONG_BYTES


class End:
    """One end of a connection to the router.

    :ivar wire: the router's end.
    """

    def __init__(self, reactor: WireReactor, wire: Wire) -> None:
        self.wire = wire
        self._reactor = reactor

    @property
    def received(self) -> bytes:
        """Everything that the router sent."""
        return bytes(self.wire.peer_socket.sent)

    @property
    def end(self) -> str | None:
        """How the router ended the connection, once it has."""
        return self.wire.end if self.wire.gone else None

    @property
    def paused(self) -> bool:
        """Whether the router has stopped reading."""
        return self.wire not in self._reactor.readers

    def send(self, data: bytes) -> None:
        """Send bytes, and let the router do all it wants."""
        self.wire.peer_socket.incoming += data
        self._reactor.settle()

    def stall(self) -> None:
        """Read nothing from now on."""
        self.wire.peer_socket.room = 0

    def read(self, size: int | None = None) -> None:
        """Read again."""
        self.wire.peer_socket.room = size
        self._reactor.settle()

    def leave(self) -> None:
        """Close."""
        self.wire.peer_socket.ended = True
        self._reactor.settle()

    def reset(self) -> None:
        """Break."""
        self.wire.peer_socket.broken = True
        self._reactor.settle()


class Client(End):
    """A client."""

    def responses(self, *methods: str) -> list[Response]:
        """Give the responses so far; the last one may be incomplete.

        :param methods: of the requests; ``GET`` for those that are not named.
        """
        found: list[Response] = []
        rest = self.received
        while rest:
            reader = ResponseReader(methods[len(found)] if len(found) < len(methods) else "GET")
            reader.receive(rest)
            if reader.response is None:
                break
            found.append(reader.response)
            rest = reader.rest
        return found

    def response(self, method: str = "GET") -> Response:
        """Give the only response."""
        (response,) = self.responses(method)
        return response


class Cell(End):
    """A cell's connection."""

    @property
    def requests(self) -> list[Request]:
        """Give the requests so far; the last one may be incomplete."""
        reader = RequestReader()
        reader.receive(self.received)
        return reader.requests


class Rig:
    """An engine, and whoever talks to it.

    :ivar reactor: turns when told to.
    :ivar engine: what is tested.
    :ivar records: the access log.
    :ivar decisions: the last of them.
    """

    def __init__(self, document: bytes | None = None, **settings: Any) -> None:
        self.reactor = WireReactor()
        self.records = Records()
        self.decisions = Decisions()
        self.engine = ProxyEngine(
            self.reactor, ProxySettings(**settings), self.records, self.decisions, lambda: b"id", lambda: 0.0
        )
        self.install(document or text())
        self.engine.start()
        root = Resource()
        root.putChild(b"livez", Alive())
        root.putChild(b"long", Long())
        self._site = LeanSite(self.engine, root, frozenset({b"/livez", b"/long"}))
        self._answered: set[int] = set()

    def install(self, document: bytes, revision: int | None = None) -> None:
        """Change the config."""
        config = CompiledConfig.of(load_config(document))
        self.engine.install(RoutingTable.build(config), config.version, revision)

    def client(self, data: bytes = b"", address: IAddress = CLIENT) -> Client:
        """Connect a client, and send something."""
        protocol = self._site.buildProtocol(address)
        assert protocol is not None
        client = Client(self.reactor, Wire(self.reactor, protocol, address))
        client.send(data)
        return client

    @property
    def dials(self) -> list[tuple[str, int]]:
        """The addresses that wait for an answer to their dial."""
        return [self.reactor.tcpClients[each][:2] for each in self._waiting()]

    def _waiting(self) -> list[int]:
        connectors = enumerate(self.reactor.connectors)
        return [at for at, each in connectors if at not in self._answered and not each.stoppedConnecting]

    def cell(self, room: int | None = None, which: int = 0) -> Cell:
        """Accept a dial that was not answered.

        :param room: how much the cell reads at first, if not everything.
        :param which: of :attr:`dials`; the oldest unless given.
        """
        at = self._waiting()[which]
        host, port, factory, *_ = self.reactor.tcpClients[at]
        self._answered.add(at)
        address = IPv4Address("TCP", host, port)
        cell = Cell(self.reactor, Wire(self.reactor, factory.buildProtocol(address), address))
        cell.read(room)
        return cell

    def refuse_dial(self, error: Exception, which: int = 0) -> None:
        """Let a dial fail.

        :param error: why.
        :param which: of :attr:`dials`; the oldest unless given.
        """
        at = self._waiting()[which]
        self._answered.add(at)
        self.reactor.tcpClients[at][2].clientConnectionFailed(self.reactor.connectors[at], Failure(error))
        self.reactor.settle()

    def record(self) -> Mapping[str, Any]:
        """Give the only line of the access log."""
        (line,) = self.records.lines
        return line


class RigTestCase(SynchronousTestCase):
    """A rig per test, at rest when the test ends.

    :cvar settings: those of the engine.
    """

    settings: Mapping[str, Any] = MappingProxyType({})

    def setUp(self) -> None:
        self.rig = Rig(**self.settings)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.rig.reactor.pass_time(seconds)

    def assert_problem(self, response: Response, status: int, error: str | None) -> None:
        """Check that a response is the router's own."""
        self.assertEqual((response.status, response.complete), (status, True))
        expected = None if error is None else f"cellrouter; error={error}"
        self.assertEqual((response.value("Proxy-Status"), response.json()["request_id"]), (expected, "id"))
