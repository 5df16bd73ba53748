"""The access log: one JSON object per exchange, one line each.

Lines are collected and written by a thread of their own, so a reader that stalls holds up that thread and
nothing else; what waits is bounded.
"""

import os
from collections.abc import Mapping
from queue import SimpleQueue
from select import POLLOUT, poll
from threading import Thread
from typing import Any

import orjson
from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as OutOfTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

FLUSH_INTERVAL_S = 0.1
FLUSH_BYTES = 64 * 1024
STOP_TIMEOUT_S = 2.0


class AccessLog:
    """Writes the log.

    :ivar dropped_lines: how many lines were not written since it began.

    :param reactor: measures, and is told by the thread what it wrote.
    :param fd: the file descriptor that is written to; it is not closed.
    :param max_buffer_bytes: how much may wait; what comes then is dropped and counted.
    """

    log = Logger()

    def __init__(self, reactor: Any, fd: int = 1, max_buffer_bytes: int = 8 * 1024 * 1024) -> None:
        self.dropped_lines = 0
        self._reactor = reactor
        self._fd = fd
        self._max_buffer_bytes = max_buffer_bytes
        self._lines: list[bytes] = []
        self._line_bytes = 0
        self._waiting_bytes = 0
        self._dropped = 0
        self._broken = False
        self._failing = False
        self._torn = False
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._ended: Deferred[None] | None = None
        self._flushing = LoopingCall(self._flush)
        self._flushing.clock = reactor

    def start(self) -> None:
        """Begin to write."""
        self._ended = Deferred()
        # A daemon thread: one that hangs in a write must not keep the process from ending.
        Thread(target=self._write_all, name="access log", daemon=True).start()
        self._flushing.start(FLUSH_INTERVAL_S, now=False).addErrback(
            lambda failure: self.log.failure("the access log ended", failure)
        )

    def stop(self) -> "Deferred[None]":
        """Write what waits, and end.

        :returns: a Deferred that fires when that is done, or when a stalled reader has had its time.
        """
        if self._ended is None or not self._flushing.running:
            return succeed(None)
        self._flushing.stop()
        self._flush()
        self._queue.put(None)
        return self._ended.addTimeout(STOP_TIMEOUT_S, self._reactor).addErrback(self._gave_up)

    def write(self, record: Mapping[str, object]) -> None:
        """Log an exchange.

        :param record: its fields; text comes out as JSON text, so nothing in it can end a line or add a
            field.
        """
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        if self._waiting_bytes + self._line_bytes + len(line) > self._max_buffer_bytes:
            self.dropped_lines += 1
            self._dropped += 1
            return
        self._lines.append(line)
        self._line_bytes += len(line)
        if self._line_bytes >= FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._waiting_bytes += self._line_bytes
            self._queue.put(b"".join(self._lines))
            self._lines, self._line_bytes = [], 0

    def _write_all(self) -> None:
        """Write until the end; this is the thread."""
        while (lines := self._queue.get()) is not None:
            lost, error = (lines.count(b"\n"), None) if self._broken else self._write_blocking(lines)
            self._reactor.callFromThread(self._written, len(lines), lost, error)
        self._reactor.callFromThread(self._thread_ended)

    def _write_blocking(self, lines: bytes) -> tuple[int, OSError | None]:
        """Write lines.

        :returns: how many were lost, and why.
        """
        data = b"\n" + lines if self._torn else lines
        left = memoryview(data)
        try:
            while left:
                left = left[self._write_some(left) :]
        except OSError as error:
            written = len(data) - len(left)
            if written:
                # Another line must not be added to half a one.
                self._torn = data[written - 1 : written] != b"\n"
            return min(data.count(b"\n", written), lines.count(b"\n")), error
        self._torn = False
        return 0, None

    def _write_some(self, lines: memoryview) -> int:
        try:
            return os.write(self._fd, lines)
        except BlockingIOError:
            # Whoever shares the descriptor with us made it non-blocking.
            waiting = poll()
            waiting.register(self._fd, POLLOUT)
            waiting.poll()
            return 0

    def _written(self, count: int, lost: int, error: OSError | None) -> None:
        self._waiting_bytes -= count
        self.dropped_lines += lost
        if not self._broken:
            self._dropped += lost
        if error is not None:
            self._tell_error(error)
        elif self._dropped and not self._waiting_bytes:
            self._failing = False
            self._tell_dropped()

    def _tell_error(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError) and not self._broken:
            # A reader that is gone does not come back; what routes goes on routing.
            self._broken = True
            self.log.error(
                "the access log cannot be written and ends here until a restart: {reason}",
                reason=error.strerror,
            )
        elif not self._failing and not self._broken:
            # A disk that is full has room again some day.
            self._failing = True
            self.log.error(
                "the access log cannot be written, its lines are dropped for now: {reason}",
                reason=error.strerror,
            )

    def _tell_dropped(self) -> None:
        self.log.warn(
            "{count} lines of the access log were dropped: they could not be written in time",
            count=self._dropped,
        )
        self._dropped = 0

    def _thread_ended(self) -> None:
        if self._dropped:
            self._tell_dropped()
        if self._ended is not None:
            self._ended.callback(None)

    def _gave_up(self, failure: Any) -> None:
        failure.trap(OutOfTime)
        self.log.warn(
            "{bytes} bytes of the access log are lost: its reader has stalled", bytes=self._waiting_bytes
        )
        if self._dropped:
            self._tell_dropped()
