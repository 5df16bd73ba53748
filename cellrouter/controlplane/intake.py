"""From the operator's file to a proposed change: poll, propose, say what became of it."""

from enum import Enum
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from cellrouter.config import ConfigRefused
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.proposals import BeyondGuards
from cellrouter.daemon.children import ChildFailed, Stopping
from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.snapshots.poller import FilePoller, InThread

HOW_TO_RELEASE = "release it with cellrouter apply --override REASON, or edit the file back"


class FileState(Enum):
    """How the operator's file stands to the active snapshot."""

    UNSEEN = "unseen"
    ACTIVE = "active"
    DIFFERS = "differs"
    HELD = "held"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    NOT_CHECKED = "not_checked"
    NOT_STORED = "not_stored"


VALID = (FileState.ACTIVE, FileState.DIFFERS, FileState.HELD)
"""The states of a file whose content is a valid config."""


class Intake(Service):
    """Propose each settled change of the file, and say why when it does not become active.

    A file that was set aside, because somebody rolled back or applied another document, stays so until its
    content changes.

    :ivar file_state: what became of the file's content.
    :ivar problems: why, one line each; empty when the file's content is active, or was set aside.

    :param path: the operator's config file.
    :param changes: takes changes.
    :param clock: drives the polling.
    :param in_thread: runs the reading.
    :param interval_s: seconds between two polls.
    :param limit_bytes: the largest config that is read.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        changes: Changes,
        clock: IReactorTime,
        in_thread: InThread,
        interval_s: float,
        limit_bytes: int,
    ) -> None:
        self.path = path
        self.file_state = FileState.UNSEEN
        self.problems: tuple[str, ...] = ()
        self._changes = changes
        self._poller = FilePoller(
            path, clock, in_thread, interval_s, limit_bytes, self._content_settled, self._file_unreadable
        )
        changes.on_accepted = self._accepted

    @property
    def file_differs(self) -> bool:
        """Whether the file says something else than what is active, or nothing that could be."""
        return self.file_state not in (FileState.ACTIVE, FileState.UNSEEN)

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

        With a history the file is looked at by the first polls, like any other change.

        :raises Unreadable: when the file is needed and cannot be read.
        :raises ConfigRefused: when the file is needed and not valid.
        :raises HistoryUnusable: when the history cannot be read or written.
        """
        if self._changes.load_blocking(self._poller.read_once):
            self.file_state = FileState.ACTIVE

    def _content_settled(self, content: bytes) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._consider(content)).addErrback(self._unforeseen)

    async def _consider(self, content: bytes) -> None:
        try:
            outcome = await self._changes.take_file(content)
        except ConfigRefused as refused:
            self._changes.forget_held()
            self._note(FileState.REFUSED, [f"{self.path}: {violation}" for violation in refused.violations])
        except BeyondGuards as beyond:
            self._note(FileState.HELD, [*map(str, beyond.exceeded)])
        except HistoryUnusable as error:
            self._note(FileState.NOT_STORED, [f"the changed config cannot be stored: {error}"])
            self._poller.hand_on_again()
        except Stopping:
            return
        except ChildFailed as error:
            self._note(FileState.NOT_CHECKED, [f"the changed config cannot be checked: {error}"])
            self._poller.hand_on_again()
        else:
            self._stands_to(outcome.accepted)

    def _unforeseen(self, failure: Failure) -> None:
        """Say of content that something else failed than should: it is not active, whatever it is."""
        self.log.failure("checking {path} failed", failure, path=self.path)
        self._note(FileState.NOT_CHECKED, ["the changed config cannot be checked: see the log"])
        self._poller.hand_on_again()

    def _file_unreadable(self, problem: str) -> None:
        self._changes.forget_held()
        self._note(FileState.UNREADABLE, [problem])

    def _accepted(self, accepted: Accepted) -> None:
        """Somebody's change, or ours, is active: the file stands to it in another way."""
        if self.file_state in VALID:
            self._stands_to(accepted)

    def _stands_to(self, active: Accepted) -> None:
        same = self._changes.file_hash == active.hash
        self._note(FileState.ACTIVE if same else FileState.DIFFERS, [])

    def _note(self, state: FileState, problems: list[str]) -> None:
        """Log what became of the file: each problem as a line of its own, or that they are over."""
        before, self.problems = (self.file_state, self.problems), tuple(problems)
        self.file_state = state
        # A refused file comes here once per change, and each change is worth its lines; a full disk comes
        # here again and again.
        if before == (state, self.problems) and state is not FileState.REFUSED:
            return
        active = self._changes.active
        held = f"revision {active.revision}" if active is not None else "no config"
        for problem in problems:
            self.log.error(
                "{path}: {problem}" if state is FileState.HELD else "{problem}",
                path=self.path,
                problem=problem,
            )
        if state is FileState.HELD:
            self.log.error(
                "{path} is held; {held} stays active; {how}", path=self.path, held=held, how=HOW_TO_RELEASE
            )
        elif problems:
            self.log.error("{path} is not taken; {held} stays active", path=self.path, held=held)
        elif state is FileState.DIFFERS:
            self.log.warn(
                "{path} differs from {held}, which somebody made active;"
                " the file is taken again when its content changes",
                path=self.path,
                held=held,
            )
        elif before[1]:
            self.log.info("{path} is in order again; {held} is active", path=self.path, held=held)
