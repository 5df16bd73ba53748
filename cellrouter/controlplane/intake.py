"""From the operator's file to an accepted revision: poll, validate, number, announce."""

from enum import Enum
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.config import ConfigRefused, LoadedConfig, load_config
from cellrouter.controlplane.hub import Announcement, Hub
from cellrouter.snapshots.history import History, HistoryUnusable, Submission
from cellrouter.snapshots.poller import FilePoller, InThread


class FileState(Enum):
    """How the operator's file stands to the active snapshot."""

    UNSEEN = "unseen"
    ACTIVE = "active"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    NOT_STORED = "not_stored"


class Intake(Service):
    """Turn each settled change of the file into the next revision, or say why not.

    :ivar file_state: what became of the file's content.
    :ivar problems: why, one line each; empty when the file's content is active.

    :param path: the operator's config file.
    :param history: assigns revisions.
    :param hub: announces what was accepted; its current snapshot is the active one.
    :param clock: drives the polling.
    :param in_thread: runs reading, validation and encoding.
    :param interval_s: seconds between two polls.
    :param limit_bytes: the largest config that is read.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        history: History,
        hub: Hub,
        clock: IReactorTime,
        in_thread: InThread,
        interval_s: float,
        limit_bytes: int,
    ) -> None:
        self.path = path
        self.file_state = FileState.UNSEEN
        self.problems: tuple[str, ...] = ()
        self._history = history
        self._hub = hub
        self._clock = clock
        self._in_thread = in_thread
        self._limit_bytes = limit_bytes
        self._poller = FilePoller(
            path, clock, in_thread, interval_s, limit_bytes, self._content_settled, self._file_unreadable
        )

    def startService(self) -> None:
        """Start polling."""
        Service.startService(self)
        self._poller.startService()

    def stopService(self) -> "Deferred[None] | None":
        """Stop polling.

        :returns: a Deferred that fires when a change that is being accepted has been.
        """
        Service.stopService(self)
        return self._poller.stopService()

    def load_blocking(self) -> None:
        """Make a snapshot active before the reactor runs: the newest of the history, else the file's.

        :raises HistoryUnusable: when the history cannot be read or written.
        :raises Unreadable: when the history has no snapshot and the file cannot be read.
        :raises ConfigRefused: when the history has no snapshot and the file's content is refused.
        """
        accepted = self._history.newest_blocking()
        if accepted is None:
            loaded = load_config(self._poller.read_once(), limit_bytes=self._limit_bytes)
            accepted = self._history.accept_blocking(self._submission(loaded))
            self.file_state = FileState.ACTIVE
        self._hub.announce(Announcement.of(accepted, self._history.source_id))

    def _content_settled(self, content: bytes) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._consider(content))

    async def _consider(self, content: bytes) -> None:
        try:
            loaded: LoadedConfig = await self._in_thread(load_config, content, limit_bytes=self._limit_bytes)
        except ConfigRefused as refused:
            self._note(FileState.REFUSED, [f"{self.path}: {violation}" for violation in refused.violations])
            return
        active = self._hub.current.accepted if self._hub.current is not None else None
        if active is not None and loaded.hash == active.hash:
            self._note(FileState.ACTIVE, [])
            return
        try:
            accepted = await self._history.accept(self._submission(loaded))
        except HistoryUnusable as error:
            self._note(FileState.NOT_STORED, [f"the changed config cannot be stored: {error}"])
            self._poller.hand_on_again()
            return
        if active is not None and accepted.version == active.version:
            self.log.warn(
                'version "{version}" was changed but kept its label: revision {new} differs from {old}',
                version=accepted.version,
                new=accepted.revision,
                old=active.revision,
            )
        self._hub.announce(await self._in_thread(Announcement.of, accepted, self._history.source_id))
        self._note(FileState.ACTIVE, [])

    def _submission(self, loaded: LoadedConfig) -> Submission:
        return Submission(
            version=loaded.config.version,
            hash=loaded.hash,
            accepted_at=self._clock.seconds(),
            actor="file",
            reason="",
            document=loaded.document,
        )

    def _file_unreadable(self, problem: str) -> None:
        self._note(FileState.UNREADABLE, [problem])

    def _note(self, state: FileState, problems: list[str]) -> None:
        """Log what became of the file: each problem as a line of its own, or that they are over."""
        before, self.problems = self.problems, tuple(problems)
        self.file_state = state
        # A refused file comes here once per change, and each change is worth its lines; a full disk comes
        # here at every poll.
        if self.problems == before and state is not FileState.REFUSED:
            return
        for problem in problems:
            self.log.error("{problem}", problem=problem)
        current = self._hub.current
        held = f"revision {current.accepted.revision}" if current is not None else "no config"
        if problems:
            self.log.error("{path} is not taken; {held} stays active", path=self.path, held=held)
        else:
            self.log.info("{path} is in order again; {held} is active", path=self.path, held=held)
