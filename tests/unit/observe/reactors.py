"""A clock that other threads can call, for tests that never sleep."""

from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

from twisted.internet.task import Clock

HANG_S = 20.0
"""How long a test waits for what must come. A bound on hanging, never what is measured."""


class ThreadedClock(Clock):
    """A clock whose :meth:`callFromThread` is honest: what threads ask for happens when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]]] = SimpleQueue()

    def callFromThread(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Ask for a call; this is called by threads."""
        self._asked.put((function, arguments))

    def asked(self) -> Callable[[], object]:
        """Wait until a thread asks for something, and give it without doing it."""
        function, arguments = self._asked.get(timeout=HANG_S)
        return partial(function, *arguments)

    def run_one(self) -> None:
        """Do what a thread asked for; wait for one that asks."""
        self.asked()()

    def run_until(self, condition: Callable[[], object]) -> None:
        """Do what threads ask for until a condition holds."""
        while not condition():
            self.run_one()
