"""Which data planes are there for a rollout, by name, and how many may come back."""

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from cellrouter.controlplane.fleet import Fleet, Node, Presence

HELLO_GRACE_S = 2.0
"""How long a data plane has to say who it is, while that makes a difference to what it is sent."""

AWAY_S = 120.0
"""How long one that has left is away rather than gone: it may wait a minute before it connects again."""


@define
class Attendance:
    """Looks at the fleet.

    :param fleet: knows the data planes.
    :param clock: tells for how long they have been there.
    """

    _fleet: Fleet
    _clock: IReactorTime
    _began_at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began_at = self._clock.seconds()

    def is_fresh(self, node: Node) -> bool:
        """Tell whether a data plane may be about to say who it is."""
        return node.node_id is None and 0 <= self._clock.seconds() - node.since < HELLO_GRACE_S

    def connected(self) -> list[str]:
        """Name those that are there; a name that several share is in the list once for each."""
        names = []
        for node in self._fleet.nodes():
            if node.presence is Presence.CONNECTED and not self.is_fresh(node):
                names += [node.name] * node.connections
        return names

    def away(self) -> int:
        """Count those that may come back: they left a moment ago, or before this control plane began."""
        now = self._clock.seconds()
        began = now - self._began_at < AWAY_S
        return sum(
            node.presence is Presence.DEPARTED
            and node.node_id is not None
            and (began or 0 <= now - node.since < AWAY_S)
            for node in self._fleet.nodes()
        )
