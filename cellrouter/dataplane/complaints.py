"""Bounds on what a misbehaving control plane makes us do and write."""

from collections import defaultdict
from enum import Enum

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.daemon.budget import Budget

BURST = 5
REFILL_PER_S = 0.1
MAX_REMEMBERED = 100


class Complaint(Enum):
    """What is complained about; each kind has its own budget."""

    REFUSED_MESSAGE = "refused messages"
    REFUSED_SNAPSHOT = "refused snapshots"
    IGNORED = "ignored parts of messages"
    AUTHORITY = "changes of authority"
    SWAMPED = "messages left without an answer"


class Complaints:
    """Log what a control plane does wrong, at most a few lines and then one every 10 seconds per kind.

    :param clock: tells the time.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._budgets = {kind: Budget(clock, BURST, REFILL_PER_S) for kind in Complaint}
        self._unsaid: defaultdict[Complaint, int] = defaultdict(int)
        self._said_once: set[str] = set()

    def say(self, kind: Complaint, *lines: str) -> None:
        """Log lines that belong together, or only count them.

        :param kind: whose budget pays.
        :param lines: what to log, one event each.
        """
        if not self._budgets[kind].spend():
            self._unsaid[kind] += 1
            return
        if unsaid := self._unsaid.pop(kind, 0):
            self.log.warn("{count} more {kind} were not logged", count=unsaid, kind=kind.value)
        for line in lines:
            self.log.error("{line}", line=line)

    def say_once(self, kind: Complaint, line: str) -> None:
        """Log a line unless the same was logged before; after 100 different ones there are no new ones."""
        if line not in self._said_once and len(self._said_once) < MAX_REMEMBERED:
            self._said_once.add(line)
            self.say(kind, line)
