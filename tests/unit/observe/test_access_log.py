"""The access log: whole lines, in order, never waiting for whoever reads them."""

import json
import os
from fcntl import F_SETPIPE_SZ, fcntl
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from select import select
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.observe import AccessLog
from tests.support.logs import CapturedLog
from tests.unit.observe.reactors import HANG_S, ThreadedClock

FLUSH_S = 0.1
STOP_S = 2.0
PIPE_BYTES = 4096


class AccessLogTestCase(SynchronousTestCase):
    """A log on a real pipe of one page."""

    def setUp(self) -> None:
        self.clock = ThreadedClock()
        self.reader, self.writer = os.pipe()
        self.addCleanup(self.close)
        fcntl(self.writer, F_SETPIPE_SZ, PIPE_BYTES)
        self.said = CapturedLog(self)
        self.log = self.make_log()

    def make_log(self, **options: Any) -> AccessLog:
        return AccessLog(self.clock, fd=self.writer, **options)

    def close(self) -> None:
        for fd in (self.reader, self.writer):
            if fd >= 0:
                os.close(fd)

    def start(self) -> None:
        self.log.start()
        self.addCleanup(self.end)

    def end(self) -> None:
        """Let the thread end, whatever it is doing."""
        self.break_pipe()
        stopped = self.stop()
        self.clock.run_until(lambda: stopped.called)

    def break_pipe(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def read(self, size: int) -> bytes:
        """Read as much as must come."""
        data = b""
        while len(data) < size:
            self.assertTrue(select([self.reader], [], [], HANG_S)[0], f"only {len(data)} bytes came")
            data += os.read(self.reader, size - len(data))
        return data

    def flush(self) -> None:
        self.clock.advance(FLUSH_S)

    def stop(self) -> "Deferred[None]":
        return self.log.stop()

    def stop_and_read(self) -> list[Any]:
        """Stop, and return everything that was written."""
        stopped = self.stop()
        self.clock.run_until(lambda: stopped.called)
        self.assertIsNone(self.successResultOf(stopped))
        os.close(self.writer)
        self.writer = -1
        data = b""
        while piece := os.read(self.reader, 1 << 20):
            data += piece
        return [json.loads(line) for line in data.splitlines()]


LINE = {"path": "p" * 988}
"""A line of 1000 bytes with its end."""


class WritingTests(AccessLogTestCase):
    """Somebody reads."""

    def test_a_record_is_a_line(self) -> None:
        self.start()
        self.log.write({"status": 200, "routing_key": None})
        self.flush()
        expected = b'{"status":200,"routing_key":null}\n'
        self.assertEqual(self.read(len(expected)), expected)

    def test_nothing_in_a_record_ends_the_line_or_adds_a_field(self) -> None:
        self.start()
        values = {"a": 'x"\n\r\0\x1b[31m","b":1}\n', "b": "\u2028\x85\\"}
        self.log.write(values)
        self.log.write({})
        self.assertEqual(self.stop_and_read(), [values, {}])

    def test_lines_are_written_together(self) -> None:
        self.start()
        for number in range(3):
            self.log.write({"n": number})
        self.clock.advance(FLUSH_S / 2)
        self.assertEqual(select([self.reader], [], [], 0)[0], [])
        self.flush()
        self.clock.run_one()
        self.assertEqual(self.read(24), b'{"n":0}\n{"n":1}\n{"n":2}\n')

    def test_many_lines_do_not_wait_for_the_interval(self) -> None:
        self.start()
        for _ in range(66):
            self.log.write({"path": "p" * 1000})
        self.assertEqual(self.read(1012), b'{"path":"' + b"p" * 1000 + b'"}\n')

    def test_stopping_writes_what_waits(self) -> None:
        self.start()
        self.log.write({"n": 1})
        self.assertEqual(self.stop_and_read(), [{"n": 1}])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_is_written_before_the_start_is_not_lost(self) -> None:
        self.log.write({"n": 1})
        self.start()
        self.assertEqual(self.stop_and_read(), [{"n": 1}])

    def test_stopping_without_a_start_and_stopping_twice(self) -> None:
        self.successResultOf(self.stop())
        self.start()
        self.stop_and_read()
        self.successResultOf(self.stop())


class StalledReaderTests(AccessLogTestCase):
    """Nobody reads for a while."""

    def setUp(self) -> None:
        super().setUp()
        self.log = self.make_log(max_buffer_bytes=20_000)
        self.start()

    def stall(self) -> None:
        """Write three times what may wait, one by one."""
        for _ in range(60):
            self.log.write(LINE)
            self.flush()

    def test_lines_wait_up_to_the_limit_and_the_others_are_counted(self) -> None:
        self.stall()
        self.clock.run_one()
        self.assertEqual(self.said.lines, [])
        self.assertEqual(self.read(20_000).count(b"\n"), 20)
        self.clock.run_until(lambda: self.said.lines)
        self.assertEqual(
            self.said.lines, ["40 lines of the access log were dropped: they could not be written in time"]
        )
        self.assertEqual(self.log.dropped_lines, 40)
        self.assertEqual(self.stop_and_read(), [])

    def test_lines_are_taken_again_when_it_reads_again(self) -> None:
        self.stall()
        self.read(20_000)
        self.clock.run_until(lambda: self.said.lines)
        self.log.write({"n": 1})
        self.assertEqual(self.stop_and_read(), [{"n": 1}])
        self.assertEqual(len(self.said.lines), 1)

    def test_lines_that_were_not_handed_to_the_thread_yet_count_too(self) -> None:
        for _ in range(21):
            self.log.write(LINE)
        self.read_in_background_of_stop(20_000)
        self.assertIn("1 lines of the access log were dropped", self.said.text)

    def read_in_background_of_stop(self, size: int) -> None:
        stopped = self.stop()
        self.assertEqual(len(self.read(size)), size)
        self.clock.run_until(lambda: stopped.called)

    def test_stopping_does_not_wait_for_ever(self) -> None:
        self.stall()
        stopped = self.stop()
        self.clock.advance(STOP_S - 0.1)
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual(
            self.said.lines,
            [
                "20000 bytes of the access log are lost: its reader has stalled",
                "40 lines of the access log were dropped: they could not be written in time",
            ],
        )
        self.read(20_000)
        for _ in range(20 + 1):
            # What the thread tells of each line and of its end comes too late, and disturbs nothing.
            self.clock.run_one()
        self.assertEqual(len(self.said.lines), 2)

    def test_a_descriptor_that_does_not_block_is_waited_for(self) -> None:
        os.set_blocking(self.writer, False)
        self.stall()
        self.assertEqual(self.read(20_000).count(b"\n"), 20)
        self.assertEqual(self.stop_and_read(), [])


class BrokenTests(AccessLogTestCase):
    """What is written goes nowhere."""

    def test_a_reader_that_is_gone_is_told_of_once(self) -> None:
        self.start()
        self.break_pipe()
        for _ in range(3):
            self.log.write({"n": 1})
            self.flush()
            self.clock.run_one()
        errors = [line for line in self.said.lines if "cannot be written" in line]
        self.assertEqual(
            errors, ["the access log cannot be written and ends here until a restart: Broken pipe"]
        )
        self.assertEqual(self.log.dropped_lines, 3)

    def test_a_reader_that_goes_while_a_line_waits(self) -> None:
        self.start()
        self.log.write({"path": "p" * 2 * PIPE_BYTES})
        self.flush()
        self.read(PIPE_BYTES)
        self.break_pipe()
        self.clock.run_until(lambda: self.said.lines)
        self.assertIn("Broken pipe", self.said.text)

    def test_stopping_still_works(self) -> None:
        self.start()
        self.break_pipe()
        self.log.write({"n": 1})
        stopped = self.stop()
        self.clock.run_until(lambda: stopped.called)
        self.successResultOf(stopped)

    def test_a_full_disk_is_told_of_once_and_writing_goes_on_when_there_is_room(self) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        self.addCleanup(os.close, full)
        pipe = os.dup(self.writer)
        self.addCleanup(os.close, pipe)
        os.dup2(full, self.writer)
        self.start()
        for _ in range(3):
            self.log.write({"n": 1})
            self.flush()
            self.clock.run_one()
        os.dup2(pipe, self.writer)
        self.log.write({"n": 2})
        self.flush()
        self.clock.run_one()
        self.assertEqual(self.read(8), b'{"n":2}\n')
        os.dup2(full, self.writer)
        self.log.write({"n": 3})
        self.flush()
        self.clock.run_one()
        self.assertEqual(
            self.said.lines,
            [
                "the access log cannot be written, its lines are dropped for now: No space left on device",
                "3 lines of the access log were dropped: they could not be written in time",
                "the access log cannot be written, its lines are dropped for now: No space left on device",
            ],
        )

    def test_half_a_line_is_ended_before_the_next(self) -> None:
        """As on a disk that gets full within a line: files must not grow beyond a limit for a moment."""
        path = Path(self.enterContext(TemporaryDirectory())) / "log"
        with path.open("wb", buffering=0) as file:
            self.log = AccessLog(self.clock, fd=file.fileno())
            self.start()
            self.log.write({"n": 1})
            self.log.write({"n": 2})
            soft, hard = getrlimit(RLIMIT_FSIZE)
            setrlimit(RLIMIT_FSIZE, (12, hard))
            self.flush()
            told = self.clock.asked()
            setrlimit(RLIMIT_FSIZE, (soft, hard))
            told()
            for number in (3, 4):
                self.log.write({"n": number})
                self.flush()
                self.clock.run_one()
        self.assertEqual(path.read_bytes(), b'{"n":1}\n{"n"\n{"n":3}\n{"n":4}\n')
        self.assertIn("1 lines of the access log were dropped", self.said.text)
