"""Watches what data planes do while a snapshot is rolled out, in windows that follow its phases."""

from twisted.internet.interfaces import IReactorTime

from cellrouter.controlplane import progress
from cellrouter.controlplane.fleet import Node, Told
from cellrouter.controlplane.gates import Gates, Meter
from cellrouter.controlplane.rollout import WATCHING, Phase, Rollout

WINDOW_S = 600.0
"""How long what is watched is added up, so that what goes wrong is not lost in what went well for hours."""


class Watch:
    """Judge a rollout by the traffic.

    :ivar gates: how much worse it may become.
    :ivar meter: what data planes do, with the new snapshot and without.
    :ivar began_at: when the bake began, in seconds since the epoch.

    :param clock: says when.
    """

    def __init__(self, gates: Gates, clock: IReactorTime) -> None:
        self.gates = gates
        self.meter = Meter()
        self.began_at = clock.seconds()
        self._clock = clock

    def note(self, node: Node, told: Told, has_new: bool) -> None:
        """Take note of a data plane's status.

        :param node: the data plane.
        :param told: says what it has done.
        :param has_new: whether it has the new snapshot.
        """
        # Those that share a name count each for itself.
        if told.done is not None and node.connections == 1:
            self.meter.note(told.done, has_new)

    def follow(self, before: Rollout, after: Rollout) -> None:
        """Begin to count anew when a bake begins, and every now and then; tell when nothing was seen in one.

        :param before: how the rollout stood.
        :param after: how it stands now.
        """
        if (
            before.phase is Phase.BAKING
            and after.phase in (Phase.SENDING, Phase.DONE)
            and not self.meter.seen
        ):
            progress.tell_unseen(before)
        if after.phase not in WATCHING:
            return
        if before.phase not in WATCHING:
            self.meter.begin_bake()
            self.began_at = self._clock.seconds()
        elif after.spent_s // WINDOW_S > before.spent_s // WINDOW_S:
            self.meter.begin_window()

    def breach(self, rollout: Rollout) -> str | None:
        """Tell what is too much, for people; None when all is well, or nothing is judged by now."""
        return self.gates.breach(self.meter.new, self.meter.old) if rollout.phase in WATCHING else None
