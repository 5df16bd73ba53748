"""Drives rollouts: keeps on disk how far one has got, and lets each data plane have what that says.

What happens changes the :class:`~cellrouter.controlplane.rollout.Rollout`. A change that lets more data
planes have the new snapshot is on disk before any of them is sent it, so a control plane that is killed at
any point goes on with what it had decided, and with no more. What data planes say counts at once and is never
in line behind the disk, since a thousand of them may say it in the same moment.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from cellrouter.controlplane import progress
from cellrouter.controlplane.attendance import Attendance
from cellrouter.controlplane.fleet import Node, Told, Word
from cellrouter.controlplane.gates import Gates
from cellrouter.controlplane.hub import Announcement, Hub
from cellrouter.controlplane.meaning import Change, meaning
from cellrouter.controlplane.rollout import GIVING_BACK, GOING_ON, NotPossible, Phase, Rollout
from cellrouter.controlplane.steps import Steps
from cellrouter.controlplane.watch import Watch
from cellrouter.daemon.children import turn
from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable

INTERVAL_S = 1.0
AGE_TICKS = 600
"""How often what is known of the traffic before a rollout ages; it is as old as twice that at most."""

MAX_WAITING = 8
NONE_UNDER_WAY = "no rollout is under way"


class Rollouts(Service):
    """Bring accepted snapshots to the data planes, all at once or step by step.

    :ivar rollout: the last one; None when there has been none.
    :ivar watch: judges it by the traffic.
    :ivar attendance: knows who is there.
    :ivar give_back: makes the snapshot before active again; gets the revision that has failed, and why.

    :param hub: sends; it asks here who is sent what.
    :param history: keeps how far a rollout has got.
    :param clock: drives the bake.
    :param steps: of a new rollout; none when everybody is to have a snapshot at once.
    :param bake_s: seconds for which each step is watched.
    :param gates: how much worse the traffic may become meanwhile.
    """

    log = Logger()

    def __init__(
        self, hub: Hub, history: History, clock: IReactorTime, steps: Steps, bake_s: float, gates: Gates
    ) -> None:
        self.rollout: Rollout | None = None
        self.steps = steps
        self.bake_s = bake_s
        self.watch = Watch(gates, clock)
        self.attendance = Attendance(hub.fleet, clock)
        self.give_back: Callable[[int, str], Awaitable[None]]
        self._hub = hub
        self._history = history
        self._clock = clock
        self._fallback: Announcement | None = None
        self._lock = DeferredLock()
        self._gives_back = False
        self._unkept = self._not_given_back = ""
        self._ticks = 0
        self._counted_until = clock.seconds()
        self._loop = LoopingCall(lambda: self._go(self._tick()))
        self._loop.clock = clock
        hub.choose = self._choose
        hub.fleet.listen(self._heard)

    @property
    def under_way(self) -> bool:
        """Whether data planes run different snapshots, or may."""
        return self.rollout is not None and self.rollout.under_way

    @property
    def fallback(self) -> Accepted | None:
        """What was everybody's before the rollout that is under way, if one is."""
        return self._fallback.accepted if self._fallback is not None and self.under_way else None

    def load_blocking(self) -> None:
        """Find out, before the reactor runs, how far a rollout had got; the active snapshot is loaded.

        :raises HistoryUnusable: when the history cannot be read.
        """
        noted, active = self._history.rollout_blocking(), self._hub.current
        if noted is None or active is None:
            return
        rollout = Rollout.restored(*noted)
        if rollout.revision != active.accepted.revision:
            rollout = rollout.replaced(active.accepted.revision)
        self.rollout = rollout
        if not rollout.under_way:
            return
        before = self._history.find_blocking(rollout.fallback)
        if before is None:
            progress.tell_lost(rollout)
        else:
            self._fallback = Announcement.of(before, self._history.source_id)
        self.watch.meter.recall(rollout.traffic)
        progress.tell_restored(rollout)

    def startService(self) -> None:
        """Go on with a rollout that is under way."""
        Service.startService(self)
        self._loop.start(INTERVAL_S, now=False).addErrback(
            lambda failure: self.log.failure("watching the rollout failed", failure)
        )

    def stopService(self) -> "Deferred[None]":
        """Take no further step; that data planes leave from now on says nothing of them.

        :returns: a Deferred that fires when a step that is being taken has been.
        """
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()
        return self._lock.run(lambda: None)

    def plan(self, active: Accepted | None) -> Rollout | None:
        """Plan a rollout of a snapshot that has no number yet.

        :param active: what is active before it.
        :returns: None when it goes to everybody at once: there is no other, or nobody wants steps.
        """
        if not self.steps or active is None:
            return None
        lost = self.rollout if self.under_way else None
        fallback = lost.fallback if lost else active.revision
        return Rollout(0, fallback, self.steps, self.bake_s, traffic=self.watch.meter.before.counters())

    def take(self, announcement: Announcement, plan: Rollout | None) -> None:
        """Bring an accepted snapshot to the data planes.

        :param announcement: it.
        :param plan: its rollout, which the history has; None when it goes to everybody at once.
        """
        revision, before = announcement.accepted.revision, self.rollout
        fallback = self._hub.current
        if before is not None and before.under_way:
            if self._fallback is None:
                # Nobody may be sent what was under way, and what was there before it is not known.
                fallback = None
            ended = before.replaced(revision)
            self._adopt(before, ended)
            self._go(self._keep(ended))
        if plan is not None:
            self.rollout, self._fallback = evolve(plan, revision=revision), fallback
        self._hub.announce(announcement)
        if plan is not None:
            self._go(self._tick())

    def intended(self, node: Node) -> Announcement | None:
        """Tell what a data plane is to run by now."""
        rollout = self.rollout
        if rollout is not None and rollout.under_way and not rollout.reaches(node.name):
            return self._fallback
        return self._hub.current

    def told(self) -> int:
        """Count those of its members that have said what they do since the bake began."""
        members = frozenset() if self.rollout is None else self.rollout.members
        nodes = self._hub.fleet.nodes()
        return sum(node.name in members and node.told_at >= self.watch.began_at for node in nodes)

    async def pause(self, actor: str) -> None:
        """Take no further step for now.

        :param actor: who wants it.
        :raises NotPossible: when no rollout goes on.
        :raises HistoryUnusable: when that cannot be stored.
        :raises Busy: when too many orders are waiting already.
        """
        await self._change(lambda rollout: rollout.paused(), commanded=True)
        self.log.info("{actor} has paused the rollout", actor=actor)

    async def promote(self, actor: str, if_step: int | None = None) -> None:
        """Take the next step now, whatever the data planes of the last one say.

        :param actor: who wants it.
        :param if_step: the step that has to be the last one that was taken; None for any.
        :raises NotPossible: when no rollout goes on, nobody is there, or another step was taken by now.
        :raises HistoryUnusable: when that cannot be stored.
        :raises Busy: when too many orders are waiting already.
        """

        def promoted(rollout: Rollout) -> Rollout:
            if if_step not in (None, rollout.taken):
                raise NotPossible(f"step {rollout.taken} was taken by now, not {if_step}: look at it again")
            return rollout.promoted(self.attendance.connected())

        await self._change(promoted, commanded=True)
        self.log.info("{actor} has promoted the rollout", actor=actor)

    async def abort(self, actor: str, reason: str) -> None:
        """Give back the snapshot before.

        :param actor: who wants it.
        :param reason: why; may be empty.
        :raises NotPossible: when no rollout goes on.
        :raises HistoryUnusable: when that cannot be stored; it is tried again.
        :raises Busy: when too many orders are waiting already.
        """
        why = f"{actor}: {reason}" if reason else actor
        await self._change(lambda rollout: rollout.aborted(why), commanded=True)
        await self._take_back()

    def _choose(self, node: Node) -> Announcement | None:
        rollout = self.rollout
        if rollout is None or not rollout.under_way:
            return self._hub.current
        if self.attendance.is_fresh(node):
            return None
        if not rollout.reaches(node.name):
            return self._fallback
        return self._hub.current if rollout.phase in GOING_ON else None

    def _heard(self, node: Node, word: Word) -> None:
        rollout = self.rollout if self.under_way else None
        if not self.running:
            return
        if isinstance(word, Told):
            self.watch.note(node, word, rollout is not None and rollout.reaches(node.name))
            return
        if rollout is not None and self._hub.current is not None:
            change = meaning(rollout, self._hub.current.accepted.hash, node.name, word)
            if change is not None:
                self._happen(change)

    async def _tick(self) -> None:
        self._ticks += 1
        rollout = self.rollout
        if not self.running or self._lock.locked:
            return
        if rollout is None or not rollout.under_way:
            if self._ticks % AGE_TICKS == 0:
                self.watch.meter.age()
            return
        self._hub.deliver()
        if rollout.phase in GIVING_BACK:
            await self._take_back()
        else:
            breach = self.watch.breach(rollout)
            connected, away = self.attendance.connected(), self.attendance.away()
            elapsed_s = self._elapsed_s()
            await self._change(lambda each: each.ticked(elapsed_s, connected, breach, away))

    def _elapsed_s(self) -> float:
        """Count the time since the last tick or the beginning of the phase.

        A process that was stopped, or a clock that was set, does not make it longer.
        """
        now = self._clock.seconds()
        elapsed_s, self._counted_until = now - self._counted_until, now
        return max(0.0, min(elapsed_s, INTERVAL_S))

    def _happen(self, change: Change) -> None:
        """Let something happen by which nobody else gets the new snapshot: it counts at once."""
        before = self.rollout
        assert before is not None
        after = change(before)
        if after is before:
            return
        self._adopt(before, after)
        if after.phase is Phase.HALTING:
            self._go(self._halt(after))

    async def _halt(self, rollout: Rollout) -> None:
        await self._keep(rollout)
        await self._take_back()

    async def _change(self, change: Change, commanded: bool = False) -> None:
        """Let time or somebody change the rollout: one thing after the other.

        What lets more data planes have the new snapshot is stored before it counts, anything else after it.

        :param commanded: whether somebody wants to know that it is stored.
        :raises NotPossible: when it cannot happen.
        :raises HistoryUnusable: when somebody wants to know, and it is not.
        :raises Busy: when too many others want something.
        """
        async with turn(self._lock, MAX_WAITING, "orders"):
            before = self.rollout
            if before is None:
                raise NotPossible(NONE_UNDER_WAY)
            after = change(before)
            grows = after.taken > before.taken
            if not grows:
                self._adopt(before, after)
            stored = after == before or await self._keep(after)
            if not stored and commanded:
                fate = "the step is not taken" if grows else "it counts until the control plane ends"
                raise HistoryUnusable(f"{fate}: {self._unkept}")
            if grows and stored:
                self._adopt_step(before, after)
        if not self._lock.locked and grows:
            self._hub.deliver()
        if after.phase is Phase.HALTING is not before.phase:
            await self._take_back()

    def _adopt_step(self, before: Rollout, after: Rollout) -> None:
        """Let a step count that was stored; data planes have been heard meanwhile.

        :raises NotPossible: when nobody else is to get the new snapshot by now.
        """
        now = self.rollout
        assert now is not None
        if now.revision != before.revision or now.phase not in GOING_ON:
            raise NotPossible(f"the rollout of revision {before.revision} has ended meanwhile")
        self._adopt(now, evolve(after, acked=now.acked))

    async def _keep(self, rollout: Rollout) -> bool:
        try:
            await self._history.note_rollout(rollout.revision, rollout.document())
        except HistoryUnusable as error:
            if str(error) != self._unkept:
                self.log.error("how far the rollout has got cannot be noted: {error}", error=error)
            self._unkept = str(error)
            return False
        self._unkept = ""
        return True

    def _adopt(self, before: Rollout, after: Rollout) -> None:
        self.rollout = after
        if after.phase is not before.phase:
            self._counted_until = self._clock.seconds()
        self.watch.follow(before, after)
        if not after.under_way:
            self._fallback = None
        progress.tell(before, after)

    async def _take_back(self) -> None:
        """Have the snapshot before made active again; it is tried at each tick until it is."""
        rollout = self.rollout
        if self._gives_back or rollout is None or rollout.phase not in GIVING_BACK:
            return
        verb = "halted" if rollout.phase is Phase.HALTING else "aborted"
        reason = f"revision {rollout.revision} is {verb} at step {rollout.taken} of {len(rollout.steps)}"
        self._gives_back = True
        try:
            await self.give_back(rollout.revision, f"{reason}: {rollout.reason}")
            self._not_given_back = ""
        finally:
            self._gives_back = False

    def _go(self, job: Coroutine[Any, Any, object]) -> None:
        Deferred.fromCoroutine(job).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if failure.check(NotPossible) or not self.running:
            return
        if failure.check(HistoryUnusable):
            if failure.getErrorMessage() != self._not_given_back:
                self._not_given_back = failure.getErrorMessage()
                self.log.error(
                    "the snapshot before cannot be given back: {error}", error=self._not_given_back
                )
            return
        self.log.failure("driving the rollout failed", failure)
