"""Threads for tests: at once, or when the test says so."""

import pickle
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute


def at_once(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> "Deferred[Any]":
    """Run a function now."""
    return execute(function, *arguments, **keywords)


def pickled(function: Callable[..., Any], *arguments: Any) -> "Deferred[Any]":
    """Run a function now, as a child process would: whatever goes in and comes out is copied by pickle."""

    def run() -> Any:
        theirs, given = _copy((function, arguments))
        try:
            return _copy(theirs(*given))
        except Exception as error:
            raise _copy(error) from None

    return execute(run)


def _copy(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


class HeldThreads:
    """Run functions only when told to.

    :ivar waiting: what has been asked for and not run, oldest first.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def __call__(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> "Deferred[Any]":
        """Take a function."""
        result: Deferred[Any] = Deferred()
        self.waiting.append((lambda: function(*arguments, **keywords), result))
        return result

    def run_one(self) -> None:
        """Run the oldest."""
        function, result = self.waiting.pop(0)
        execute(function).chainDeferred(result)

    def run(self, count: int) -> None:
        """Run so many, the oldest first."""
        for _ in range(count):
            self.run_one()

    def run_all(self) -> None:
        """Run until nothing waits."""
        while self.waiting:
            self.run_one()
