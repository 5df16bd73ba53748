"""The accepted snapshots, newest last, in an SQLite file: where revisions come from.

A revision is given out by SQLite's AUTOINCREMENT in the transaction that stores its document, and that
transaction is on disk (WAL, ``synchronous=FULL``) before anyone hears of the revision. So a revision is never
reused, and never means two documents, whenever the process is killed or the machine loses power.
"""

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from attrs import asdict, astuple, fields
from attrs.filters import exclude
from twisted.application.service import Service
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore

from cellrouter.config import Revision
from cellrouter.snapshots.accepted import Accepted, Entry, SeenNode, Submission
from cellrouter.snapshots.history_schema import HistoryUnusable, configure, connection, migrate, transaction

DEFAULT_KEEP = 100

MAX_NODES = 20_000
"""As many data planes as may be connected, and as many that have left; names without end fill no disk."""


class Cursor(Protocol):
    """What is used of a DB-API cursor: sqlite3's own and adbapi's ``Transaction`` both fit."""

    @property
    def lastrowid(self) -> int | None:
        """The key of the row inserted last."""

    def execute(self, statement: str, parameters: tuple[object, ...] = ..., /) -> Any:
        """Run one statement."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> Any:
        """Return the rest of the rows."""


class History(Service):
    """The history file, reached through a pool of one database thread.

    Make one with :meth:`open`, which is blocking like the other ``*_blocking`` methods: they are for the time
    before the reactor runs. The rest needs the service to be started.

    :param path: the SQLite file, which exists.
    :param source_id: the UUID made with the file.
    :param keep: how many snapshots are kept.
    :param reactor: runs the database thread's results.
    """

    def __init__(self, path: Path, source_id: str, keep: int, reactor: IReactorCore) -> None:
        self.path = path
        self.source_id = source_id
        self._keep = keep
        self._reactor = reactor
        self._pool: ConnectionPool | None = None
        self._identity = _identity(path)

    @classmethod
    def open(cls, path: Path, reactor: IReactorCore, keep: int = DEFAULT_KEEP) -> "History":
        """Open the history file, blocking; make it or bring its schema up to date when needed.

        :param path: the SQLite file; its folder exists.
        :param reactor: used once the service is started.
        :param keep: how many snapshots to keep, at least 1.
        :returns: the history.
        :raises HistoryUnusable: when it cannot be opened or was made by a newer release.
        """
        with connection(path) as database:
            migrate(path, database)
            source_id = database.execute("SELECT value FROM meta WHERE name = 'source_id'").fetchone()[0]
        return cls(path, source_id, keep, reactor)

    def newest_blocking(self) -> Accepted | None:
        """Return the snapshot with the highest revision, or None when there has been none.

        :raises HistoryUnusable: when the file cannot be read.
        """
        with connection(self.path) as database:
            return _newest(database.cursor())

    def accept_blocking(self, submission: Submission, file_hash: str | None = None) -> Accepted:
        """Do what :meth:`accept` does, blocking.

        :raises HistoryUnusable: when the file cannot be written.
        """
        with connection(self.path) as database, transaction(database) as cursor:
            return _accept(cursor, submission, file_hash, self._keep)

    def file_hash_blocking(self) -> str | None:
        """Return what was last noted of the operator's file; see :meth:`note_file`.

        :raises HistoryUnusable: when the file cannot be read.
        """
        with connection(self.path) as database:
            row = database.execute("SELECT value FROM meta WHERE name = 'file_hash'").fetchone()
            return None if row is None else cast(str, row[0])

    def startService(self) -> None:
        """Start the database thread."""
        Service.startService(self)
        self._pool = ConnectionPool(
            "sqlite3",
            str(self.path),
            check_same_thread=False,
            isolation_level="IMMEDIATE",
            cp_min=1,
            cp_max=1,
            cp_openfun=configure,
            cp_reactor=self._reactor,
            cp_name="history",
        )
        self._pool.start()

    def stopService(self) -> None:
        """Finish what was submitted and close the file."""
        Service.stopService(self)
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    async def accept(
        self, submission: Submission, file_hash: str | None = None, rollout: str | None = None
    ) -> Accepted:
        """Store a document under the next revision, on disk when this returns.

        A document whose hash is that of the newest snapshot is no change: the newest is returned.

        :param submission: the document and where it came from.
        :param file_hash: to be noted of the operator's file in the same breath; see :meth:`note_file`.
        :param rollout: to be noted of the revision's rollout in the same breath; see :meth:`note_rollout`.
        :returns: the snapshot with its revision.
        :raises HistoryUnusable: when it cannot be stored (a full disk, say); no revision was used then.
        """
        return cast(Accepted, await self._interact(_accept, submission, file_hash, self._keep, rollout))

    async def note_file(self, file_hash: str) -> None:
        """Note that the content of the operator's file has been dealt with: accepted, or set aside.

        :param file_hash: the hash of its document.
        :raises HistoryUnusable: when it cannot be stored.
        """
        await self._interact(_note_file, file_hash)

    async def note_rollout(self, revision: int, document: str) -> None:
        """Note how far the rollout of a revision has got, unless a later one has one of its own.

        :param revision: the one that is rolled out.
        :param document: how far, as JSON.
        :raises HistoryUnusable: when it cannot be stored.
        """
        await self._interact(_note_rollout, revision, document)

    def rollout_blocking(self) -> tuple[int, str] | None:
        """Return the revision of the last rollout and what was last noted of it, or None when there was none.

        :raises HistoryUnusable: when the file cannot be read.
        """
        with connection(self.path) as database:
            row = database.execute("SELECT revision, document FROM rollout").fetchone()
            return None if row is None else (row[0], row[1])

    def find_blocking(self, revision: int) -> Accepted | None:
        """Do what :meth:`find` does, blocking."""
        with connection(self.path) as database:
            return _find(database.cursor(), revision)

    def nodes_blocking(self) -> list[SeenNode]:
        """Return every data plane that was noted, in the order in which they were last seen.

        :raises HistoryUnusable: when the file cannot be read.
        """
        with connection(self.path) as database:
            rows = database.execute("SELECT node_id, last_seen, document FROM nodes ORDER BY last_seen")
            return [SeenNode(*row) for row in rows]

    async def note_nodes(self, nodes: Sequence[SeenNode], forget_before: float) -> None:
        """Note what is known of data planes.

        :param nodes: those of which something new is known.
        :param forget_before: those that were last seen before this are forgotten, and of more than 20,000
            those that were seen the longest ago.
        :raises HistoryUnusable: when it cannot be stored.
        """
        await self._interact(_note_nodes, nodes, forget_before)

    async def entries(self) -> list[Entry]:
        """Return what is kept, the newest first, without the documents.

        :raises HistoryUnusable: when the file cannot be read.
        """
        return cast(list[Entry], await self._interact(_entries))

    async def find(self, revision: int) -> Accepted | None:
        """Return a snapshot, or None when there is none (any more) with this revision.

        :raises HistoryUnusable: when the file cannot be read.
        """
        return cast("Accepted | None", await self._interact(_find, revision))

    async def newest(self) -> Accepted | None:
        """Return the snapshot with the highest revision, or None when there has been none.

        :raises HistoryUnusable: when the file cannot be read.
        """
        return cast("Accepted | None", await self._interact(_newest))

    async def _interact(self, interaction: Callable[..., object], *arguments: object) -> object:
        if self._pool is None:
            raise HistoryUnusable(f"{self.path}: the history is closed")
        query: Deferred[object] = self._pool.runInteraction(self._on_the_file, interaction, *arguments)
        try:
            return await query
        except (sqlite3.Error, ValueError) as error:
            raise HistoryUnusable(f"{self.path}: {error}") from error

    def _on_the_file(self, cursor: Cursor, interaction: Callable[..., object], *arguments: object) -> object:
        # SQLite goes on writing to a file that has no name any more, and nobody would find that again.
        if _identity(self.path) != self._identity:
            raise HistoryUnusable(f"{self.path}: was moved, deleted or replaced: restart the control plane")
        return interaction(cursor, *arguments)


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell which file it is that has a name, if there is one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


_COLUMNS = tuple(field.name for field in fields(Entry))
_ENTRY = ", ".join(_COLUMNS)


def _newest(cursor: Cursor) -> Accepted | None:
    cursor.execute(f"SELECT document, {_ENTRY} FROM snapshots ORDER BY revision DESC LIMIT 1")
    return _accepted(cursor.fetchone())


def _find(cursor: Cursor, revision: int) -> Accepted | None:
    cursor.execute(f"SELECT document, {_ENTRY} FROM snapshots WHERE revision = ?", (revision,))
    return _accepted(cursor.fetchone())


def _entries(cursor: Cursor) -> list[Entry]:
    cursor.execute(f"SELECT {_ENTRY} FROM snapshots ORDER BY revision DESC")
    return [Entry(**dict(zip(_COLUMNS, row, strict=True))) for row in cursor.fetchall()]


def _accepted(row: Any) -> Accepted | None:
    if row is None:
        return None
    document, *rest = row
    entry = dict(zip(_COLUMNS, rest, strict=True))
    try:
        return Accepted(text=zlib.decompress(document), **entry)
    except zlib.error as error:
        raise ValueError(f"the document of revision {entry['revision']} is damaged: {error}") from error


def _accept(
    cursor: Cursor, submission: Submission, file_hash: str | None, keep: int, rollout: str | None = None
) -> Accepted:
    if file_hash is not None:
        _note_file(cursor, file_hash)
    cursor.execute("SELECT hash FROM snapshots ORDER BY revision DESC LIMIT 1")
    if cursor.fetchone() == (submission.hash,):
        return cast(Accepted, _newest(cursor))
    described = asdict(submission, filter=exclude("text"))
    cursor.execute(
        f"INSERT INTO snapshots (document, {', '.join(described)}) VALUES (?{', ?' * len(described)})",
        (zlib.compress(submission.text), *described.values()),
    )
    assert cursor.lastrowid is not None
    revision = Revision(cursor.lastrowid)
    cursor.execute("DELETE FROM snapshots WHERE revision <= ?", (revision - keep,))
    if rollout is not None:
        cursor.execute("DELETE FROM rollout")
        cursor.execute("INSERT INTO rollout VALUES (?, ?)", (revision, rollout))
    return Accepted(revision=revision, text=submission.text, **described)


def _note_nodes(cursor: Cursor, nodes: Sequence[SeenNode], forget_before: float) -> None:
    cursor.execute("DELETE FROM nodes WHERE last_seen < ?", (forget_before,))
    for node in nodes:
        cursor.execute("INSERT OR REPLACE INTO nodes VALUES (?, ?, ?)", astuple(node))
    cursor.execute(
        "DELETE FROM nodes WHERE node_id IN"
        " (SELECT node_id FROM nodes ORDER BY last_seen DESC LIMIT -1 OFFSET ?)",
        (MAX_NODES,),
    )


def _note_rollout(cursor: Cursor, revision: int, document: str) -> None:
    cursor.execute("UPDATE rollout SET document = ? WHERE revision = ?", (document, revision))


def _note_file(cursor: Cursor, file_hash: str) -> None:
    cursor.execute("INSERT OR REPLACE INTO meta VALUES ('file_hash', ?)", (file_hash,))
