"""What a process is given before anything runs in it."""

import gc
import resource
import time
from typing import Any

FILES_OF_OUR_OWN = 64
"""File descriptors for everything but clients and their cells: files, pipes, the admin port, and the clients
that are accepted in the turn in which the last one is counted."""

MOST_FILES_FOR_CELLS = 4096
"""File descriptors that clients leave for connections to cells."""


def connections_to_spare() -> int:
    """Say how many clients there are file descriptors for, beside the connections to cells.

    Most clients wait at any time, so it takes fewer of those: half of all when there are few, and no more
    than :data:`MOST_FILES_FOR_CELLS`.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    rest = files - FILES_OF_OUR_OWN
    return max(1, rest - min(rest // 2, MOST_FILES_FOR_CELLS))


def prepare_process(reactor: Any) -> None:
    """Prepare the process of a daemon; to be called before anything is scheduled.

    :param reactor: of the process.
    """
    _measure_steadily(reactor)
    _allow_many_files()
    # What is there when it begins stays: modules, mostly. To look at all of it each time that Python collects
    # garbage would take some milliseconds, in which nothing else happens.
    reactor.callWhenRunning(gc.freeze)


def _measure_steadily(reactor: Any) -> None:
    """Let a reactor measure time by a clock that nobody sets.

    Twisted's reactors measure by the time of day. When that is set forward, every deadline is over at once;
    when it is set back, everything that was scheduled waits for as long again. From now on the reactor's time
    is the time of day as it is now, and what has passed since.
    """
    offset_s = time.time() - time.monotonic()
    monotonic = time.monotonic
    reactor.seconds = lambda: monotonic() + offset_s


def _allow_many_files() -> None:
    """Use as many file descriptors as the system lets us; each connection takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
