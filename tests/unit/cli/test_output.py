"""Tables that people read and programs do not have to."""

import errno
import os
from contextlib import redirect_stdout
from io import StringIO

import click
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli.output import harmless, say, table


class FullDisk(StringIO):
    """Standard output that is sent to a full disk."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class SayTests(SynchronousTestCase):
    """Where the output goes."""

    def test_a_full_disk_is_one_line(self) -> None:
        with redirect_stdout(FullDisk()):
            error = self.assertRaises(click.ClickException, say, "x")
        self.assertIn("cannot be printed: No space left on device", error.message)


class TableTests(SynchronousTestCase):
    """What a table looks like."""

    def test_columns_are_aligned_and_lines_do_not_end_in_blanks(self) -> None:
        text = table(("key", "cell"), [("a", "tier1"), ("customer-123", "t")])
        self.assertEqual(text, "KEY           CELL\na             tier1\ncustomer-123  t")

    def test_nothing_is_a_dash_and_values_are_written_as_in_json(self) -> None:
        self.assertEqual(
            table(None, [("a", None), ("b", True), ("c", {"d": 1})]), 'a  -\nb  true\nc  {"d": 1}'
        )

    def test_what_a_daemon_says_cannot_drive_the_terminal(self) -> None:
        self.assertEqual(table(None, [("k", "\x1b[2Jx\ny")]), r"k  \x1b[2Jx\ny")

    def test_lines_stay_lines_when_they_are_made_harmless(self) -> None:
        self.assertEqual(harmless("a\x1b[2J\nb\r\n"), "a\\x1b[2J\nb\\r\n")

    def test_no_rows_are_only_headings(self) -> None:
        self.assertEqual(table(("a", "b"), []), "A  B")
