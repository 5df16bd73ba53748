"""The history's SQLite file: how it is opened, and how its tables come to be."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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
    (
        "ALTER TABLE snapshots ADD COLUMN changes TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE snapshots ADD COLUMN overridden TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE snapshots ADD COLUMN restores INTEGER",
        # Before this schema every snapshot came from the file.
        """INSERT INTO meta SELECT 'file_hash', hash FROM snapshots
            WHERE revision = (SELECT max(revision) FROM snapshots)""",
    ),
    (
        """CREATE TABLE nodes (
            node_id TEXT PRIMARY KEY,
            last_seen REAL NOT NULL,
            document TEXT NOT NULL
        )""",
    ),
    (
        """CREATE TABLE rollout (
            revision INTEGER PRIMARY KEY,
            document TEXT NOT NULL
        )""",
    ),
)
"""Statements that bring the schema from version N to N + 1; the file's ``user_version`` counts them."""


class HistoryUnusable(Exception):
    """The history cannot be opened, read or written; the message says which file and why."""


def configure(database: sqlite3.Connection) -> None:
    """Set up a connection, whoever has opened it."""
    database.execute("PRAGMA journal_mode = WAL")
    # WAL's default, NORMAL, may lose the last commits when the power fails: a revision that data planes
    # already run would then be given out again.
    database.execute("PRAGMA synchronous = FULL")


@contextmanager
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for a while.

    :raises HistoryUnusable: when that, or anything that is done meanwhile, fails.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            configure(database)
            yield database
    except (sqlite3.Error, ValueError) as error:
        hint = "; its folder has to exist and to be writable" if "unable to open" in str(error) else ""
        raise HistoryUnusable(f"{path}: {error}{hint}") from error


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
    """Commit at the end, roll back on any exception.

    Written out because sqlite3 opens no transaction of its own around CREATE TABLE.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database.cursor()
    except BaseException:
        # SQLite rolls back by itself when the disk is full.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def migrate(path: Path, database: sqlite3.Connection) -> None:
    """Bring the schema up to date, all of it or nothing; make the ``source_id`` of a new file.

    :raises HistoryUnusable: when the file was made by a newer release.
    """
    with transaction(database) as cursor:
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
