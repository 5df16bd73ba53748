"""From a key in etcd to what is active, and from what operators do to the key.

Every control plane that watches the key decides by itself, and all come to the same: each looks at the same
versions in the same order, measures each against the one accepted before it, and takes the number that etcd
gave it. What an operator does at one of them is measured there and put with a note, which the others believe.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.core import Metric
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from cellrouter.config import Revision
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.etcd_standing import HOW_TO_RELEASE, KeyStanding, KeyState
from cellrouter.controlplane.etcd_versions import ETCD, KeyVersions, Version
from cellrouter.controlplane.proposals import Proposal, RevisionMoved
from cellrouter.controlplane.sources import ISource, Json
from cellrouter.daemon.children import ChildFailed, Stopping
from cellrouter.daemon.metrics import gauge, one_of
from cellrouter.snapshots.accepted import Accepted, Submission
from cellrouter.snapshots.etcd import EtcdDocument
from cellrouter.snapshots.etcd_codec import Compacted, EtcdUnusable, Note, Reading
from cellrouter.snapshots.etcd_watch import EtcdWatch
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.snapshots.poller import MAX_PAUSE_S

SETTLE_S = 0.05
"""How long after a change the key is read: of a burst the last one counts, and no flood keeps us busy."""

_NAMESPACE = uuid.UUID("6f0a4f4e-9d0c-5c52-8a0e-7f4f3e0a5b5d")


class Distrusted(EtcdUnusable):
    """etcd answers, but it is not the one, or not as it was."""


@implementer(ISource)
class EtcdIntake(Service):
    """Take each version of the document that may be taken, and number what operators do.

    :ivar standing: how the key stands to what is active.
    :ivar watch: tells of changes.

    :param document: the key.
    :param changes: takes changes.
    :param history: the local cache of what was accepted.
    :param clock: drives the looking, and tells the time of day.
    :param interval_s: seconds between two looks when the watch says nothing.
    """

    log = Logger()
    how_to_release: str = HOW_TO_RELEASE

    def __init__(
        self,
        document: EtcdDocument,
        changes: Changes,
        history: History,
        clock: IReactorTime,
        interval_s: float,
    ) -> None:
        self.standing = KeyStanding(f"etcd key {document.key}", lambda: changes.active)
        self.watch = EtcdWatch(document, clock, self._since, self._told)
        self._document = document
        self._versions = KeyVersions(document, changes, clock)
        self._changes = changes
        self._history = history
        self._clock = clock
        self._interval_s = interval_s
        self._dealt_with = self._in_hand = self._store_revision = 0
        self._tried = self._pause = self._pause_left = 0
        self._max_pause = max(1, int(MAX_PAUSE_S / interval_s))
        self._missing = False
        self._lock = DeferredLock()
        self._soon: IDelayedCall | None = None
        self._loop = LoopingCall(self._poll)
        self._loop.clock = clock
        changes.on_accepted = self._accepted
        changes.number = self.number
        changes.source_differs = lambda: self.standing.differs

    def reasons(self) -> list[str]:
        """Say why what the key holds is not active, or cannot be known to be; one line each."""
        return self.standing.reasons()

    def load_blocking(self) -> None:
        """Make the newest snapshot of the history active, if there is one: etcd is asked later.

        :raises HistoryUnusable: when the history cannot be read.
        """
        if self._changes.restore_blocking():
            self._dealt_with = self._active_revision

    def startService(self) -> None:
        """Look at the key now, at every interval and at each change."""
        Service.startService(self)
        self.watch.startService()
        self._loop.start(self._interval_s).addErrback(self._unexpected)

    async def _stopped(self) -> None:
        await self._lock.run(lambda: None)
        stopped = self.watch.stopService()
        if stopped is not None:
            await stopped

    def stopService(self) -> "Deferred[None]":
        """Look at the key no more.

        :returns: a Deferred that fires when a change that is being accepted has been.
        """
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()
        if self._soon is not None and self._soon.active():
            self._soon.cancel()
        self._document.close()
        return Deferred.fromCoroutine(self._stopped())

    async def number(self, submission: Submission) -> Revision:
        """Put a document, which gives it its number, if nobody else has put one since.

        :param submission: it.
        :raises RevisionMoved: when somebody has.
        :raises EtcdUnusable: when etcd cannot be used. It may have been put all the same: it is accepted then
            as soon as that is seen.
        """
        if self.standing.trouble or not self._store_revision:
            raise EtcdUnusable(
                f"nothing can be changed now: {self.standing.trouble or 'etcd was not asked yet'}"
            )
        known = self._known
        made_for = 0 if self._missing else max(known, self._in_hand)
        note = Note(
            actor=submission.actor,
            reason=submission.reason,
            accepted_at=submission.accepted_at,
            overridden=submission.overridden,
            restores=submission.restores,
        )
        put = await self._document.put(submission.text, note, made_for)
        self._trust(put.cluster_id, put.revision, known)
        if not put.done:
            self._told()
            raise RevisionMoved(
                f"{self.standing.name} has been changed by somebody else meanwhile; look at what is active"
                " now, and try again"
            )
        self._missing = False
        return put.revision

    def health(self) -> Json:
        """Say how the key stands to what is active."""
        source = {
            "kind": ETCD,
            "key": self._document.key,
            "endpoints": list(self._document.endpoints),
            "connected": self._connected,
            "watch": self.watch.state.value,
            "state": self.standing.state.value,
            "problems": self.reasons(),
        }
        return {"file": None, "file_differs": self.standing.differs, "source": source}

    def in_fleet(self) -> Json:
        """Say in short how the key stands to what is active."""
        return {
            "file_differs": self.standing.differs,
            "file_state": self.standing.state.value,
            "source": {"kind": ETCD, "connected": self._connected},
        }

    def metrics(self) -> Iterator[Metric]:
        """Say how the key stands, as numbers."""
        yield gauge("source_connected", "Whether etcd can be used.", self._connected)
        states = [each.value for each in KeyState]
        yield from one_of(
            "source_state", "How the watched key stands.", "state", states, self.standing.state.value
        )

    @property
    def _connected(self) -> bool:
        return not self.standing.trouble and self._store_revision > 0

    @property
    def _known(self) -> Revision:
        """The last revision of the key that was dealt with."""
        return Revision(max(self._dealt_with, self._active_revision))

    @property
    def _active_revision(self) -> int:
        return 0 if self._changes.active is None else self._changes.active.revision

    def _since(self) -> int:
        # From the revision that was looked at last on, or from now on when none was.
        return self._store_revision + 1 if self._store_revision else 0

    def _told(self) -> None:
        if self.running and self._soon is None:
            self._soon = self._clock.callLater(SETTLE_S, self._look_soon)

    def _look_soon(self) -> None:
        self._look(told=True).addErrback(self._unexpected)

    def _poll(self) -> "Deferred[None]":
        """Look, and keep on looking even after a failure that nobody foresaw."""
        return self._look(told=False).addErrback(self._unexpected)

    def _unexpected(self, failure: Failure) -> None:
        self.log.failure("looking at {name} failed; trying again", failure, name=self.standing.name)
        self._try_later()
        self.standing.note(KeyState.NOT_CHECKED, ["what the key holds cannot be checked: see the log"])

    def _look(self, told: bool) -> "Deferred[None]":
        return self._lock.run(self._begin, told)

    def _begin(self, told: bool) -> "Deferred[None]":
        if told:
            # What was told before this needs no look of its own: they would pile up while etcd is slow.
            self._soon = None
        return Deferred.fromCoroutine(self._look_now(told))

    async def _look_now(self, told: bool) -> None:
        if not self.running:
            return
        try:
            await self._take(told)
        except EtcdUnusable as error:
            if not self.running:
                return
            self.standing.lost(error)
            self.watch.renew()
        except (Compacted, RevisionMoved):
            # There is something newer.
            self._told()
        except Stopping:
            return
        except ChildFailed as error:
            self._try_later()
            self.standing.note(KeyState.NOT_CHECKED, [f"what the key holds cannot be checked: {error}"])
        except HistoryUnusable as error:
            self._try_later()
            self.standing.note(KeyState.NOT_STORED, [f"what the key holds cannot be stored: {error}"])

    async def _take(self, told: bool) -> None:
        """Read the key, and take what it holds."""
        known = self._known
        newest = await self._document.read(revisions_only=True)
        self._trust(newest.cluster_id, newest.revision, known)
        if newest.document is not None and newest.document.revision < known:
            raise Distrusted(
                f"{self._document.endpoint}: the key is at revision {newest.document.revision} and was at"
                f" {known}: it was restored from an old backup; put the config again, with etcdctl"
            )
        source_id = self._source_id(newest.cluster_id)
        if source_id != self._history.source_id:
            await self._history.adopt(source_id)
        seen, self._store_revision = self._store_revision, newest.revision
        self.standing.found(self._document.endpoint)
        self._missing = newest.document is None
        if newest.document is None:
            self._changes.forget_held()
            self.standing.note(KeyState.MISSING, ["there is no such key"])
        elif newest.document.revision > self._known:
            if not told and 0 < seen < newest.document.revision:
                # Else the watch would have said so.
                self.watch.renew()
            if self._is_to_wait(newest.document.revision):
                return
            await self._catch_up(newest, newest.document.revision)
        elif self.standing.state is KeyState.UNSEEN:
            self.standing.note(KeyState.ACTIVE, [])

    def _is_to_wait(self, key_revision: int) -> bool:
        """Tell whether a version that nothing could be done with is to be tried at a later look."""
        if key_revision != self._tried:
            self._tried, self._pause, self._pause_left = key_revision, 0, 0
        self._pause_left = max(0, self._pause_left - 1)
        return self._pause_left > 0

    def _try_later(self) -> None:
        """Try it again at the next look, and each further time after twice as many, up to a minute."""
        self._pause = self._pause_left = min(2 * self._pause or 1, self._max_pause)

    async def _catch_up(self, newest: Reading, key_revision: Revision) -> None:
        """Take the last good version of those that were not dealt with."""
        found = await self._versions.find(newest, key_revision, self._dealt_with)
        for version in (found.restoring, found.good):
            if version is not None:
                await self._take_version(version, key_revision)
        self._dealt_with = max(self._dealt_with, key_revision)
        if self._active_revision <= key_revision:
            self._changes.held = found.held
            self.standing.note(found.state, found.problems)

    async def _take_version(self, version: Version, key_revision: Revision) -> None:
        try:
            await self._changes.take_numbered(
                *(version.revision, version.judgement, _proposal(version), version.note.restores),
                self._having_in_hand(key_revision),
            )
        except HistoryUnusable:
            if self._active_revision > version.revision:
                # Nobody looks at it again, as what was given back before it has a later number.
                problem = (
                    f"revision {version.revision} gave way to what a rollout gives back, and could not be put"
                    " anew after that: put it again"
                )
                self.standing.note(KeyState.NOT_STORED, [problem])
            raise

    def _source_id(self, cluster_id: int) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{cluster_id}/{self._document.key}"))

    def _trust(self, cluster_id: int, store_revision: int, known: Revision) -> None:
        """Refuse an etcd that is not the one that everything came from so far.

        :param known: what was known of the key when etcd was asked; it may be more by now.
        :raises Distrusted: with what to do about it.
        """
        if self._changes.active is None:
            return
        where = self._document.endpoint
        if self._source_id(cluster_id) != self._history.source_id:
            raise Distrusted(
                f"{where}: this is another cluster than the one that revision {self._active_revision} came"
                " from; to move to it, start with another --state-dir"
            )
        if store_revision < known:
            raise Distrusted(
                f"{where}: it is at revision {store_revision} and was at {known}: its data were lost, or"
                " restored from an old backup; data planes take no lower revision of the same key, so put the"
                " config under another key"
            )

    @contextmanager
    def _having_in_hand(self, key_revision: Revision) -> Iterator[None]:
        """Let what is put meanwhile take the place of a version that was not dealt with."""
        self._in_hand = key_revision
        try:
            yield
        finally:
            self._in_hand = 0

    def _accepted(self, accepted: Accepted) -> None:
        """Somebody's change, or what the key holds, is active: the key says the same then."""
        self._missing = False
        if accepted.revision > max(self._dealt_with, self._in_hand):
            self._dealt_with = accepted.revision
            self._changes.forget_held()
            self.standing.note(KeyState.ACTIVE, [])


def _proposal(version: Version) -> Proposal:
    """Say who has put a version that may be taken."""
    note = version.note
    return Proposal(
        content=b"",
        actor=note.actor,
        reason=note.reason,
        override=note.overridden,
        accepted_at=note.accepted_at,
        overridden=note.overridden,
    )
