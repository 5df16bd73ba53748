"""Watch one file by polling it, and hand on its content once it has settled.

Polling rather than inotify: it works on every file system, through symbolic links, and notices a
Kubernetes ConfigMap swap, which replaces a link two folders up.

A poll ends in one of two findings: content, or a problem in words. Content is handed on when two successive
polls found the same and it is not what was handed on last, so a file that is being written is not taken
half-way. After a problem the content counts as new again, so that whoever listens learns of the recovery.
"""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

InThread = Callable[..., "Deferred[Any]"]
"""Run a blocking callable with its arguments in a thread: a Deferred of its result."""

MAX_PAUSE_S = 60.0
"""How long content waits, at most, before it is handed on once more."""

Fingerprint = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime. The ctime is there because tools can set an mtime back."""


class Unreadable(Exception):
    """A file cannot be read as a config; the message says which file and why, for the operator."""


@attrs.frozen
class Reading:
    """What one poll found in a readable file.

    :ivar fingerprint: the file's identity and times when it was read.
    :ivar digest: SHA-256 of the content.
    :ivar content: the bytes, or None when the fingerprint was the known one and the file was not read.
    """

    fingerprint: Fingerprint
    digest: bytes
    content: bytes | None


class FilePoller(Service):
    """Poll a file and report settled content and problems, each once.

    :param path: the file; symbolic links are followed anew at each poll.
    :param clock: drives the polling.
    :param in_thread: runs the blocking reads.
    :param interval_s: seconds between two polls; a slow poll delays the next, they never overlap.
    :param limit_bytes: a larger file is a problem, and no more than one byte beyond this is ever read.
    :param on_content: gets settled content that differs from the last handed on; when it returns a Deferred
        the next poll waits for it.
    :param on_problem: gets a problem in words, once for as long as it stays the same.
    """

    log = Logger()

    def __init__(
        self,
        path: Path,
        clock: IReactorTime,
        in_thread: InThread,
        interval_s: float,
        limit_bytes: int,
        on_content: Callable[[bytes], "Deferred[None] | None"],
        on_problem: Callable[[str], None],
    ) -> None:
        self.path = path
        self.problem: str | None = None
        self._in_thread = in_thread
        self._interval_s = interval_s
        self._limit_bytes = limit_bytes
        self._on_content = on_content
        self._on_problem = on_problem
        self._loop = LoopingCall(self._poll_guarded)
        self._loop.clock = clock
        self._poll_under_way: Deferred[None] | None = None
        self._previous: Reading | None = None
        self._settled: Reading | None = None
        self._handed_on: bytes | None = None
        # Counted in polls, which go on whatever becomes of the clock.
        self._max_pause = max(1, int(MAX_PAUSE_S / interval_s))
        self._pause = 0
        self._pause_left = 0
        self._wanted_again = False

    def startService(self) -> None:
        """Poll at once and then at every interval."""
        Service.startService(self)
        self._loop.start(self._interval_s).addErrback(self._unexpected)

    def stopService(self) -> "Deferred[None] | None":
        """Stop polling.

        :returns: a Deferred that fires when the poll under way, if there is one, has ended.
        """
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()
        return self._poll_under_way

    def read_once(self) -> bytes:
        """Read the file now, blocking, and count its content as handed on: for use before the reactor runs.

        :returns: the content, which is not handed on again until it changes.
        :raises Unreadable: when there is none.
        """
        reading = read_file(self.path, self._limit_bytes)
        assert reading.content is not None
        self._handed_on = reading.digest
        return reading.content

    def hand_on_again(self) -> None:
        """Hand on once more what is being handed on, for whoever could do nothing with it yet.

        The next poll does it, and each further time it takes twice as many polls, up to a minute. Content
        that has changed does not wait.
        """
        self._wanted_again = True

    def _poll_guarded(self) -> "Deferred[None]":
        """Poll, and keep on polling even after a failure that nobody foresaw."""
        poll = Deferred.fromCoroutine(self._poll()).addErrback(self._unexpected)
        self._poll_under_way = poll
        return poll

    def _unexpected(self, failure: Failure) -> None:
        self.log.failure("polling {path} failed; trying again", failure=failure, path=self.path)

    async def _poll(self) -> None:
        if self._pause_left:
            self._pause_left -= 1
            if not self._pause_left:
                self._handed_on = self._settled = None
        try:
            reading: Reading = await self._in_thread(read_file, self.path, self._limit_bytes, self._settled)
        except Unreadable as error:
            self._previous = self._settled = self._handed_on = None
            self._note_problem(str(error))
            return
        previous, self._previous = self._previous, attrs.evolve(reading, content=None)
        if not self.running or previous is None or previous.digest != reading.digest:
            return
        if reading.content is not None and reading.digest != self._handed_on:
            self.problem = None
            self._handed_on = reading.digest
            self._wanted_again, self._pause_left = False, 0
            await _finished(self._on_content(reading.content))
            self._pause = min(2 * self._pause or 1, self._max_pause) if self._wanted_again else 0
            self._pause_left = self._pause
        # Only a fingerprint that two polls saw is proof of an unchanged file: one that is fresh at a single
        # poll may be followed by a change within the same tick of the file system's clock.
        unchanged = previous.fingerprint == reading.fingerprint and self._handed_on == reading.digest
        self._settled = self._previous if unchanged else None

    def _note_problem(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self._on_problem(problem)


def read_file(path: Path, limit_bytes: int, known: Reading | None = None) -> Reading:
    """Read a regular file, blocking, never more than one byte beyond a limit.

    :param path: the file; symbolic links are followed.
    :param limit_bytes: the largest content that is acceptable.
    :param known: a reading to compare with: a file with the same fingerprint is not read again.
    :returns: the content with its digest; or ``known`` when the fingerprint is unchanged.
    :raises Unreadable: when it is missing, not a regular file, not permitted, too large or failing.
    """
    try:
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Unreadable(f"{path}: the file does not exist") from None
    except OSError as error:
        raise Unreadable(f"{path}: cannot be opened: {error.strerror}") from None
    except ValueError as error:
        raise Unreadable(f"{str(path)!r}: is not a possible file name: {error}") from None
    try:
        fingerprint = _fingerprint(path, descriptor, limit_bytes)
        if known is not None and known.fingerprint == fingerprint:
            return known
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(content) > limit_bytes:
        raise Unreadable(f"{path}: too large: more than {limit_bytes} bytes")
    return Reading(fingerprint, hashlib.sha256(content).digest(), content)


def _fingerprint(path: Path, descriptor: int, limit_bytes: int) -> Fingerprint:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise Unreadable(f"{path}: is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"{path}: is not a regular file")
    if status.st_size > limit_bytes:
        raise Unreadable(f"{path}: too large: {status.st_size} bytes, the limit is {limit_bytes}")
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


async def _finished(outcome: "Deferred[None] | None") -> None:
    if outcome is not None:
        await outcome
