"""The connected data planes, and what all of them are sent."""

from attrs import frozen
from autobahn.websocket.protocol import PreparedMessage
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.controlplane.connection import GOING_AWAY, ConnectionFactory, DataPlaneConnection
from cellrouter.controlplane.fleet import Fleet
from cellrouter.snapshots.accepted import Accepted
from cellrouter.wire import encode_snapshot


@frozen
class Announcement:
    """An accepted snapshot, ready to be sent.

    :ivar accepted: what the history holds.
    :ivar source_id: the history's.
    :ivar frame: the whole WebSocket frame, made once and shared by all connections.
    """

    accepted: Accepted
    source_id: str
    frame: bytes

    @classmethod
    def of(cls, accepted: Accepted, source_id: str) -> "Announcement":
        """Put the frame around a snapshot; for a large one that belongs into a thread."""
        message = encode_snapshot(accepted.text, accepted.revision, source_id, accepted.hash)
        # RFC 6455 section 5.1: a server's frames are not masked, so they are the same for everyone.
        prepared = PreparedMessage(message, isBinary=False, applyMask=False, doNotCompress=True)
        return cls(accepted, source_id, prepared.payloadHybi)


class Hub(Service):
    """Send the current snapshot to whoever connects and each new one to everybody.

    :ivar current: the snapshot that every data plane should run.
    :ivar announced_at: since when, in seconds since the epoch.

    :param reactor: drives the connections.
    """

    log = Logger()

    def __init__(self, reactor: IReactorTime) -> None:
        self.fleet = Fleet(reactor)
        self.factory = ConnectionFactory(self, reactor)
        self.current: Announcement | None = None
        self.announced_at = 0.0
        self._clock = reactor
        self._connections: set[DataPlaneConnection] = set()
        self._emptied: Deferred[None] | None = None

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def announce(self, announcement: Announcement) -> None:
        """Make a snapshot the current one and send it to every data plane."""
        self.current, self.announced_at = announcement, self._clock.seconds()
        for connection in self._connections:
            connection.send_snapshot(announcement.frame)
        self.log.info(
            "revision {revision}, version {version}, is active; sending it to {count} data planes",
            revision=announcement.accepted.revision,
            version=announcement.accepted.version,
            count=len(self._connections),
        )

    def opened(self, connection: DataPlaneConnection) -> None:
        """Take a connection in and send it the current snapshot."""
        self._connections.add(connection)
        if self._emptied is not None:
            self._dismiss(connection)
        elif self.current is not None:
            connection.send_snapshot(self.current.frame)

    def closed(self, connection: DataPlaneConnection) -> None:
        """Let a connection go."""
        self._connections.discard(connection)
        if self._emptied is not None and not self._connections:
            emptied, self._emptied = self._emptied, None
            emptied.callback(None)

    def stopService(self) -> "Deferred[None] | None":
        """Close every connection with code 1001, "going away".

        :returns: a Deferred that fires when all have ended, which each has 3 seconds for.
        """
        Service.stopService(self)
        if not self._connections:
            return None
        self._emptied = Deferred()
        for connection in list(self._connections):
            self._dismiss(connection)
        return self._emptied

    def _dismiss(self, connection: DataPlaneConnection) -> None:
        connection.go_away(GOING_AWAY, "the control plane is shutting down")
