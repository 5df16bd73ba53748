"""One data plane's WebSocket connection, seen from the control plane."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol, cast

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITransport
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel
from txaio.tx import make_logger

from cellrouter.controlplane.allowance import Allowance
from cellrouter.controlplane.fleet import Fleet, Node
from cellrouter.controlplane.outbox import Outbox, Transport
from cellrouter.controlplane.roundup import MOST_LISTED, Roundup
from cellrouter.daemon.peers import as_text
from cellrouter.wire import Ack, Hello, MessageRefused, Nack, Status, Unknown, decode

SUBPROTOCOL = "cellrouter.v1"
MAX_MESSAGE_BYTES = 1024 * 1024
MAX_REFUSED_MESSAGES = 100
MAX_NODE_ID_LENGTH = 256
MAX_LOGGED_CHARS = 400

PING_INTERVAL_S = 10.0
PONG_TIMEOUT_S = 20.0
STALL_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 3.0

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
"""Close codes, RFC 6455 section 7.4.1."""

# Of the module, since the protocol's attribute ``log`` is Autobahn's own.
log = Logger()


class Connections(Protocol):
    """Who keeps the connections: the hub."""

    fleet: Fleet
    roundup: Roundup

    @property
    def connected(self) -> int:
        """How many they are."""

    def opened(self, connection: "DataPlaneConnection") -> None:
        """Take in a connection whose handshake is complete."""

    def named(self, connection: "DataPlaneConnection") -> None:
        """Take note that a connection has said whose it is."""

    def closed(self, connection: "DataPlaneConnection") -> None:
        """Let a connection go that was opened and has ended."""


class Complaint(Enum):
    """What is logged at most once per connection, however often a data plane does it."""

    REFUSED = "refused"
    UNKNOWN_TYPE = "unknown type"
    UNKNOWN_FIELD = "unknown field"


class DataPlaneConnection(WebSocketServerProtocol):
    """Take a data plane's messages to the fleet, and keep the connection honest.

    Autobahn's own keep-alive and its time-outs stay off: they run on the global reactor, and a pong time-out
    must not count the time a ping waits behind a snapshot.

    :param hub: is told when the connection opens and closes.
    :param clock: drives keep-alive and time-outs.
    """

    # Autobahn describes every frame; what an operator needs of it comes with onClose.
    log = make_logger(level="error")

    # Autobahn would copy the factory's options here one by one and describe each for its log: a sixth of what
    # a connection costs.
    CONFIG_ATTRS: list[str] = []  # noqa: RUF012 - it is Autobahn's

    def __init__(self, hub: Connections, clock: IReactorTime) -> None:
        super().__init__()
        self.node: Node | None = None
        self._hub = hub
        self._clock = clock
        self._allowance = Allowance(clock)
        self._outbox: Outbox | None = None
        self._ping_loop = LoopingCall(self._ping)
        self._ping_loop.clock = clock
        self._pong_timeout: IDelayedCall | None = None
        self._close_timeout: IDelayedCall | None = None
        self._refused_messages = 0
        self._complaints: set[Complaint] = set()

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Choose the subprotocol: ours when it was offered, none when nothing was."""
        return SUBPROTOCOL if SUBPROTOCOL in request.protocols else None

    def onOpen(self) -> None:
        """Begin: list the data plane and let the hub send it the current snapshot."""
        # The transport still has twisted.web's channel as its producer, from before the upgrade.
        self.unregisterProducer()
        self._outbox = Outbox(self, self._tcp, self._clock, STALL_TIMEOUT_S, self._stalled, self._expect_pong)
        self.node = self._hub.fleet.arrived(self.address)
        self._ping_loop.start(PING_INTERVAL_S, now=False).addErrback(
            lambda failure: log.failure("pinging {address} failed", failure, address=self.address)
        )
        log.info("data plane connected from {address}", address=self.address)
        self._hub.opened(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """End: whatever the reason, nothing of the connection stays but its line in the fleet."""
        if self._outbox is None or self.node is None:
            return
        self._outbox.stopProducing()
        if self._ping_loop.running:
            self._ping_loop.stop()
        _cancel(self._pong_timeout)
        _cancel(self._close_timeout)
        self._hub.fleet.left(self.node)
        self._hub.closed(self)
        log.emit(
            LogLevel.warn if self.failedByMe else LogLevel.info,
            "data plane {name} disconnected: {reason}",
            name=self.name,
            reason=_quoted(reason) if reason else f"close code {code}",
        )

    @property
    def _tcp(self) -> Transport:
        return cast(Transport, self.transport)

    @property
    def address(self) -> str:
        """The peer as ``host:port``."""
        return as_text(cast(ITransport, self.transport).getPeer())

    @property
    def name(self) -> str:
        """How the data plane is called in the log."""
        node_id = self.node.node_id if self.node is not None else None
        return f"{node_id} ({self.address})" if node_id else self.address

    def send_snapshot(self, frame: Sequence[bytes]) -> None:
        """Send a snapshot; one that still waits is dropped in its favour.

        :param frame: the slices of the whole WebSocket frame, shared between all data planes.
        """
        if self._outbox is not None and self.state == self.STATE_OPEN:
            self._outbox.send_frame(frame)

    def go_away(self, code: int, reason: str) -> None:
        """Close with a close frame; abort when the peer has not answered it in 3 seconds."""
        if self._outbox is None or self._close_timeout is not None:
            return
        self._close_timeout = self._clock.callLater(CLOSE_TIMEOUT_S, self.abort)
        if self.state == self.STATE_OPEN:
            self._outbox.close(code, reason)

    def abort(self) -> None:
        """Drop the connection now."""
        self._tcp.abortConnection()

    def onFrameBegin(self) -> None:
        """Read a frame of whatever kind, unless there have been too many: reading takes time from others."""
        super().onFrameBegin()
        if self.state == self.STATE_OPEN and not self._allowance.frame(self.current_frame.length):
            log.warn("data plane {name} dropped: it sends more than is read", name=self.name)
            # Unlike abort, it ends the reading of what has arrived, too.
            self.dropConnection(abort=True)

    def onPing(self, payload: bytes) -> None:
        """Answer a ping, through the outbox: a peer that pings and never reads must not fill our memory."""
        if self._outbox is not None and self.state == self.STATE_OPEN:
            self._outbox.send_pong(payload)

    def onPong(self, payload: bytes) -> None:
        """Take a pong as the sign of life it is."""
        _cancel(self._pong_timeout)
        self._pong_timeout = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Take a message to the fleet, or refuse it."""
        if self.node is None or self._close_timeout is not None:
            return
        if isBinary:
            self._refuse("it is binary; messages are JSON text")
            return
        try:
            message = decode(payload, MAX_MESSAGE_BYTES)
        except MessageRefused as refused:
            self._refuse(_quoted("; ".join(str(violation) for violation in refused.violations[:3])))
            return
        unknown_fields = getattr(message, "unknown_fields", ())
        if unknown_fields:
            names = _quoted(", ".join(unknown_fields[:5]))
            self._complain(Complaint.UNKNOWN_FIELD, f"ignored unknown fields: {names}")
        self._take(self.node, message)

    def _take(self, node: Node, message: object) -> None:
        match message:
            case Hello():
                self._take_hello(node, message)
            case Ack():
                self._hub.fleet.acked(node, message)
                self._hub.roundup.acked(self, message.revision)
                if self._hub.connected <= MOST_LISTED:
                    self._tell(
                        log.info, f"runs revision {message.revision}, version {_quoted(message.version)}"
                    )
            case Nack():
                self._hub.fleet.nacked(node, message)
                errors = _quoted("; ".join(str(error) for error in message.errors[:3]))
                self._tell(log.warn, f"refused revision {message.revision}: {errors}")
                self._hub.roundup.refused(self, message.revision)
            case Status():
                self._hub.fleet.reported(node, message)
            case Unknown(type=kind):
                self._complain(Complaint.UNKNOWN_TYPE, f"ignored messages of unknown type {_quoted(kind)}")
            case _:
                self._refuse("only a control plane sends it")

    def _take_hello(self, node: Node, hello: Hello) -> None:
        if not (0 < len(hello.node_id) <= MAX_NODE_ID_LENGTH and hello.node_id.isprintable()):
            self._refuse(f"/node_id: it has 1 to {MAX_NODE_ID_LENGTH} printable characters")
        elif node.node_id not in (None, hello.node_id):
            self._refuse(f"/node_id: this connection has said it is {node.node_id!r}")
        else:
            self.node = self._hub.fleet.said_hello(node, hello)
            if self.node.connections > 1:
                log.warn(
                    "{count} connections say they are data plane {name}: a lost one that is not yet"
                    " noticed, or two data planes with the same node id",
                    count=self.node.connections,
                    name=self.name,
                )
            self._hub.named(self)

    def _refuse(self, reason: str) -> None:
        self._complain(Complaint.REFUSED, f"refused a message: {reason}")
        self._refused_messages += 1
        if self._refused_messages == MAX_REFUSED_MESSAGES:
            self.go_away(POLICY_VIOLATION, "too many refused messages")

    def _tell(self, write: Callable[..., None], text: str) -> None:
        """Log what a data plane says of a snapshot, unless it says it all the time."""
        unsaid = self._allowance.line()
        if unsaid is None:
            return
        more = f" ({unsaid} of its answers before were not logged)" if unsaid else ""
        write("data plane {name} {text}{more}", name=self.name, text=text, more=more)

    def _complain(self, complaint: Complaint, text: str) -> None:
        if complaint not in self._complaints:
            self._complaints.add(complaint)
            log.warn("data plane {name}: {text} (logged once)", name=self.name, text=text)

    def _ping(self) -> None:
        if self.state != self.STATE_OPEN:
            # The peer has sent its close frame and then neither read our answer nor gone.
            self.abort()
        elif self._outbox is not None:
            self._outbox.send_ping()

    def _expect_pong(self) -> None:
        if self._pong_timeout is None:
            self._pong_timeout = self._clock.callLater(PONG_TIMEOUT_S, self._silent)

    def _silent(self) -> None:
        self._drop(f"no pong for {PONG_TIMEOUT_S:.0f} s")

    def _stalled(self) -> None:
        self._drop(f"it has not taken what it was sent in {STALL_TIMEOUT_S:.0f} s")

    def _drop(self, reason: str) -> None:
        log.warn("data plane {name} dropped: {reason}", name=self.name, reason=reason)
        self.abort()


def _quoted(text: str | None) -> str:
    """Quote what a peer sent so that it cannot fill the log or forge a line of it."""
    return repr(text if text is None else text[:MAX_LOGGED_CHARS])


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()


class ConnectionFactory(WebSocketServerFactory):
    """Make data plane connections for Autobahn's ``WebSocketResource``.

    :param hub: the connections' keeper.
    :param reactor: drives keep-alive and time-outs.
    """

    def __init__(self, hub: Connections, reactor: IReactorTime) -> None:
        WebSocketServerFactory.__init__(self, reactor=reactor, protocols=[SUBPROTOCOL], server="cellrouter")
        WebSocketServerFactory.setProtocolOptions(
            self,
            webStatus=False,
            maxFramePayloadSize=MAX_MESSAGE_BYTES,
            maxMessagePayloadSize=MAX_MESSAGE_BYTES,
            # The request has been read whole by twisted.web, so there is nothing to time.
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            failByDrop=True,
        )
        self._hub = hub
        self._options = {name: getattr(self, name) for name in WebSocketServerProtocol.CONFIG_ATTRS}

    def buildProtocol(self, addr: object) -> DataPlaneConnection:
        """Make the protocol of one connection."""
        connection = DataPlaneConnection(self._hub, self.reactor)
        connection.factory = self
        connection.__dict__.update(self._options)
        return connection
