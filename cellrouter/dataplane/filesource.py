"""File-only mode: the operator's file is the source of snapshots, without a control plane."""

from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.config import CompiledConfig, ConfigRefused, compile_config
from cellrouter.daemon.children import ChildFailed, Stopping
from cellrouter.daemon.work import Worker
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from cellrouter.snapshots.poller import FilePoller, InThread


class FileSource(Service):
    """Serve what a file says, and go on serving what it said while it says nothing valid.

    :param path: the operator's config file.
    :param active: the snapshot being served.
    :param clock: drives the polling.
    :param work: checks configs.
    :param in_thread: runs what else takes long.
    :param interval_s: seconds between two polls.
    :param limit_bytes: the largest config that is read.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        active: ActiveSnapshot,
        clock: IReactorTime,
        work: Worker,
        in_thread: InThread,
        interval_s: float,
        limit_bytes: int,
    ) -> None:
        self._path = path
        self._active = active
        self._work = work
        self._in_thread = in_thread
        self._limit_bytes = limit_bytes
        self._poller = FilePoller(
            path, clock, in_thread, interval_s, limit_bytes, self._content_settled, self._unreadable
        )

    def load_blocking(self) -> Snapshot:
        """Read the file, for the time before the reactor runs.

        :raises Unreadable: when there is no content.
        :raises ConfigRefused: when it is not valid.
        """
        return load_file_content(self._poller.read_once(), Source.FILE, self._limit_bytes)

    def startService(self) -> None:
        """Start polling."""
        Service.startService(self)
        self._poller.startService()

    def stopService(self) -> "Deferred[None] | None":
        """Stop polling.

        :returns: a Deferred that fires when a change that is being applied has been.
        """
        Service.stopService(self)
        return self._poller.stopService()

    def _content_settled(self, content: bytes) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._consider(content))

    async def _consider(self, content: bytes) -> None:
        try:
            compiled: CompiledConfig = await self._work(compile_config, content, self._limit_bytes)
        except Stopping:
            return
        except ChildFailed as error:
            self.log.error("{path} could not be checked: {error}", path=self._path, error=error)
            self._not_taken()
            self._poller.hand_on_again()
            return
        except ConfigRefused as refused:
            for violation in refused.violations:
                self.log.error("{path}: {violation}", path=self._path, violation=violation)
            self._not_taken()
            return
        current = self._active.current
        if current is not None and current.hash == compiled.hash:
            self.log.info("{path} is in order and unchanged", path=self._path)
        else:
            self._active.apply(await self._in_thread(Snapshot.build, compiled, Source.FILE))

    def _unreadable(self, problem: str) -> None:
        self.log.error("{problem}", problem=problem)
        self._not_taken()

    def _not_taken(self) -> None:
        current = self._active.current
        version = None if current is None else current.version
        self.log.error(
            '{path} is not taken; version "{version}" stays active', path=self._path, version=version
        )


def load_file_content(content: bytes, source: Source, limit_bytes: int) -> Snapshot:
    """Check and compile the content of a config file; blocking.

    :raises ConfigRefused: when it is not valid.
    """
    return Snapshot.build(compile_config(content, limit_bytes), source)
