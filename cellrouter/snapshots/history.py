"""The accepted snapshots, newest last, in an SQLite file: where revisions come from.

A revision is given out by SQLite's AUTOINCREMENT in the transaction that stores its document, and that
transaction is on disk (WAL, ``synchronous=FULL``) before anyone hears of the revision. So a revision is never
reused, and never means two documents, whenever the process is killed or the machine loses power.
"""

import json
import sqlite3
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from attrs import frozen
from twisted.application.service import Service
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore

from cellrouter.config import Revision

DEFAULT_KEEP = 100

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        """CREATE TABLE snapshots (
            revision INTEGER PRIMARY KEY AUTOINCREMENT,
            version TEXT NOT NULL,
            hash TEXT NOT NULL,
            accepted_at REAL NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT NOT NULL,
            document BLOB NOT NULL
        )""",
    ),
)
"""Statements that bring the schema from version N to N + 1; the file's ``user_version`` counts them."""


class HistoryUnusable(Exception):
    """The history cannot be opened, read or written; the message says which file and why."""


@frozen
class Accepted:
    """A snapshot that was accepted.

    :ivar revision: its number, never used for another document.
    :ivar version: the operator's label.
    :ivar hash: SHA-256 of the canonical document.
    :ivar accepted_at: when, in seconds since the epoch.
    :ivar actor: who or what submitted it.
    :ivar reason: why, in the actor's words; empty when none was given.
    :ivar document: the document as submitted.
    """

    revision: Revision
    version: str
    hash: str
    accepted_at: float
    actor: str
    reason: str
    document: Mapping[str, object]


@frozen
class Submission:
    """A validated document on its way into the history; the fields are those of :class:`Accepted`."""

    version: str
    hash: str
    accepted_at: float
    actor: str
    reason: str
    document: Mapping[str, object]


class Cursor(Protocol):
    """What is used of a DB-API cursor: sqlite3's own and adbapi's ``Transaction`` both fit."""

    @property
    def lastrowid(self) -> int | None:
        """The key of the row inserted last."""

    def execute(self, statement: str, parameters: tuple[object, ...] = ..., /) -> Any:
        """Run one statement."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""


class History(Service):
    """The history file, reached through a pool of one database thread.

    Make one with :meth:`open`, which is blocking like the other ``*_blocking`` methods: they are for the time
    before the reactor runs. The rest needs the service to be started.

    :param path: the SQLite file.
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

    @classmethod
    def open(cls, path: Path, reactor: IReactorCore, keep: int = DEFAULT_KEEP) -> "History":
        """Open the history file, blocking; make it or bring its schema up to date when needed.

        :param path: the SQLite file; its folder exists.
        :param reactor: used once the service is started.
        :param keep: how many snapshots to keep, at least 1.
        :returns: the history.
        :raises HistoryUnusable: when it cannot be opened or was made by a newer release.
        """
        with _connection(path) as connection:
            _migrate(path, connection)
            source_id = connection.execute("SELECT value FROM meta WHERE name = 'source_id'").fetchone()[0]
        return cls(path, source_id, keep, reactor)

    def newest_blocking(self) -> Accepted | None:
        """Return the snapshot with the highest revision, or None when there has been none.

        :raises HistoryUnusable: when the file cannot be read.
        """
        with _connection(self.path) as connection:
            return _newest(connection.cursor())

    def accept_blocking(self, submission: Submission) -> Accepted:
        """Do what :meth:`accept` does, blocking.

        :raises HistoryUnusable: when the file cannot be written.
        """
        with _connection(self.path) as connection, _transaction(connection) as cursor:
            return _accept(cursor, submission, self._keep)

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
            cp_openfun=_configure,
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

    async def accept(self, submission: Submission) -> Accepted:
        """Store a document under the next revision, on disk when this returns.

        A document whose hash is that of the newest snapshot is no change: the newest is returned.

        :param submission: the document and where it came from.
        :returns: the snapshot with its revision.
        :raises HistoryUnusable: when it cannot be stored (a full disk, say); no revision was used then.
        """
        return cast(Accepted, await self._interact(_accept, submission, self._keep))

    async def newest(self) -> Accepted | None:
        """Return the snapshot with the highest revision, or None when there has been none.

        :raises HistoryUnusable: when the file cannot be read.
        """
        return cast("Accepted | None", await self._interact(_newest))

    async def _interact(self, interaction: Callable[..., object], *arguments: object) -> object:
        if self._pool is None:
            raise HistoryUnusable(f"{self.path}: the history is closed")
        query: Deferred[object] = self._pool.runInteraction(interaction, *arguments)
        try:
            return await query
        except (sqlite3.Error, zlib.error, ValueError) as error:
            raise HistoryUnusable(f"{self.path}: {error}") from error


def _newest(cursor: Cursor) -> Accepted | None:
    cursor.execute(
        "SELECT revision, version, hash, accepted_at, actor, reason, document"
        " FROM snapshots ORDER BY revision DESC LIMIT 1"
    )
    row = cursor.fetchone()
    if row is None:
        return None
    revision, version, hash_, accepted_at, actor, reason, document = row
    return Accepted(
        revision, version, hash_, accepted_at, actor, reason, json.loads(zlib.decompress(document))
    )


def _accept(cursor: Cursor, submission: Submission, keep: int) -> Accepted:
    cursor.execute("SELECT hash FROM snapshots ORDER BY revision DESC LIMIT 1")
    if cursor.fetchone() == (submission.hash,):
        return cast(Accepted, _newest(cursor))
    document = zlib.compress(json.dumps(submission.document, separators=(",", ":")).encode())
    cursor.execute(
        "INSERT INTO snapshots (version, hash, accepted_at, actor, reason, document)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            submission.version,
            submission.hash,
            submission.accepted_at,
            submission.actor,
            submission.reason,
            document,
        ),
    )
    assert cursor.lastrowid is not None
    revision = Revision(cursor.lastrowid)
    cursor.execute("DELETE FROM snapshots WHERE revision <= ?", (revision - keep,))
    return Accepted(
        revision,
        submission.version,
        submission.hash,
        submission.accepted_at,
        submission.actor,
        submission.reason,
        submission.document,
    )


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # WAL's default, NORMAL, may lose the last commits when the power fails: a revision that data planes
    # already run would then be given out again.
    connection.execute("PRAGMA synchronous = FULL")


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            _configure(connection)
            yield connection
    except (sqlite3.Error, zlib.error, ValueError) as error:
        raise HistoryUnusable(f"{path}: {error}") from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
    """Commit at the end, roll back on any exception.

    Written out because sqlite3 opens no transaction of its own around CREATE TABLE.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection.cursor()
    except BaseException:
        # SQLite rolls back by itself when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _migrate(path: Path, connection: sqlite3.Connection) -> None:
    with _transaction(connection) as cursor:
        schema = cursor.execute("PRAGMA user_version").fetchone()[0]
        if schema > len(MIGRATIONS):
            raise HistoryUnusable(
                f"{path}: made by a newer release of cellrouter"
                f" (schema {schema}, this one knows {len(MIGRATIONS)}); upgrade, or use another --state-dir"
            )
        for statements in MIGRATIONS[schema:]:
            for statement in statements:
                cursor.execute(statement)
        cursor.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        cursor.execute("INSERT OR IGNORE INTO meta VALUES ('source_id', ?)", (str(uuid.uuid4()),))
