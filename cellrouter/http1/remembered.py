"""What was said of a line that has come before."""

from collections.abc import Callable
from typing import TypeVar

Said = TypeVar("Said")

MOST_LINES = 4096
"""How many lines are remembered; then all are forgotten, and those that still come are soon known again."""

LONGEST_LINE_BYTES = 256
"""Longer lines are not remembered, so there is a limit to what is."""


class Remembered(dict[bytes, Said]):
    """Says something of a line by reading it, or by having read the same line before.

    Most lines of a message were in another one a moment ago, and mean the same in every message. It is used
    like the dictionary that it is, ``remembered[line]``, since no call costs less.

    :param read: reads a line; what it raises is raised again each time.
    """

    def __init__(self, read: Callable[[bytes], Said]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, line: bytes) -> Said:
        """Read a line that is not remembered, and remember it."""
        said = self._read(line)
        if len(line) <= LONGEST_LINE_BYTES:
            if len(self) >= MOST_LINES:
                self.clear()
            self[line] = said
        return said
