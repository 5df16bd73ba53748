"""One WebSocket connection to a control plane, seen from the data plane."""

from collections import deque
from collections.abc import Callable
from secrets import token_bytes
from typing import Protocol, cast

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.types import ConnectionResponse
from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from txaio.tx import make_logger

from cellrouter.config import Violation
from cellrouter.daemon.budget import Budget
from cellrouter.daemon.children import ChildFailed, Stopping
from cellrouter.daemon.text import quoted
from cellrouter.daemon.work import Worker
from cellrouter.dataplane.applier import not_checked
from cellrouter.dataplane.complaints import Complaint, Complaints
from cellrouter.dataplane.delivery import Delivery, read_message
from cellrouter.dataplane.tls import failure_of_tls
from cellrouter.wire import Ack, Hello, MessageRefused, Nack, Status, Unknown, encode

SUBPROTOCOL = "cellrouter.v1"

PING_INTERVAL_S = 10.0
MAX_SILENT_PINGS = 2
MAX_SILENT_PINGS_IN_MESSAGE = 30
"""A pong comes after the message under way, which may be large and the network slow: that one gets 5
minutes."""

FRAME_COST_BYTES = 16
"""What a frame costs beside its payload, so that endless empty fragments are too large at some point too."""

MAX_HANDSHAKE_BYTES = 64 * 1024
ANSWERS_AT_ONCE = 1000
ANSWERS_PER_S = 10.0
NORMAL_CLOSURE = 1000
"""Close code, RFC 6455 section 7.4.1."""

# Of the module, since the protocol's attribute ``log`` is Autobahn's own.
log = Logger()


class Owner(Protocol):
    """What a connection needs of the client it belongs to."""

    clock: IReactorTime
    work: Worker
    limit_bytes: int
    complaints: Complaints

    def hello(self) -> Hello:
        """Say who we are and what we run."""

    def status(self) -> Status:
        """Say how we are."""

    def opened(self, connection: "ControlPlaneConnection") -> None:
        """Take note that the handshake is complete."""

    def delivered(self, snapshot: Delivery, answer: Callable[[Ack | Nack], object]) -> None:
        """Take a snapshot."""

    def ended(self, connection: "ControlPlaneConnection", reason: str) -> None:
        """Take note that the connection is gone, opened or not."""


class _Tcp(Protocol):
    """What is used of a TCP or TLS transport."""

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def abortConnection(self) -> None: ...


class ControlPlaneConnection(WebSocketClientProtocol):
    """Read messages, answer what can be answered, and notice when the other side is gone.

    Autobahn's time-outs, limits and keep-alive stay off. The former run on the global reactor; its limits
    end the connection, where here a message that is too large, binary or no JSON is refused and the
    connection goes on.

    Memory is bounded: reading pauses while one message is decoded and another waits, what has arrived is
    forgotten when another connection has taken over, and answers have a budget, since a peer
    could send nonsense and never read what comes back. For the same reason only a pong that repeats what a
    ping said is a sign of life: it shows that the peer reads.

    :param owner: the client.
    :param new_ping: makes what a ping says, which nobody can guess.
    """

    # Autobahn describes every frame; what an operator needs of it comes with onClose.
    log = make_logger(level="error")

    def __init__(self, owner: Owner, new_ping: Callable[[], bytes] = token_bytes) -> None:
        super().__init__()
        self._owner = owner
        self._tick_loop = LoopingCall(self._tick)
        self._tick_loop.clock = owner.clock
        self._new_ping = new_ping
        self._unanswered: list[bytes] = []
        self._end: str | None = None
        self._message_cost: int | None = None
        self._undecoded: deque[bytes] = deque()
        self._decoding = False
        self._decoder: Deferred[None] | None = None
        self._paused = False
        self._forgotten = False
        self._answers = Budget(owner.clock, ANSWERS_AT_ONCE, ANSWERS_PER_S)

    def connectionMade(self) -> None:
        """Begin to watch the connection; the handshake is Autobahn's."""
        WebSocketClientProtocol.connectionMade(self)
        self._tick_loop.start(PING_INTERVAL_S, now=False).addErrback(
            lambda failure: log.failure("watching the connection failed", failure)
        )

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End; of TLS's failures Autobahn would write lines of its own."""
        if isinstance(reason.value, SSL.Error):
            self._end = self._end or failure_of_tls(reason.value)
            reason = Failure(ConnectionLost())
        WebSocketClientProtocol.connectionLost(self, reason)

    def dataReceived(self, data: bytes) -> None:
        """Read, but not an endless answer to the handshake, which Autobahn would keep in memory."""
        if self.state == self.STATE_CONNECTING and len(self.data) > MAX_HANDSHAKE_BYTES:
            self._drop(f"the answer to the handshake is longer than {MAX_HANDSHAKE_BYTES} bytes")
        else:
            WebSocketClientProtocol.dataReceived(self, data)

    def onConnect(self, response: ConnectionResponse) -> None:
        """Accept what the server answered; Autobahn has checked it."""

    def onOpen(self) -> None:
        """Introduce ourselves."""
        self.send(self._owner.hello())
        self._owner.opened(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """End, whatever the reason."""
        if self._tick_loop.running:
            self._tick_loop.stop()
        self._owner.ended(self, self._end or reason or f"closed with code {code}")

    @property
    def _tcp(self) -> _Tcp:
        return cast(_Tcp, self.transport)

    def send(self, message: Hello | Ack | Nack | Status) -> None:
        """Send a message; does nothing when the connection is closed by now."""
        if self.state == self.STATE_OPEN:
            WebSocketClientProtocol.sendMessage(self, encode(message))

    def go_away(self) -> None:
        """Tell the control plane that we leave; who calls this closes the TCP connection."""
        if self.state == self.STATE_OPEN:
            self.sendClose(NORMAL_CLOSURE, "the data plane is shutting down")

    def onMessageBegin(self, isBinary: bool) -> None:
        """Begin to count a message."""
        WebSocketClientProtocol.onMessageBegin(self, isBinary)
        self._message_cost = 0

    def onMessageFrameBegin(self, length: int) -> None:
        """Count a frame before its payload comes, and forget the message when it is too large."""
        WebSocketClientProtocol.onMessageFrameBegin(self, length)
        assert self._message_cost is not None
        self._message_cost += length + FRAME_COST_BYTES
        if self._too_large:
            self.message_data.clear()

    def onMessageFrameData(self, payload: bytes) -> None:
        """Keep a piece of the payload, unless the message is too large."""
        if not self._too_large:
            WebSocketClientProtocol.onMessageFrameData(self, payload)

    def onMessageEnd(self) -> None:
        """Take the message, or refuse it for its size."""
        too_large, self._message_cost = self._too_large, None
        if too_large:
            self.message_data = []
            limit = f"{self._owner.limit_bytes} bytes (--max-config-bytes and a little more)"
            text = f"the message is larger than {limit}"
            self._refuse([Violation("", "too_large", text)])
        else:
            WebSocketClientProtocol.onMessageEnd(self)

    @property
    def _too_large(self) -> bool:
        return self._message_cost is not None and self._message_cost > self._owner.limit_bytes

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Read a message, after those before it."""
        if isBinary:
            self._refuse([Violation("", "invalid_json", "the message is binary; messages are JSON text")])
            return
        if self._forgotten:
            return
        self._undecoded.append(payload)
        if self._decoding:
            # One waits: that is enough. Until then we read on, since pongs come by the same way.
            self._paused = True
            self._tcp.pauseProducing()
            return
        self._decoding = True
        self._decoder = Deferred.fromCoroutine(self._decode_all()).addErrback(self._not_decoded)

    def forget(self) -> None:
        """Take no message any more, not even one that has arrived: another connection has taken over."""
        self._forgotten = True
        self._undecoded.clear()
        if self._decoder is not None:
            self._decoder.cancel()

    def _not_decoded(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            log.failure("decoding a message failed", failure)

    def onPing(self, payload: bytes) -> None:
        """Answer a ping."""
        if self._answers.spend():
            WebSocketClientProtocol.onPing(self, payload)

    def onPong(self, payload: bytes) -> None:
        """Take a pong as the sign of life it is, if it is one of ours that it answers."""
        if payload in self._unanswered:
            self._unanswered.clear()

    async def _decode_all(self) -> None:
        try:
            while self._undecoded:
                payload = self._undecoded.popleft()
                if self._paused and not self._undecoded:
                    self._resume()
                await self._decode(payload)
        finally:
            self._decoding = False

    async def _decode(self, payload: bytes) -> None:
        try:
            message = await self._owner.work(read_message, payload, self._owner.limit_bytes)
        except MessageRefused as refused:
            self._refuse(refused.violations, refused)
        except Stopping:
            return
        except ChildFailed as error:
            self._refuse([not_checked(error)])
        else:
            self._take(message)

    def _resume(self) -> None:
        self._paused = False
        # Not what the peer has kept silent about, but what we did not read.
        self._unanswered.clear()
        if self.state != self.STATE_CLOSED:
            self._tcp.resumeProducing()

    def _take(self, message: object) -> None:
        unknown_fields = getattr(message, "unknown_fields", ())
        if unknown_fields:
            names = ", ".join(quoted(name) for name in unknown_fields[:5])
            self._complain_once(f"unknown fields are ignored: {names}")
        match message:
            case Delivery():
                self._owner.delivered(message, self.send)
            case Unknown(type=kind):
                self._complain_once(f"messages of unknown type {quoted(kind)} are ignored")
            case _:
                self._complain_once(f"messages of type {type(message).__name__.lower()} are ignored here")

    def _refuse(
        self, violations: "tuple[Violation, ...] | list[Violation]", refused: MessageRefused | None = None
    ) -> None:
        self._owner.complaints.say(
            Complaint.REFUSED_MESSAGE,
            f"refused a message from {self.factory.url}: {'; '.join(map(str, violations[:3]))}",
        )
        if not self._answers.spend():
            self._owner.complaints.say(Complaint.SWAMPED, "too many messages to refuse: some get no nack")
            return
        version, revision, hash_ = (
            (refused.version, refused.revision, refused.hash) if refused else (None,) * 3
        )
        self.send(Nack(version, revision, hash_, tuple(violations)))

    def _complain_once(self, text: str) -> None:
        self._owner.complaints.say_once(Complaint.IGNORED, f"{self.factory.url}: {text} (logged once)")

    def _tick(self) -> None:
        delayed = self._paused or self._message_cost is not None
        patience = MAX_SILENT_PINGS_IN_MESSAGE if delayed else MAX_SILENT_PINGS
        if self.state != self.STATE_OPEN:
            self._drop("the WebSocket handshake, opening or closing, was not completed in 10 s")
        elif len(self._unanswered) >= patience:
            self._drop(f"no pong for {len(self._unanswered) * PING_INTERVAL_S:.0f} s")
        else:
            self._unanswered.append(self._new_ping())
            self.sendPing(self._unanswered[-1])
            self.send(self._owner.status())

    def _drop(self, reason: str) -> None:
        self._end = reason
        self._tcp.abortConnection()


class ConnectionFactory(WebSocketClientFactory):
    """Make the connections to one URL.

    :param url: ``ws://`` or ``wss://``.
    :param software: our name and version for the handshake.
    :param owner: the client.
    """

    noisy = False

    def __init__(self, url: str, software: str, owner: Owner) -> None:
        WebSocketClientFactory.__init__(
            self, url, protocols=[SUBPROTOCOL], useragent=software, reactor=owner.clock
        )
        WebSocketClientFactory.setProtocolOptions(
            self,
            utf8validateIncoming=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            serverConnectionDropTimeout=0,
            autoPingInterval=0,
            maxFramePayloadSize=0,
            maxMessagePayloadSize=0,
        )
        self._owner = owner

    def buildProtocol(self, addr: object) -> ControlPlaneConnection:
        """Make the protocol of one connection."""
        connection = ControlPlaneConnection(self._owner)
        connection.factory = self
        return connection
