"""The operational log: one line per event on stderr; stdout belongs to the access log."""

import os
from collections.abc import Callable
from typing import cast

from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText
from zope.interface import implementer

from cellrouter.daemon.text import escaped
from cellrouter.daemon.times import utc_timestamp

STDERR = 2


@implementer(ILogObserver)
class LineLog:
    """Write each event as one line, unbuffered: a log that is worth reading has few of them.

    .. code-block:: text

       2026-11-23T19:00:00.123Z info  cellrouter.dataplane.client  connected to ws://cp:8081/connect

    It writes to the descriptor because twistd turns ``sys.stderr`` into a source of events. A reader that
    has gone away is none of the daemon's business.

    :param write: takes the encoded line.
    """

    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        self._write = write or _write_to_stderr

    def __call__(self, event: LogEvent) -> None:
        """Write an event."""
        self._write(format_line(event).encode("utf-8", "backslashreplace"))


def format_line(event: LogEvent) -> str:
    """Format an event as a line; a traceback, which only a defect has, follows on lines of its own.

    Whatever else could begin a line of its own or confuse a terminal is escaped.

    :param event: as Twisted's logger makes them.
    :returns: text that ends with a newline.
    """
    stamp = utc_timestamp(event.get("log_time") or 0.0)
    level = event.get("log_level") or LogLevel.info
    text = eventAsText(event, includeTraceback=False, includeTimestamp=False, includeSystem=False)
    line = f"{stamp} {level.name:<5} {event.get('log_namespace') or '-'}  {escaped(text)}\n"
    failure = event.get("log_failure")
    return line if failure is None else line + cast(str, failure.getTraceback())


def _write_to_stderr(line: bytes) -> None:
    try:
        os.write(STDERR, line)
    except OSError:
        # Closed, full or gone: there is nowhere left to say so.
        return
