"""The connected data planes, and what they are sent."""

from collections.abc import Callable, Sequence

from attrs import frozen
from autobahn.websocket.protocol import PreparedMessage
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from cellrouter.controlplane.connection import GOING_AWAY, ConnectionFactory, DataPlaneConnection
from cellrouter.controlplane.fleet import Fleet, Node
from cellrouter.controlplane.outbox import cut
from cellrouter.controlplane.roundup import Roundup
from cellrouter.snapshots.accepted import Accepted
from cellrouter.wire import encode_snapshot

AT_ONCE = 20
"""How many data planes are sent a snapshot before others have their turn. Acks come in the meantime, too:
with 5,000 data planes a turn of the reactor takes up to about 35 ms then."""


@frozen
class Announcement:
    """An accepted snapshot, ready to be sent.

    :ivar accepted: what the history holds.
    :ivar source_id: the history's.
    :ivar frame: the slices of the whole WebSocket frame, made once and shared by all connections.
    """

    accepted: Accepted
    source_id: str
    frame: tuple[bytes, ...]

    @classmethod
    def of(cls, accepted: Accepted, source_id: str) -> "Announcement":
        """Put the frame around a snapshot; for a large one that belongs into a thread."""
        message = encode_snapshot(accepted.text, accepted.revision, source_id, accepted.hash)
        # RFC 6455 section 5.1: a server's frames are not masked, so they are the same for everyone.
        prepared = PreparedMessage(message, isBinary=False, applyMask=False, doNotCompress=True)
        return cls(accepted, source_id, cut(prepared.payloadHybi))


class Hub(Service):
    """Send the current snapshot to whoever connects and each new one to everybody, unless told otherwise.

    :ivar current: the snapshot that was accepted last.
    :ivar announced_at: since when, in seconds since the epoch.
    :ivar roundup: says what came of the current snapshot.
    :ivar choose: tells what a data plane is to run; None for whatever it runs.

    :param reactor: drives the connections.
    """

    log = Logger()

    def __init__(self, reactor: IReactorTime) -> None:
        self.fleet = Fleet(reactor)
        self.factory = ConnectionFactory(self, reactor)
        self.roundup = Roundup(reactor)
        self.current: Announcement | None = None
        self.announced_at = 0.0
        self.choose: Callable[[Node], Announcement | None] = lambda _: self.current
        self._clock = reactor
        self._connections: dict[DataPlaneConnection, Announcement | None] = {}
        self._emptied: Deferred[None] | None = None
        self._due: Sequence[DataPlaneConnection] = ()
        self._next_slice: IDelayedCall | None = None

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def announce(self, announcement: Announcement) -> None:
        """Make a snapshot the current one and send it to every data plane that is to run it."""
        self.current, self.announced_at = announcement, self._clock.seconds()
        self.roundup.begin(announcement.accepted.revision)
        self.log.info(
            "revision {revision}, version {version}, is active; sending it to {count} data planes",
            revision=announcement.accepted.revision,
            version=announcement.accepted.version,
            count=self.deliver(),
        )

    def deliver(self) -> int:
        """Send each data plane what it is to run, if that is not what it was sent last.

        When there are many, others have their turn meanwhile; a data plane is sent what is due by then.

        :returns: how many are sent anything.
        """
        self._due = [connection for connection in self._connections if self._chosen(connection) is not None]
        count = len(self._due)
        if self._next_slice is None:
            self._send_slice()
        return count

    def opened(self, connection: DataPlaneConnection) -> None:
        """Take a connection in and send it what it is to run."""
        self._connections[connection] = None
        if self._emptied is not None:
            self._dismiss(connection)
        else:
            self._send(connection)

    def named(self, connection: DataPlaneConnection) -> None:
        """Send a data plane what it is to run, now that it is known who it is."""
        self._send(connection)

    def closed(self, connection: DataPlaneConnection) -> None:
        """Let a connection go."""
        self._connections.pop(connection, None)
        self.roundup.gone(connection)
        if self._emptied is not None and not self._connections:
            emptied, self._emptied = self._emptied, None
            emptied.callback(None)

    def stopService(self) -> "Deferred[None] | None":
        """Close every connection with code 1001, "going away".

        :returns: a Deferred that fires when all have ended, which each has 3 seconds for.
        """
        Service.stopService(self)
        self._due = ()
        if not self._connections:
            return None
        self._emptied = Deferred()
        for connection in list(self._connections):
            self._dismiss(connection)
        return self._emptied

    def _chosen(self, connection: DataPlaneConnection) -> Announcement | None:
        """Choose what a data plane is to be sent; None for nothing."""
        assert connection.node is not None
        chosen = self.choose(connection.node)
        return None if chosen is self._connections[connection] else chosen

    def _send_slice(self) -> None:
        self._next_slice = None
        now, self._due = self._due[:AT_ONCE], self._due[AT_ONCE:]
        for connection in now:
            if connection in self._connections:
                self._send(connection)
        if self._due:
            self._next_slice = self._clock.callLater(0, self._send_slice)

    def _send(self, connection: DataPlaneConnection) -> None:
        chosen = self._chosen(connection)
        if chosen is None:
            return
        self._connections[connection] = chosen
        if chosen is self.current:
            self.roundup.sent(connection)
        connection.send_snapshot(chosen.frame)

    def _dismiss(self, connection: DataPlaneConnection) -> None:
        connection.go_away(GOING_AWAY, "the control plane is shutting down")
