"""Every change of the active config goes through here, one at a time, wherever it comes from.

A proposed document is checked, measured against the active one, held when it goes beyond a guard, numbered
by the history, and handed on to be rolled out. Nothing is handed on that is not in the history, and nothing
is in the history that was not checked.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

from attrs import evolve
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from cellrouter.config import Revision
from cellrouter.controlplane.checking import Checked, Current, check
from cellrouter.controlplane.guards import Excess, Guards
from cellrouter.controlplane.hub import Announcement, Hub
from cellrouter.controlplane.proposals import (
    FILE,
    NOT_COMPARABLE,
    BeyondGuards,
    Held,
    Judgement,
    NoSuchRevision,
    NothingHeld,
    Outcome,
    Proposal,
    RevisionMoved,
)
from cellrouter.controlplane.rollout import Rollout
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.daemon.children import InChild, turn
from cellrouter.snapshots.accepted import Accepted, Submission
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.snapshots.poller import InThread

MAX_WAITING = 8

ROLLOUT = "rollout"
"""The actor of what is given back."""

Number = Callable[[Submission], Awaitable[Revision | None]]
"""Give a document its revision; None leaves that to the history."""


async def by_history(submission: Submission) -> None:
    """Let the history number a document."""


class Changes:
    """Accept documents, or say why not.

    :ivar held: what is held of the operator's file.
    :ivar file_hash: the hash of the document of the operator's file that was dealt with: it was accepted, or
        set aside when somebody chose another one. It is not taken again.
    :ivar on_accepted: called with each accepted snapshot, after it was announced.
    :ivar number: numbers what is to be accepted. It may raise :exc:`RevisionMoved` when somebody else was
        faster, or :exc:`HistoryUnusable`.
    :ivar source_differs: tells whether what is active is to be numbered again when somebody wants it to be
        active, because where the config comes from says something else.

    :param history: assigns revisions.
    :param hub: its current snapshot is the active one.
    :param rollouts: bring an accepted snapshot to the data planes.
    :param now: tells the time of day, which is what people are shown.
    :param in_thread: runs what takes moderately long.
    :param in_child: checks documents: a ``Worker`` or the like.
    :param guards: how much may change at once.
    :param limit_bytes: how large a document may be.
    """

    log = Logger()

    def __init__(
        self,
        history: History,
        hub: Hub,
        rollouts: Rollouts,
        now: Callable[[], float],
        in_thread: InThread,
        in_child: InChild,
        guards: Guards,
        limit_bytes: int,
    ) -> None:
        self.held: Held | None = None
        self.file_hash: str | None = None
        self.on_accepted: Callable[[Accepted], object] = lambda _: None
        self.number: Number = by_history
        self.source_differs: Callable[[], bool] = lambda: False
        self._history = history
        self._hub = hub
        self._rollouts = rollouts
        self._now = now
        self._in_thread = in_thread
        self._in_child = in_child
        self._guards = guards
        self._limit_bytes = limit_bytes
        self._lock = DeferredLock()
        self._not_stored: str | None = None
        rollouts.give_back = self.give_back

    @property
    def active(self) -> Accepted | None:
        """The snapshot that was accepted last: data planes run it, or will when its rollout is done."""
        return None if self._hub.current is None else self._hub.current.accepted

    @property
    def rollout_under_way(self) -> bool:
        """Whether data planes run different snapshots, or may."""
        return self._rollouts.under_way

    def load_blocking(self, first: Callable[[], bytes]) -> bool:
        """Make a snapshot active before the reactor runs: the newest of the history, else a first one.

        :param first: gives the content of the operator's file; called when the history is empty.
        :returns: whether it was called.
        :raises HistoryUnusable: when the history cannot be read or written.
        :raises ConfigRefused: when the first content is needed and not valid.
        """
        if self.restore_blocking():
            return False
        checked = check(first(), self._limit_bytes, None)
        submission = self._submission(checked, Proposal(content=b"", actor=FILE))
        accepted = self._history.accept_blocking(submission, checked.hash)
        self.file_hash = checked.hash
        self._hub.announce(Announcement.of(accepted, self._history.source_id))
        return True

    def restore_blocking(self) -> bool:
        """Make the newest snapshot of the history active before the reactor runs.

        :returns: whether there is one.
        :raises HistoryUnusable: when the history cannot be read.
        """
        accepted = self._history.newest_blocking()
        self.file_hash = self._history.file_hash_blocking()
        if accepted is not None:
            self._hub.announce(Announcement.of(accepted, self._history.source_id))
        return accepted is not None

    async def take_file(self, content: bytes) -> Outcome:
        """Take what the operator's file says, unless that was dealt with already.

        :param content: its content.
        :returns: what is active now.
        :raises ConfigRefused: when it is not valid.
        :raises BeyondGuards: when it is held: :attr:`held` says the rest.
        :raises HistoryUnusable: when it cannot be stored.
        :raises ChildFailed: when it cannot be checked.
        """
        async with self._lock:
            self._not_stored = None
            checked = await self._check(content)
            active = self.active
            if active is not None and checked.hash in (active.hash, self.file_hash):
                self.held = None
                if checked.hash != self.file_hash:
                    await self._note_file(checked.hash)
                return Outcome(active, changed=False)
            try:
                return await self._accept(checked, Proposal(content=content, actor=FILE), checked.hash)
            except BeyondGuards as beyond:
                if self.held is None or self.held.checked.hash != checked.hash:
                    self.held = Held(checked, beyond.exceeded, self._now())
                raise
            except HistoryUnusable:
                self._not_stored = checked.hash
                raise

    async def judge(self, content: bytes, base: Current | None, measured: bool) -> Judgement:
        """Check a document that has a number already, and measure what it changes.

        :param content: it, as JSON.
        :param base: what it is to be measured against; None for what is active.
        :param measured: whether somebody has measured it already.
        :raises ConfigRefused: when it is not valid.
        :raises ChildFailed: when it cannot be checked.
        """
        base = base or self._current()
        checked: Checked = await self._in_child(check, content, self._limit_bytes, base)
        against = None if base is None else base.hash
        if base is None or measured or checked.hash == base.hash:
            return Judgement(checked, against)
        return Judgement(checked, against, self._exceeded(checked))

    async def take_numbered(
        self,
        revision: Revision,
        judgement: Judgement,
        proposal: Proposal,
        restores: int | None,
        meanwhile: AbstractContextManager[None],
    ) -> None:
        """Make a document active that has a number already, whatever the guards say.

        The same content under a new number is announced, too: whoever numbers it does so for others as well,
        and data planes that come from there know that number. While a rollout is under way, what it brings
        back or begins anew needs numbers of its own.

        :param revision: its number; nothing is done when that is active, or a later one.
        :param judgement: what was found of it.
        :param proposal: who put it there.
        :param restores: the revision whose content it brings back, if it does.
        :param meanwhile: entered when no other change is under way, and left before one can be.
        :raises RevisionMoved: when it needs another number, and somebody else was faster.
        :raises HistoryUnusable: when it cannot be stored or numbered.
        :raises ChildFailed: when it cannot be checked.
        """
        async with self._lock:
            with meanwhile:
                await self._take_numbered(revision, judgement, proposal, restores)

    async def _take_numbered(
        self, revision: Revision, judgement: Judgement, proposal: Proposal, restores: int | None
    ) -> None:
        active, checked = self.active, judgement.checked
        if active is not None and revision <= active.revision:
            return
        if active is not None and checked.hash == active.hash and not self._rollouts.under_way:
            await self._confirm(checked, proposal, restores, revision)
            return
        if active is not None and judgement.against != active.hash:
            # It was measured against another one that nobody here has seen active.
            checked = await self._check(checked.text)
        await self._accept(checked, proposal, self.file_hash, restores, revision)

    async def propose(self, proposal: Proposal) -> Outcome:
        """Make a document active that somebody submits.

        :returns: what is active now; the same as before when the document is.
        :raises ConfigRefused: when it is not valid.
        :raises RevisionMoved: when another revision is active than it demands.
        :raises BeyondGuards: when it goes beyond a guard without an override.
        :raises HistoryUnusable: when it cannot be stored.
        :raises ChildFailed: when it cannot be checked.
        :raises Busy: when too many other changes are waiting.
        """
        async with self._turn():
            self._demand(proposal.if_revision)
            return await self._settle(await self._check(proposal.content), proposal)

    async def release(self, expected_hash: str | None, actor: str, reason: str) -> Outcome:
        """Make active what is held.

        :param expected_hash: the hash of what somebody has seen to be held; None for whatever it is.
        :param actor: who says so.
        :param reason: why it may go beyond the guards.
        :returns: what is active now.
        :raises NothingHeld: when nothing is, or something else.
        :raises HistoryUnusable: when it cannot be stored.
        :raises ChildFailed: when it cannot be checked.
        :raises Busy: when too many other changes are waiting.
        """
        async with self._turn():
            held = self.held
            if held is None:
                raise NothingHeld("no change is held")
            if expected_hash not in (None, held.checked.hash):
                raise NothingHeld(f"what is held by now is {held.checked.hash}: look at it again")
            proposal = Proposal(content=held.checked.text, actor=actor, reason=reason, override=reason)
            checked = await self._check(proposal.content)
            if self.held is not held:
                raise NothingHeld("what is held has changed meanwhile: look at it again")
            return await self._settle(checked, proposal)

    async def roll_back(
        self, revision: int, actor: str, reason: str, if_revision: int | None = None
    ) -> Outcome:
        """Make the content of an earlier revision active again, under a new revision.

        The guards have no say, and it goes to every data plane at once: it has been active before, and there
        may be no time to argue.

        :param revision: the earlier one.
        :param actor: who says so.
        :param reason: why.
        :param if_revision: the revision that has to be active for it to be done; None for any.
        :returns: what is active now; the same as before when its content is that already.
        :raises NoSuchRevision: when the history does not have it.
        :raises RevisionMoved: when another revision is active than is demanded.
        :raises ConfigRefused: when it is not valid by this release's rules.
        :raises HistoryUnusable: when it cannot be read or stored.
        :raises ChildFailed: when it cannot be checked.
        :raises Busy: when too many other changes are waiting.
        """
        async with self._turn():
            self._demand(if_revision)
            earlier = await self._history.find(revision)
            if earlier is None:
                raise NoSuchRevision(f"revision {revision} is not in the history; see cellrouter history")
            checked = await self._check(earlier.text)
            proposal = Proposal(content=earlier.text, actor=actor, reason=reason, override=reason)
            return await self._settle(checked, proposal, restores=revision)

    async def give_back(self, revision: int, reason: str) -> None:
        """Make the content active again that was so before a revision, when its rollout has failed.

        :param revision: the one that is rolled out; nothing happens when another one is active by now.
        :param reason: what has happened.
        :raises HistoryUnusable: when it cannot be stored.
        """
        async with self._lock:
            active, fallback = self.active, self._rollouts.fallback
            if active is None or active.revision != revision or fallback is None:
                return
            try:
                self.on_accepted(await self._restore(fallback, reason))
            except RevisionMoved:
                # Whatever has taken its place is about to be heard of.
                return

    def forget_held(self) -> None:
        """Hold nothing: the operator's file does not say it any more."""
        self.held = self._not_stored = None

    def _turn(self) -> DeferredLock:
        """Get in line for a change; each waits with its document in memory.

        :raises Busy: when the line is too long.
        """
        return turn(self._lock, MAX_WAITING, "changes")

    async def _note_file(self, file_hash: str) -> None:
        self.file_hash = file_hash
        try:
            await self._history.note_file(file_hash)
        except HistoryUnusable as error:
            # It makes a difference only when somebody sets the file aside and we are restarted before that.
            self.log.error("that the file is in order cannot be noted: {error}", error=error)

    def _demand(self, if_revision: int | None) -> None:
        active = self.active
        if if_revision is not None and active is not None and active.revision != if_revision:
            raise RevisionMoved(
                f"revision {active.revision} is active, not {if_revision}: the change was made for another"
                f" config; compare with cellrouter diff {if_revision} {active.revision}"
            )

    def _check(self, content: bytes) -> "Deferred[Checked]":
        return self._in_child(check, content, self._limit_bytes, self._current())

    def _current(self) -> Current | None:
        return None if self.active is None else Current(self.active.hash, self.active.text)

    def _exceeded(self, checked: Checked) -> tuple[Excess, ...]:
        return self._guards.exceeded(checked.counts) if checked.counts else (NOT_COMPARABLE,)

    async def _settle(self, checked: Checked, proposal: Proposal, restores: int | None = None) -> Outcome:
        """Accept somebody's change; the file's content, whatever it is, has been dealt with then."""
        active = self.active
        if active is not None and checked.hash == active.hash:
            if self._rollouts.under_way or not self.source_differs():
                return Outcome(active, changed=False)
            return Outcome(await self._confirm(checked, proposal, restores), changed=True)
        waiting = self._not_stored if self.held is None else self.held.checked.hash
        file_hash = waiting or self.file_hash
        return await self._accept(checked, proposal, file_hash, restores)

    async def _confirm(
        self,
        checked: Checked,
        proposal: Proposal,
        restores: int | None = None,
        revision: Revision | None = None,
    ) -> Accepted:
        """Make what is active so under another number."""
        submission = evolve(self._submission(checked, proposal, restores=restores), changes="")
        accepted = await self._activate(submission, self.file_hash, revision=revision)
        self.on_accepted(accepted)
        return accepted

    async def _accept(
        self,
        checked: Checked,
        proposal: Proposal,
        file_hash: str | None,
        restores: int | None = None,
        revision: Revision | None = None,
    ) -> Outcome:
        before, fallback = self.active, self._rollouts.fallback
        if fallback is not None and checked.hash == fallback.hash:
            # What most data planes run is no risk to them, whoever wants it back.
            restores = fallback.revision
        exceeded = () if before is None else self._exceeded(checked)
        if exceeded and proposal.override is None and restores is None:
            raise BeyondGuards(exceeded)
        staged = bool(self._rollouts.steps) and restores is None
        if staged and before is not None and fallback is not None:
            # Each rollout begins with a fleet that runs one config.
            reason = f"revision {before.revision} is superseded before it is everywhere"
            await self._restore(fallback, reason)
            # That has taken a later one.
            revision = None
        plan = self._rollouts.plan(self.active) if staged else None
        submission = self._submission(checked, proposal, exceeded, restores)
        accepted = await self._activate(submission, file_hash, plan, revision)
        self.held = None
        self.on_accepted(accepted)
        if before is not None and accepted.version == before.version:
            self.log.warn(
                'version "{version}" was changed but kept its label: revision {new} differs from {old}',
                version=accepted.version,
                new=accepted.revision,
                old=before.revision,
            )
        return Outcome(accepted, changed=True, counts=checked.counts, staged=plan is not None)

    async def _restore(self, fallback: Accepted, reason: str) -> Accepted:
        """Make what is known to be good active again; what is held of the operator's file stays so."""
        submission = Submission(
            version=fallback.version,
            hash=fallback.hash,
            accepted_at=self._now(),
            actor=ROLLOUT,
            reason=reason,
            restores=fallback.revision,
            text=fallback.text,
        )
        return await self._activate(submission, self.file_hash)

    async def _activate(
        self,
        submission: Submission,
        file_hash: str | None,
        plan: Rollout | None = None,
        revision: Revision | None = None,
    ) -> Accepted:
        document = None if plan is None else plan.document()
        unchanged = "as in an earlier one" if self.active is not None else "the first one"
        if revision is None:
            revision = await self.number(submission)
        accepted = await self._history.accept(submission, file_hash, document, revision)
        self.file_hash = file_hash
        self.log.info(
            "revision {revision} is accepted from {actor}: {changes}{reason}",
            revision=accepted.revision,
            actor=accepted.actor,
            changes=accepted.changes or unchanged,
            reason=f"; {accepted.reason}" if accepted.reason else "",
        )
        announcement = await self._in_thread(Announcement.of, accepted, self._history.source_id)
        self._rollouts.take(announcement, plan)
        return accepted

    def _submission(
        self,
        checked: Checked,
        proposal: Proposal,
        exceeded: tuple[Excess, ...] = (),
        restores: int | None = None,
    ) -> Submission:
        return Submission(
            version=checked.version,
            hash=checked.hash,
            accepted_at=self._now() if proposal.accepted_at is None else proposal.accepted_at,
            actor=proposal.actor,
            reason=proposal.reason,
            changes="" if checked.counts is None else str(checked.counts),
            overridden="; ".join(map(str, exceeded)) if proposal.overridden is None else proposal.overridden,
            restores=restores,
            text=checked.text,
        )
