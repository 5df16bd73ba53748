"""Finds out, of the versions of a document in etcd, which is to be active.

The same versions give the same answer everywhere: each is measured against the last good one before it, and
what a control plane has put is good when it is valid, since that one has measured it.
"""

from attrs import field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.config import ConfigRefused, Revision, Violation
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.checking import Current
from cellrouter.controlplane.etcd_standing import KeyState
from cellrouter.controlplane.proposals import Held, Judgement
from cellrouter.snapshots.etcd import EtcdDocument
from cellrouter.snapshots.etcd_codec import Compacted, EtcdUnusable, Note, Reading, TooLarge

ETCD = "etcd"
"""The actor of what somebody has put by other means than ours."""

MAX_BACK = 100
"""How many versions are looked back through."""


@frozen
class Version:
    """A version of the document that is valid.

    :ivar revision: its number.
    :ivar judgement: what is thought of it.
    :ivar note: who put it.
    """

    revision: Revision
    judgement: Judgement
    note: Note


@frozen
class Found:
    """What came of the versions that were not dealt with.

    :ivar state: what is to become of the newest.
    :ivar problems: why it is not to be active, one line each.
    :ivar held: it, when it goes beyond a guard.
    :ivar good: the newest that is to be active, if there is any.
    :ivar restoring: one before it by which a rollout that is under way ends, if there is any.
    """

    state: KeyState
    problems: list[str] = field(factory=list)
    held: Held | None = None
    good: Version | None = None
    restoring: Version | None = None


class KeyVersions:
    """Reads and judges the versions of a document.

    :param document: it.
    :param changes: judges.
    :param clock: tells the time of day.
    """

    log = Logger()

    def __init__(self, document: EtcdDocument, changes: Changes, clock: IReactorTime) -> None:
        self._document = document
        self._changes = changes
        self._clock = clock

    async def find(self, newest: Reading, key_revision: Revision, dealt_with: int) -> Found:
        """Judge every version that was not dealt with, each against the last good one.

        When nothing is active and none of them is good, an earlier one that is valid is better than none.

        :param newest: what the key is known to hold.
        :param key_revision: the number of that version.
        :param dealt_with: the number of the last version that was dealt with.
        :raises Compacted: when etcd forgets what it holds meanwhile: there is something newer.
        :raises EtcdUnusable: when etcd cannot be used.
        :raises ChildFailed: when something cannot be checked.
        """
        found = Found(KeyState.UNSEEN)
        good: Version | None = None
        restoring: Version | None = None
        revisions = await self._not_dealt_with(newest, key_revision, dealt_with)
        for revision in revisions:
            newest_of_all = revision == key_revision
            verdict = await self._verdict(revision, newest.revision if newest_of_all else revision, good)
            if verdict is None and newest_of_all:
                raise Compacted
            found = verdict or found
            if verdict is not None and verdict.good is not None:
                restoring = good if good is not None and good.note.restores is not None else restoring
                good = verdict.good
        if good is None and self._changes.active is None:
            good = await self._earlier(revisions[0])
        if not self._changes.rollout_under_way:
            restoring = None
        return Found(found.state, found.problems, found.held, good, restoring)

    async def _verdict(self, revision: Revision, at: int, base: Version | None) -> Found | None:
        """Say what is to become of a version, if it is still there; the parameters are those of _judge."""
        try:
            version = await self._judge(revision, at, base)
        except ConfigRefused as refused:
            return Found(KeyState.REFUSED, [*map(str, refused.violations)])
        except Compacted:
            return None
        judgement = version.judgement
        if not judgement.exceeded:
            return Found(KeyState.ACTIVE, good=version)
        held = Held(judgement.checked, judgement.exceeded, self._clock.seconds())
        return Found(KeyState.HELD, [*map(str, judgement.exceeded)], held)

    async def _not_dealt_with(
        self, newest: Reading, key_revision: Revision, dealt_with: int
    ) -> list[Revision]:
        """List the versions that nothing is known of here, the oldest first.

        The first is one that a control plane has put, if there is any: what was before it does not matter,
        unless a rollout may have ended by it.
        """
        found, reading = [key_revision], newest
        to_the_end = self._changes.rollout_under_way
        while (to_the_end or not reading.noted) and len(found) < MAX_BACK:
            earlier = await self._before(found[-1])
            if earlier is None or earlier.document is None or earlier.document.revision <= dealt_with:
                break
            reading = earlier
            found.append(earlier.document.revision)
        return found[::-1]

    async def _earlier(self, revision: Revision) -> Version | None:
        """Find the last valid version before one."""
        for _ in range(MAX_BACK):
            reading = await self._before(revision)
            if reading is None or reading.document is None:
                return None
            revision = reading.document.revision
            try:
                return await self._judge(revision, revision, None)
            except ConfigRefused:
                continue
            except Compacted:
                return None
        return None

    async def _before(self, revision: Revision) -> Reading | None:
        """Read the number of the version before one; None when etcd has forgotten it."""
        if revision <= 1:
            return None
        try:
            return await self._document.read(revision - 1, revisions_only=True)
        except Compacted:
            return None

    async def _judge(self, revision: Revision, at: int, base: Version | None) -> Version:
        """Judge a version.

        :param revision: its number.
        :param at: a revision of the store at which it was the newest.
        :param base: what it is measured against; None for what is active.
        :raises ConfigRefused: when it is not valid.
        :raises Compacted: when it is not there any more.
        """
        try:
            reading = await self._document.read(at)
        except TooLarge as error:
            raise ConfigRefused([Violation("", "too_large", str(error))]) from None
        if reading.document is None or reading.document.revision != revision:
            raise EtcdUnusable(f"{self._document.endpoint}: it gives another version than it was asked for")
        note = None
        if reading.noted and reading.note is not None:
            note = Note.decoded(reading.note.value)
        against = None
        if base is not None:
            against = Current(base.judgement.checked.hash, base.judgement.checked.text)
        judgement = await self._changes.judge(reading.document.value, against, measured=note is not None)
        return Version(revision, judgement, note or Note(actor=ETCD, accepted_at=self._clock.seconds()))
