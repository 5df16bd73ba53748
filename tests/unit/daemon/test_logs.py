"""The operational log's lines."""

import re

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.logs import LineLog, format_line

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info |warn |error) \S+  .*\n")


class LineLogTests(SynchronousTestCase):
    """One event, one line."""

    def setUp(self) -> None:
        self.written: list[bytes] = []
        self.log = Logger("cellrouter.test", observer=LineLog(self.written.append))

    def test_an_event_is_a_line_with_time_level_and_origin(self) -> None:
        self.log.info("connected to {url}", url="ws://cp")
        (line,) = self.written
        self.assertRegex(line.decode(), LINE)
        self.assertTrue(line.endswith(b"Z info  cellrouter.test  connected to ws://cp\n"))

    def test_an_event_cannot_forge_a_line_or_reach_the_terminal(self) -> None:
        self.log.warn("{text}", text="a\n2026 info x  forged\x1b[31m\u2028\u202e")
        (line,) = self.written
        self.assertEqual(line.count(b"\n"), 1)
        self.assertRegex(line.decode(), LINE)
        self.assertTrue(line.decode()[:-1].isprintable())

    def test_half_of_a_surrogate_pair_can_be_logged(self) -> None:
        self.log.info("{text}", text="\ud800")
        self.assertEqual(len(self.written), 1)

    def test_a_failure_shows_its_traceback(self) -> None:
        try:
            raise ZeroDivisionError("no")
        except ZeroDivisionError:
            self.log.failure("it failed", Failure())
        self.assertIn(b"ZeroDivisionError: no", self.written[0])

    def test_an_event_without_anything_is_a_line(self) -> None:
        self.assertRegex(format_line({"log_level": LogLevel.info}), LINE)
