"""The snapshot that a data plane serves."""

import time
from collections.abc import Callable
from enum import Enum

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from cellrouter.config import CompiledConfig, Revision, RoutingTable

MAX_LISTED = 5


class Source(Enum):
    """Where a snapshot came from."""

    CONTROL_PLANE = "control_plane"
    FILE = "file"
    LAST_KNOWN_GOOD = "last_known_good"
    BOOTSTRAP = "bootstrap"


@frozen(eq=False)
class Snapshot:
    """A valid config, compiled, with its origin; immutable and compared by identity.

    :ivar version: the operator's label.
    :ivar hash: the document's hash.
    :ivar text: the document as compact JSON in UTF-8.
    :ivar table: what requests are routed by.
    :ivar source: where it came from.
    :ivar revision: the number its control plane gave it, if any.
    :ivar source_id: names the control plane's history, if it told.
    :ivar inert: JSON pointers of the fields that it uses and that have no effect yet.
    """

    version: str
    hash: str
    text: bytes
    table: RoutingTable
    source: Source
    revision: Revision | None
    source_id: str | None
    inert: tuple[str, ...]

    @classmethod
    def build(
        cls,
        compiled: CompiledConfig,
        source: Source,
        revision: Revision | None = None,
        source_id: str | None = None,
    ) -> "Snapshot":
        """Make a snapshot of a config; for a thread, which lets others run every now and then."""
        table = RoutingTable.build(compiled, rest=_let_others_run)
        return cls(
            compiled.version,
            compiled.hash,
            compiled.text,
            table,
            source,
            revision,
            source_id,
            compiled.inert,
        )

    def confirmed(self, source: Source, revision: Revision | None, source_id: str | None) -> "Snapshot":
        """Return this snapshot under another origin that holds the same document, with the same table."""
        return evolve(self, source=source, revision=revision, source_id=source_id)


def _let_others_run() -> None:
    # A thread that waits for Python's lock gets it after 5 ms at best, unless whoever has it lets go.
    time.sleep(0)


class ActiveSnapshot:
    """Holds the snapshot being served. Changing it is one call that cannot fail half-way.

    :ivar current: the snapshot, or None before the first.
    :ivar applied_at: since when its document is served, in seconds since the epoch.

    :param install: makes the data path use a snapshot: one assignment.
    :param clock: tells the time.
    """

    log = Logger()

    def __init__(self, install: Callable[[Snapshot], object], clock: IReactorTime) -> None:
        self.current: Snapshot | None = None
        self.applied_at = 0.0
        self._install = install
        self._clock = clock
        self._inert_told: tuple[str, ...] = ()

    def apply(self, snapshot: Snapshot) -> None:
        """Serve a snapshot from the next request on; requests in flight keep the one they began with."""
        before, self.current = self.current, snapshot
        self._install(snapshot)
        unchanged = before is not None and before.table is snapshot.table
        if unchanged and before and (before.revision, before.source) == (snapshot.revision, snapshot.source):
            return
        self.log.info(
            'serving version "{version}", {revision}, from {source}{unchanged}',
            version=snapshot.version,
            revision="without a revision" if snapshot.revision is None else f"revision {snapshot.revision}",
            source=snapshot.source.value,
            unchanged=": the same config as before" if unchanged else "",
        )
        if not unchanged:
            self.applied_at = self._clock.seconds()
            self._tell_inert(snapshot.inert)

    def _tell_inert(self, inert: tuple[str, ...]) -> None:
        if inert and inert != self._inert_told:
            self.log.warn(
                "the config uses fields that have no effect in this release: {fields}",
                fields=", ".join(inert[:MAX_LISTED])
                + (f" and {len(inert) - MAX_LISTED} more" if len(inert) > MAX_LISTED else ""),
            )
        self._inert_told = inert
