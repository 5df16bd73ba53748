"""What the status page is made of: the documents that other paths answer with, fit to be shown.

Names, versions and reasons come from data planes, from configs and from whoever makes changes. Here, in one
place, every text is escaped and clipped, before anything is made of it; HTML is escaped when it is written.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import field, frozen, mutable
from twisted.internet.interfaces import IReactorTime

from cellrouter.controlplane import reports
from cellrouter.daemon.text import escaped
from cellrouter.snapshots.accepted import Entry
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable

Json = dict[str, Any]

MAX_TEXT_CHARS = 300
MAX_DATA_PLANES = 200
MAX_CHANGES = 10

AGES = frozenset({"age_s", "last_seen"})
"""The members that change as time passes, when nothing has happened."""

FIGURES = frozenset({"traffic", "in_flight", "share"})
"""The members that change as long as there are requests."""


@frozen
class Documents:
    """What is known at one time.

    :ivar at: the time, in seconds since the epoch.
    :ivar health: what ``/health`` says.
    :ivar fleet: what ``/fleet`` says, of so many data planes at most, the worst first.
    :ivar rollout: what ``/rollout`` says.
    :ivar versions: the newest of what ``/config/versions`` says, and a ``problem`` if they cannot be read.
    """

    at: float
    health: Json
    fleet: Json
    rollout: Json
    versions: Json


@mutable
class Gatherer:
    """Gathers the documents.

    :param health: gives what ``/health`` says.
    :param fleet: gives what ``/fleet`` says, of :data:`MAX_DATA_PLANES` at most.
    :param rollout: gives what ``/rollout`` says.
    :param history: knows the last changes.
    :param clock: gives the time that ages are measured by.
    """

    health: Callable[[], Json]
    fleet: Callable[[], Json]
    rollout: Callable[[], Json]
    history: History
    clock: IReactorTime
    _entries: Sequence[Entry] = field(init=False, default=())
    _entries_of: int | None = field(init=False, default=None)

    async def gather(self) -> Documents:
        """Find out how everything is by now."""
        # The only thing that has to be waited for comes first: the rest is of one moment.
        versions = await self._versions(self.health().get("revision"))
        at, health, fleet, rollout = self.clock.seconds(), self.health(), self.fleet(), self.rollout()
        return Documents(at, tidy(health), tidy(fleet), tidy(rollout), tidy(versions))

    async def _versions(self, active: int | None) -> Json:
        """List the last changes; the history is asked when there has been another one."""
        try:
            if active is None or active != self._entries_of:
                self._entries = (await self.history.entries())[:MAX_CHANGES]
                self._entries_of = active
        except HistoryUnusable as error:
            return {"active": active, "versions": [], "problem": str(error)}
        return {"active": active, "versions": [reports.entry(entry) for entry in self._entries]}


def tidy(value: Any) -> Any:
    """Make each text in a document fit to be shown: names of members, too, which may come from a peer."""
    match value:
        case str():
            return clipped(value)
        case dict():
            return {clipped(str(name)): tidy(member) for name, member in value.items()}
        case list() | tuple():
            return [tidy(each) for each in value]
    return value


def clipped(text: str, limit_chars: int = MAX_TEXT_CHARS) -> str:
    """Escape what is not printable, and clip."""
    shown = escaped(text[: limit_chars + 1])
    return shown if len(shown) <= limit_chars else shown[:limit_chars] + "…"


def without(document: Any, members: frozenset[str]) -> Any:
    """Leave members with certain names out of a document, wherever they are."""
    match document:
        case dict():
            kept = {name: each for name, each in document.items() if name not in members}
            return {name: without(each, members) for name, each in kept.items()}
        case list():
            return [without(each, members) for each in document]
    return document
