"""Drives rollouts: keeps on disk how far one has got, and lets each data plane have what that says.

What happens changes the :class:`~cellrouter.controlplane.rollout.Rollout` one after the other. A change that
lets more data planes have the new snapshot is on disk before any of them is sent it, so a control plane that
is killed at any point goes on with what it had decided, and with no more.
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
from cellrouter.controlplane.fleet import Node, Presence, Told, Word
from cellrouter.controlplane.gates import Gates, Meter
from cellrouter.controlplane.hub import Announcement, Hub
from cellrouter.controlplane.rollout import GIVING_BACK, GOING_ON, WATCHING, NotPossible, Phase, Rollout
from cellrouter.controlplane.steps import Steps
from cellrouter.daemon.text import escaped
from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.wire import Ack, Nack

INTERVAL_S = 1.0
HELLO_GRACE_S = 2.0
"""How long a data plane has to say who it is, while that makes a difference to what it is sent."""

AGE_TICKS = 600
"""How often what is known of the traffic before a rollout ages; it is as old as twice that at most."""

Change = Callable[[Rollout], Rollout]

MAX_REASON_CHARS = 300
NONE_UNDER_WAY = "no rollout is under way"


class Rollouts(Service):
    """Bring accepted snapshots to the data planes, all at once or step by step.

    :ivar rollout: the last one; None when there has been none.
    :ivar meter: what data planes do, with the new snapshot and without.
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
        self.gates = gates
        self.meter = Meter()
        self.give_back: Callable[[int, str], Awaitable[None]]
        self._hub = hub
        self._history = history
        self._clock = clock
        self._fallback: Announcement | None = None
        self._lock = DeferredLock()
        self._gives_back = False
        self._unkept = self._not_given_back = ""
        self._ticks = 0
        self._loop = LoopingCall(self._tick)
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
        return Rollout(0, lost.fallback if lost else active.revision, self.steps, self.bake_s)

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
            self._tick()

    def intended(self, node: Node) -> Announcement | None:
        """Tell what a data plane is to run by now."""
        rollout = self.rollout
        if rollout is not None and rollout.under_way and not rollout.reaches(node.name):
            return self._fallback
        return self._hub.current

    async def pause(self, actor: str) -> None:
        """Take no further step for now.

        :param actor: who wants it.
        :raises NotPossible: when no rollout goes on.
        :raises HistoryUnusable: when that cannot be stored.
        """
        await self._change(lambda rollout: rollout.paused(), commanded=True)
        self.log.info("{actor} has paused the rollout", actor=actor)

    async def promote(self, actor: str) -> None:
        """Take the next step now, whatever the data planes of the last one say.

        :param actor: who wants it.
        :raises NotPossible: when no rollout goes on, or nobody is there.
        :raises HistoryUnusable: when that cannot be stored.
        """
        await self._change(lambda rollout: rollout.promoted(self._connected()), commanded=True)
        self.log.info("{actor} has promoted the rollout", actor=actor)

    async def abort(self, actor: str, reason: str) -> None:
        """Give back the snapshot before.

        :param actor: who wants it.
        :param reason: why; may be empty.
        :raises NotPossible: when no rollout goes on.
        :raises HistoryUnusable: when that cannot be stored; it is tried again.
        """
        why = f"{actor}: {reason}" if reason else actor
        await self._change(lambda rollout: rollout.aborted(why), commanded=True)
        await self._take_back()

    def _choose(self, node: Node) -> Announcement | None:
        rollout = self.rollout
        if rollout is None or not rollout.under_way:
            return self._hub.current
        if self._is_fresh(node):
            return None
        if not rollout.reaches(node.name):
            return self._fallback
        return self._hub.current if rollout.phase in GOING_ON else None

    def _is_fresh(self, node: Node) -> bool:
        """Tell whether a data plane may be about to say who it is."""
        return node.node_id is None and 0 <= self._clock.seconds() - node.since < HELLO_GRACE_S

    def _connected(self) -> list[str]:
        nodes = self._hub.fleet.nodes()
        return [
            node.name for node in nodes if node.presence is Presence.CONNECTED and not self._is_fresh(node)
        ]

    def _heard(self, node: Node, word: Word) -> None:
        rollout = self.rollout if self.under_way else None
        if not self.running:
            return
        if isinstance(word, Told):
            if word.done is not None:
                self.meter.note(word.done, rollout is not None and rollout.reaches(node.name))
            return
        change = None if rollout is None else self._meaning(rollout, node.name, word)
        if change is not None:
            self._go(self._change(change))

    def _meaning(self, rollout: Rollout, name: str, word: Ack | Nack | None) -> Change | None:
        """Tell what comes of a data plane's word."""
        current = self._hub.current
        assert current is not None
        match word:
            case None:
                return lambda each: each.left(name)
            case Ack() if (word.revision, word.hash) == (rollout.revision, current.accepted.hash):
                return lambda each: each.took(name)
            case Nack() if word.revision == rollout.revision or (
                # It could not even be read; what was sent last is meant.
                word.revision is None and name not in rollout.acked
            ):
                why = escaped("; ".join(map(str, word.errors[:3]))[:MAX_REASON_CHARS])
                return lambda each: each.refused(name, why)
        return None

    def _tick(self) -> None:
        self._ticks += 1
        rollout = self.rollout
        if not self.running or self._lock.locked:
            return
        if rollout is None or not rollout.under_way:
            if self._ticks % AGE_TICKS == 0:
                self.meter.age()
        elif rollout.phase in GIVING_BACK:
            self._go(self._take_back())
        else:
            watched = rollout.phase in WATCHING
            breach = self.gates.breach(self.meter.new, self.meter.old) if watched else None
            connected = self._connected()
            self._go(self._change(lambda each: each.ticked(INTERVAL_S, connected, breach)))
            self._hub.deliver()

    async def _change(self, change: Change, commanded: bool = False) -> None:
        """Let something happen to the rollout: one thing after the other.

        What lets more data planes have the new snapshot is stored before it counts, anything else after it.

        :param commanded: whether somebody wants to know that it is stored.
        :raises NotPossible: when it cannot happen.
        :raises HistoryUnusable: when somebody wants to know, and it is not.
        """
        async with self._lock:
            before = self.rollout
            if before is None:
                raise NotPossible(NONE_UNDER_WAY)
            after = change(before)
            grows = after.taken > before.taken
            if not grows:
                self._adopt(before, after)
            stored = after == before or await self._keep(after)
            if not stored and commanded:
                raise HistoryUnusable(self._unkept)
            if grows and stored:
                if self.rollout is not before:
                    raise NotPossible(f"the rollout of revision {before.revision} has been superseded")
                self._adopt(before, after)
        if not self._lock.locked and grows:
            self._hub.deliver()
        if after.phase is Phase.HALTING is not before.phase:
            self._go(self._take_back())

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
        if after.phase is Phase.BAKING is not before.phase:
            self.meter.begin_bake()
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
