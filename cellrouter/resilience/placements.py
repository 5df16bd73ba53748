"""The state of each placement, kept from one snapshot to the next."""

from cellrouter.config import Placement, PlacementKey, RoutingTable


class PlacementState:
    """What one placement is doing.

    A plain slotted class: every request touches one.

    :ivar in_flight: exchanges that it is serving.
    :ivar requests: exchanges that it was given since it is known.
    :ivar settings: its limits, by the newest snapshot that has it.
    """

    __slots__ = ("in_flight", "requests", "settings")

    def __init__(self, settings: Placement) -> None:
        self.settings = settings
        self.in_flight = 0
        self.requests = 0

    def enter(self) -> None:
        """Count an exchange; each is matched by one :meth:`leave`."""
        self.in_flight += 1
        self.requests += 1

    def leave(self) -> None:
        """Count the end of an exchange."""
        self.in_flight -= 1


class PlacementStates:
    """The states of all placements of the snapshot in use."""

    def __init__(self) -> None:
        self._states: dict[PlacementKey, PlacementState] = {}

    def __getitem__(self, placement: PlacementKey) -> PlacementState:
        """Give the state of a placement of the newest snapshot.

        :raises KeyError: for any other.
        """
        return self._states[placement]

    def install(self, table: RoutingTable) -> None:
        """Take a snapshot: a placement that keeps its URL keeps its state, one that is gone loses it.

        :param table: the compiled snapshot.
        """
        states: dict[PlacementKey, PlacementState] = {}
        for placement, route in table.placements.items():
            state = self._states.get(placement)
            if state is None or state.settings.url != route.settings.url:
                state = PlacementState(route.settings)
            state.settings = route.settings
            states[placement] = state
        self._states = states
