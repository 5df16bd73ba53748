"""What is known of each data plane, connected or not.

It records what data planes say and decides nothing. Memory is bounded: one that left is forgotten after
24 hours, and the longest gone first when too many have left.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeVar

from attrs import define, evolve, field, frozen
from twisted.internet.interfaces import IReactorTime

from cellrouter.config import Violation
from cellrouter.controlplane.counters import Counters
from cellrouter.controlplane.placements import Seen, read_placements
from cellrouter.wire import Ack, Hello, Nack, Running, Status

REMEMBERED_S = 24 * 3600.0
MAX_DEPARTED = 10_000
MAX_ERRORS = 100
MAX_TEXT = 300


@frozen
class Report:
    """A data plane's last word on a snapshot.

    :ivar at: when it arrived, in seconds since the epoch.
    :ivar apply_ms: milliseconds it took to apply; None for a nack.
    :ivar errors: why it was refused; empty for an ack.
    """

    version: str | None
    revision: int | None
    hash: str | None
    at: float
    apply_ms: float | None = None
    errors: tuple[Violation, ...] = ()


class Presence(Enum):
    """Whether a data plane has a connection."""

    CONNECTED = "connected"
    DEPARTED = "departed"


@define(eq=False)
class Node:
    """One data plane.

    :ivar node_id: the name it gave itself, or None before its hello or when it sends none.
    :ivar address: ``host:port`` of its newest connection.
    :ivar recalled: whether it is only taken for one of its host that left, since neither has a name.
    :ivar connections: how many it has; more than one when two share a name, or while a lost one is unnoticed.
    :ivar since: when it connected or left, in seconds since the epoch.
    :ivar last_seen: when it last sent anything, in seconds since the epoch.
    :ivar running: what it serves by its own last word.
    :ivar refuses: whether the last that it said of a snapshot was a nack; times do not tell, as the clock may
        be set back.
    :ivar counters: what it has done since it was started, by its last status.
    :ivar told_at: when that came, in seconds since the epoch.
    """

    address: str
    since: float
    last_seen: float
    node_id: str | None = None
    recalled: bool = False
    connections: int = 1
    software: str | None = None
    running: Running | None = None
    last_ack: Report | None = None
    last_nack: Report | None = None
    refuses: bool = False
    counters: Counters | None = None
    told_at: float = 0.0

    @property
    def presence(self) -> Presence:
        """Tell whether it has a connection."""
        return Presence.CONNECTED if self.connections else Presence.DEPARTED

    @property
    def name(self) -> str:
        """What it is called: its node id, or its address when it has none."""
        return self.node_id or self.address

    @property
    def key(self) -> tuple[str, str]:
        """What it is known again by: its name, or for one without a name the host it connects from."""
        if self.node_id is not None:
            return "node_id", self.node_id
        return "host", self.address.rpartition(":")[0]


@frozen
class Told:
    """A status, read.

    :ivar done: what the data plane has done since the status before; None when it has not said it twice since
        it connected or was started.
    :ivar span_s: seconds in which it has done that.
    :ivar placements: how it sees its placements.
    """

    done: Counters | None
    span_s: float
    placements: Mapping[str, Seen]


Word = Ack | Nack | Told | None
"""What a data plane says; None when its last connection has ended."""

Listener = Callable[[Node, Word], object]


@define
class Fleet:
    """Every data plane known.

    :param clock: gives the time.
    """

    _clock: IReactorTime
    _listeners: list[Listener] = field(init=False, factory=list)
    _connected: dict[Node, None] = field(init=False, factory=dict)
    _named: dict[str, Node] = field(init=False, factory=dict)
    _departed: dict[tuple[str, str], Node] = field(init=False, factory=dict)

    def listen(self, listener: Listener) -> None:
        """Have something called with what each data plane says, after note was taken of it."""
        self._listeners.append(listener)

    def nodes(self) -> list[Node]:
        """Return every data plane, the connected ones first, then those that left, the longest gone first."""
        self._forget()
        return [*self._connected, *self._departed.values()]

    def recall(self, node: Node) -> None:
        """Take note of a data plane that was there before this control plane started.

        :param node: it, without a connection and with a name; the longest gone has to come first.
        """
        self._departed[node.key] = node
        self._forget()

    def arrived(self, address: str) -> Node:
        """Take note of a new connection, which has no name yet.

        :param address: ``host:port`` of the peer.
        :returns: the node; that of a nameless data plane of the same host that left, when there is one.
        """
        now = self._clock.seconds()
        node = Node(address, now, now)
        known = self._departed.pop(node.key, None)
        if known is not None:
            known.address, known.since, known.last_seen, known.connections = address, now, now, 1
            known.recalled = True
            node = known
        self._connected[node] = None
        return node

    def said_hello(self, node: Node, hello: Hello) -> Node:
        """Take note of a data plane's name.

        :param node: what its connection was known as so far.
        :param hello: its first message.
        :returns: what its connection is known as from now on.
        """
        now = self._clock.seconds()
        if node.recalled:
            node = self._told_apart(node, now)
        known = self._named.get(hello.node_id) or self._departed.pop(("node_id", hello.node_id), None)
        if known is not None and known is not node:
            del self._connected[node]
            known.address, known.since = node.address, now
            known.connections += 1
            node = known
        node.node_id = hello.node_id
        node.last_seen = now
        node.software = _clipped(hello.software)
        node.running = hello.running and _running_clipped(hello.running)
        self._named[hello.node_id] = node
        self._connected[node] = None
        return node

    def _told_apart(self, nameless: Node, now: float) -> Node:
        """Let a nameless data plane be gone after all, since who came in its place has a name."""
        del self._connected[nameless]
        nameless.connections, nameless.recalled = 0, False
        self._departed[nameless.key] = nameless
        node = Node(nameless.address, now, now)
        self._connected[node] = None
        return node

    def acked(self, node: Node, ack: Ack) -> None:
        """Take note that a data plane runs a snapshot."""
        now = node.last_seen = self._clock.seconds()
        version, hash_ = _clipped(ack.version), _clipped(ack.hash)
        node.last_ack = Report(version, ack.revision, hash_, now, apply_ms=ack.apply_ms)
        node.refuses = False
        node.running = Running(version=version, revision=ack.revision, hash=hash_, source="control_plane")
        self._tell(node, ack)

    def nacked(self, node: Node, nack: Nack) -> None:
        """Take note that a data plane refused a snapshot; it goes on with what it ran."""
        now = node.last_seen = self._clock.seconds()
        errors = tuple(
            Violation(_clipped(error.path), _clipped(error.code), _clipped(error.message))
            for error in nack.errors[:MAX_ERRORS]
        )
        node.last_nack = Report(
            _clipped(nack.version), nack.revision, _clipped(nack.hash), now, errors=errors
        )
        node.refuses = True
        self._tell(node, nack)

    def reported(self, node: Node, status: Status) -> None:
        """Take note of a data plane's status."""
        now = node.last_seen = self._clock.seconds()
        placements = read_placements(status.placements)
        counters, before = Counters.reported(status.requests, placements), node.counters
        done = counters.since(before) if counters is not None and before is not None else None
        # The clock may be set back between the two.
        told = Told(done, max(0.0, now - node.told_at), placements)
        node.counters, node.told_at = counters, now
        self._tell(node, told)

    def left(self, node: Node) -> None:
        """Take note that one of a data plane's connections ended."""
        node.connections -= 1
        if node.connections:
            return
        node.since = self._clock.seconds()
        node.counters = None
        del self._connected[node]
        if node.node_id is not None:
            del self._named[node.node_id]
        self._departed.pop(node.key, None)
        self._departed[node.key] = node
        self._forget()
        self._tell(node, None)

    def _tell(self, node: Node, word: Word) -> None:
        for listener in self._listeners:
            listener(node, word)

    def _forget(self) -> None:
        too_old = self._clock.seconds() - REMEMBERED_S
        while self._departed:
            key, node = next(iter(self._departed.items()))
            if len(self._departed) <= MAX_DEPARTED and node.since >= too_old:
                return
            del self._departed[key]


Text = TypeVar("Text", str, "str | None")


def _clipped(text: Text) -> Text:
    """Shorten what a peer sent, since it is kept for a day."""
    return text if text is None else text[:MAX_TEXT]


def _running_clipped(running: Running) -> Running:
    return evolve(
        running,
        version=_clipped(running.version),
        hash=_clipped(running.hash),
        source=_clipped(running.source),
    )
