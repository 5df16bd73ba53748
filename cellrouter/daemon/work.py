"""Where work is done that takes a while."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from cellrouter.daemon.children import CannotStart, InChild
from cellrouter.snapshots.poller import InThread

LARGE_BYTES = 128 * 1024
"""What is shorter than this is read and checked within a few milliseconds."""


class Worker:
    """Calls functions on documents: on large ones in a child process, on others in a thread.

    A thread that reads a large document holds Python's lock for as long as each call into C takes, a tenth of
    a second and more; nothing is routed meanwhile. A child process takes a while to start.

    :param children: calls functions in child processes: a ``Children``.
    :param in_thread: calls functions in threads.
    """

    log = Logger()

    def __init__(self, children: InChild, in_thread: InThread) -> None:
        self._children = children
        self._in_thread = in_thread

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> "Deferred[Any]":
        """Call a function.

        :param function: one of a module, as :class:`~cellrouter.daemon.children.Children` takes it.
        :param arguments: its arguments; the size of the documents among them, as bytes or as the ``text`` of
            something, decides.
        :returns: a Deferred of what it returns or raises, or
            :exc:`~cellrouter.daemon.children.ChildFailed`.
        """
        if sum(map(_size, arguments)) < LARGE_BYTES:
            return self._in_thread(function, *arguments)
        return Deferred.fromCoroutine(self._in_child(function, *arguments))

    async def _in_child(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await self._children(function, *arguments)
        except CannotStart as error:
            # A slow answer to a change is better than none.
            self.log.warn("{error}; a large config is checked in this process instead", error=error)
            return await self._in_thread(function, *arguments)


def _size(argument: object) -> int:
    text = argument if isinstance(argument, bytes) else getattr(argument, "text", b"")
    return len(text)
