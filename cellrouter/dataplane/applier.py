"""From a snapshot that a control plane sent to the snapshot that is served, and to the answer.

One at a time, and latest wins: while one is being built only the newest other one waits, and those it
displaced get no answer. The steps of one: refuse a stale revision; check it where that holds up nobody; make
the table of it in a thread; serve it by one assignment; save it as last-known-good in a thread; answer. An
ack therefore says that the snapshot is served and that a restart will serve it again, unless saving failed,
which is an error in the log and no reason to refuse it.
"""

from collections.abc import Callable
from typing import cast

from attrs import frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.config import CompiledConfig, ConfigRefused, Violation, compile_config
from cellrouter.daemon.children import ChildFailed, Stopping
from cellrouter.daemon.text import quoted
from cellrouter.daemon.work import Worker
from cellrouter.dataplane.complaints import Complaint, Complaints
from cellrouter.dataplane.delivery import Delivery
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from cellrouter.snapshots.lkg import LastKnownGoodStore
from cellrouter.snapshots.poller import InThread
from cellrouter.wire import Ack, Nack

MAX_LABEL_CHARS = 256

Answer = Callable[[Ack | Nack], object]
"""Sends an answer to where the snapshot came from, if that is still there."""

Identity = tuple[str, int | None, str | None]
"""Hash, revision and source of a snapshot: what a saved one is known by."""


@frozen
class _Job:
    """A snapshot to apply."""

    message: Delivery
    answer: Answer
    received_at: float


class Applier:
    """Apply snapshots from a control plane.

    :param active: the snapshot being served.
    :param store: keeps it for the next start.
    :param work: checks configs.
    :param in_thread: runs what takes long.
    :param clock: measures.
    :param complaints: log refusals.
    """

    log = Logger()

    def __init__(
        self,
        active: ActiveSnapshot,
        store: LastKnownGoodStore,
        work: Worker,
        in_thread: InThread,
        clock: IReactorTime,
        complaints: Complaints,
    ) -> None:
        self._active = active
        self._store = store
        self._work = work
        self._in_thread = in_thread
        self._clock = clock
        self._complaints = complaints
        self._waiting: _Job | None = None
        self._ended = False
        self._finished: Deferred[None] | None = None
        booted = active.current
        self._saved = _identity(booted) if booted and booted.source is Source.LAST_KNOWN_GOOD else None

    @property
    def saved(self) -> bool:
        """Whether a restart serves the snapshot that is served."""
        current = self._active.current
        return current is not None and _identity(current) == self._saved

    def submit(self, message: Delivery, answer: Answer) -> None:
        """Apply a snapshot now or after the one under way, unless a newer one comes first.

        :param message: as received.
        :param answer: gets the ack or nack.
        """
        if self._ended:
            return
        self._waiting = _Job(message, answer, self._clock.seconds())
        if self._finished is None:
            self._finished = Deferred()
            Deferred.fromCoroutine(self._apply_all()).addBoth(self._rest)

    def finish(self) -> "Deferred[None]":
        """Forget the snapshot that waits, and take no other.

        :returns: a Deferred that fires when the one under way is done.
        """
        self._ended = True
        self._waiting = None
        if self._finished is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._finished.addCallback(done.callback)
        return done

    def _rest(self, result: object) -> None:
        finished, self._finished = self._finished, None
        assert finished is not None
        finished.callback(None)

    async def _apply_all(self) -> None:
        while self._waiting is not None:
            job, self._waiting = self._waiting, None
            try:
                await self._settle(job)
            except Exception:
                # A defect that one snapshot shows must not keep a newer one waiting. The end of the coroutine
                # itself (GeneratorExit) is none, which is why Logger.failuresHandled would be wrong here.
                self.log.failure("applying a snapshot failed")

    async def _settle(self, job: _Job) -> None:
        """Apply one snapshot or refuse it, and answer."""
        try:
            answer: Ack | Nack = await self._apply(job)
        except ConfigRefused as refused:
            answer = self._refuse(job.message, refused.violations)
        except Stopping:
            return
        except ChildFailed as error:
            answer = self._refuse(job.message, (not_checked(error),))
        job.answer(answer)

    async def _apply(self, job: _Job) -> Ack:
        """Apply one snapshot.

        :raises ConfigRefused: when it is refused, before anything has changed.
        """
        message, running = job.message, self._active.current
        _refuse_impossible(message, running)
        snapshot = await self._prepare(message, running)
        if running is not None and running.source_id not in (None, snapshot.source_id):
            self._complaints.say(
                Complaint.AUTHORITY,
                f"a new authority: the config now comes from source {_name(snapshot.source_id)},"
                f" until now from {_name(running.source_id)}",
            )
        self._active.apply(snapshot)
        apply_ms = max(0.0, self._clock.seconds() - job.received_at) * 1000
        await self._save(snapshot)
        return Ack(snapshot.version, snapshot.revision, snapshot.hash, round(apply_ms, 3))

    async def _prepare(self, message: Delivery, running: Snapshot | None) -> Snapshot:
        """Check and compile a snapshot; one with the document that is served already keeps its table.

        :raises ConfigRefused: when it is not valid or not what its sender says it is.
        """
        compiled = cast(CompiledConfig, await self._work(compile_config, message.text, len(message.text)))
        if message.hash not in (None, compiled.hash):
            text = f"the config that came with it has hash {compiled.hash}"
            raise ConfigRefused([Violation("/hash", "hash_mismatch", text)])
        origin = Source.CONTROL_PLANE, message.revision, message.source_id
        if running is not None and running.hash == compiled.hash:
            return running.confirmed(*origin)
        return cast(Snapshot, await self._in_thread(Snapshot.build, compiled, *origin))

    async def _save(self, snapshot: Snapshot) -> None:
        if _identity(snapshot) == self._saved:
            return
        try:
            await self._in_thread(self._store.save, snapshot)
        except OSError as error:
            self.log.error(
                "{path}: the last-known-good config cannot be saved; a restart serves an older one: {error}",
                path=self._store.path,
                error=error.strerror or error,
            )
            return
        self._saved = _identity(snapshot)

    def _refuse(self, message: Delivery, violations: tuple[Violation, ...]) -> Nack:
        self._complaints.say(
            Complaint.REFUSED_SNAPSHOT,
            f"refused revision {message.revision} of the config; the one before it stays active",
            *(f"revision {message.revision}: {violation}" for violation in violations),
        )
        return Nack(
            message.version and message.version[:MAX_LABEL_CHARS],
            message.revision,
            message.hash and message.hash[:MAX_LABEL_CHARS],
            violations,
        )


def not_checked(error: ChildFailed) -> Violation:
    """Say that what was sent could not even be checked."""
    return Violation("", "not_checked", f"it could not be checked, which may go better another time: {error}")


def _refuse_impossible(message: Delivery, running: Snapshot | None) -> None:
    """Refuse what needs no look at the config.

    :raises ConfigRefused: when it is refused.
    """
    if message.source_id is not None and len(message.source_id) > MAX_LABEL_CHARS:
        text = f"it is longer than {MAX_LABEL_CHARS} characters"
        raise ConfigRefused([Violation("/source_id", "out_of_range", text)])
    if running is None or message.source_id is None or message.source_id != running.source_id:
        return
    if message.revision is not None and running.revision is not None and message.revision < running.revision:
        text = (
            f"revision {running.revision} of the same source is served, which is newer;"
            " was an old history put in its place?"
        )
        raise ConfigRefused([Violation("/revision", "stale_revision", text)])


def _name(source_id: str | None) -> str:
    return "(unnamed)" if source_id is None else quoted(source_id)


def _identity(snapshot: Snapshot) -> Identity:
    return snapshot.hash, snapshot.revision, snapshot.source_id
