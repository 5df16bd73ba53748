"""A data plane's access log, checked line by line as it is written."""

from collections import Counter
from datetime import datetime
from math import inf

import orjson
from attrs import define, field

from tests.support.processes import Child

CLIENT_WENT_AWAY = 499
TIMESTAMP_ERROR_S = 0.002
"""Timestamps have milliseconds, and both ends of a span of time have one."""


@define
class Span:
    """When requests that were routed by a revision began.

    :param version: the label of its config.
    :ivar first: when the first began, in seconds.
    :ivar last: when the last began.
    """

    version: str
    first: float = inf
    last: float = -inf

    def include(self, began: float) -> None:
        """Take note of one more."""
        self.first, self.last = min(self.first, began), max(self.last, began)


@define
class AccessLogCheck:
    """Checks each line against the configs that were given out.

    :ivar statuses: how many lines there are of each status.
    :ivar wrong: how many lines name another cell than the config that they name.
    :ivar wrong_line: the last of them.
    :ivar revisions: when each revision was in use.

    :param cells: by version, the cell that the config sends every request to; whoever gives out another
        config adds it.
    """

    cells: dict[str, str]
    statuses: Counter[int] = field(factory=Counter)
    wrong: int = 0
    wrong_line: bytes = b""
    revisions: dict[int, Span] = field(factory=dict)

    @property
    def failed(self) -> int:
        """How many requests failed, but for those whose clients did not wait for the end."""
        return self.statuses.total() - self.statuses[200] - self.statuses[CLIENT_WENT_AWAY]

    @property
    def versions(self) -> set[str]:
        """The configs that were in use."""
        return {span.version for span in self.revisions.values()}

    def take(self, line: bytes) -> None:
        """Check the next line."""
        said = orjson.loads(line)
        self.statuses[said["status"]] += 1
        version = said["config_version"]
        span = self.revisions.setdefault(said["config_revision"] or 0, Span(version))
        if span.version != version or said["upstream"] != self.cells.get(version):
            self.wrong += 1
            self.wrong_line = line
        ended = datetime.fromisoformat(said["timestamp"]).timestamp()
        span.include(ended - said["duration_ms"] / 1000)

    def went_back(self) -> list[str]:
        """Tell which revisions were in use after a newer one: their requests began after one of that."""
        found, newer_from = [], inf
        for revision, span in sorted(self.revisions.items(), reverse=True):
            if span.last > newer_from + TIMESTAMP_ERROR_S:
                found.append(f"revision {revision} was used {span.last - newer_from:.3f} s after a newer one")
            newer_from = min(newer_from, span.first)
        return found


@define(eq=False)
class LoggingDataPlane(Child):
    """A data plane whose access log is checked and not kept.

    :param check: does it.
    """

    check: AccessLogCheck = field(kw_only=True)
    _rest: bytes = b""

    def outReceived(self, data: bytes) -> None:
        """Take more of the access log."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.check.take(line)
