"""A control plane's inside without threads, child processes and a reactor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.task import Clock

from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.default_share import DefaultShare
from cellrouter.controlplane.gates import Gates
from cellrouter.controlplane.guards import Guards
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.intake import Intake
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.controlplane.roster import Roster
from cellrouter.controlplane.steps import read_steps
from cellrouter.controlplane.traffic import FleetTraffic
from cellrouter.daemon.children import ChildFailed
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable, connection, transaction

LIMIT_BYTES = 1_000_000
BAKE_S = 60.0


class SynchronousHistory(History):
    """A history whose database thread is this one, and whose disk can fill up.

    :ivar disk_is_full: whether nothing can be stored.
    :ivar slow_disk: what every interaction waits for until it fires.
    :ivar slow: what the next interaction waits for.
    :ivar interactions: how many have begun.
    """

    disk_is_full = False
    slow_disk: "Deferred[None] | None" = None
    slow: "Deferred[None] | None" = None
    interactions = 0

    async def _interact(self, interaction: Callable[..., object], *arguments: object) -> object:
        self.interactions += 1
        if self.slow_disk is not None and not self.slow_disk.called:
            await self.slow_disk
        if self.slow is not None:
            slow, self.slow = self.slow, None
            await slow
        if self.disk_is_full:
            raise HistoryUnusable("history.db: database or disk is full")
        with connection(self.path) as database, transaction(database) as cursor:
            return interaction(cursor, *arguments)


class Desk:
    """What decides about changes, on a real file and a real history, with a fake clock.

    :ivar children_fail: whether child processes die instead of answering.
    :ivar slow_child: what the next child process waits for.
    :ivar checks: how many child processes were asked for.

    :param folder: for the file and the history; the same one again is a restart.
    :param clock: drives everything.
    :param steps: how changes get to the data planes.
    """

    def __init__(self, folder: Path, clock: Clock, steps: str = "all") -> None:
        self.children_fail = False
        self.checks = 0
        self.slow_child: Deferred[None] | None = None
        self.clock = clock
        self.path = folder / "routing.json"
        self.history = SynchronousHistory.open(folder / "history.db", clock)
        self.hub = Hub(clock)
        self.rollouts = Rollouts(self.hub, self.history, clock, read_steps(steps), BAKE_S, Gates())
        self.traffic = FleetTraffic(self.hub, self.rollouts, clock, DefaultShare(1.0))
        self.changes = Changes(
            *(self.history, self.hub, self.rollouts, clock.seconds, maybeDeferred, self.in_child),
            *(Guards(), LIMIT_BYTES),
        )
        self.intake = Intake(self.path, self.changes, clock, maybeDeferred, 2.0, LIMIT_BYTES)
        self.roster = Roster(self.hub.fleet, self.history, clock)

    def in_child(self, function: Callable[..., Any], *arguments: Any) -> "Deferred[Any]":
        """Run a function here and now."""
        self.checks += 1
        if self.children_fail:
            return fail(ChildFailed("it was ended by signal 9"))
        if self.slow_child is not None:
            slow, self.slow_child = self.slow_child, None
            return slow.addCallback(lambda _: function(*arguments))
        return maybeDeferred(function, *arguments)

    def poll(self) -> None:
        """Let the file be looked at often enough for a change to be seen."""
        for _ in range(3):
            self.clock.advance(2.0)
