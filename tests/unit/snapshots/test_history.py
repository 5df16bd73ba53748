"""Revisions come from the history, are never reused, and survive whatever happens to the process."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from cellrouter.snapshots import history_schema
from cellrouter.snapshots.accepted import Accepted, Submission
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import MIGRATIONS, HistoryUnusable


def submission(label: str) -> Submission:
    """Make a submission that differs from others by its label."""
    return Submission(
        version=label,
        hash=f"sha256:{label}",
        accepted_at=1000.0,
        actor="file",
        reason="",
        text=json.dumps({"version": label, "routingTable": {"ключ": "tier1"}}).encode(),
    )


class BlockingHistoryTests(SynchronousTestCase):
    """What happens before the reactor runs."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory()))
        self.path = folder / "history.db"

    def open(self, keep: int = 100) -> History:
        return History.open(self.path, reactor, keep)

    def test_a_new_history_is_empty(self) -> None:
        self.assertIsNone(self.open().newest_blocking())

    def test_each_accepted_document_gets_the_next_revision(self) -> None:
        history = self.open()
        revisions = [history.accept_blocking(submission(label)).revision for label in "abc"]
        self.assertEqual(revisions, [1, 2, 3])

    def test_the_newest_comes_back_as_it_was_accepted(self) -> None:
        history = self.open()
        history.accept_blocking(submission("a"))
        accepted = history.accept_blocking(submission("b"))
        self.assertEqual(self.open().newest_blocking(), accepted)
        self.assertEqual(accepted.text, submission("b").text)

    def test_one_is_found_by_its_revision(self) -> None:
        history = self.open()
        accepted = history.accept_blocking(submission("a"))
        self.assertEqual(history.find_blocking(1), accepted)
        self.assertIsNone(history.find_blocking(2))

    def test_an_equal_hash_is_no_change(self) -> None:
        history = self.open()
        first = history.accept_blocking(submission("a"))
        self.assertEqual(history.accept_blocking(submission("a")), first)
        self.assertEqual(history.accept_blocking(submission("b")).revision, 2)

    def test_old_content_that_returns_gets_a_new_revision(self) -> None:
        history = self.open()
        revisions = [history.accept_blocking(submission(label)).revision for label in "aba"]
        self.assertEqual(revisions, [1, 2, 3])

    def test_only_the_last_ones_are_kept_and_numbers_go_on(self) -> None:
        history = self.open(keep=2)
        for label in "abcde":
            history.accept_blocking(submission(label))
        with sqlite3.connect(self.path) as connection:
            kept = connection.execute("SELECT revision FROM snapshots ORDER BY revision").fetchall()
            connection.execute("DELETE FROM snapshots")
        connection.close()
        self.assertEqual(kept, [(4,), (5,)])
        self.assertEqual(self.open().accept_blocking(submission("f")).revision, 6)

    def test_the_source_id_is_made_with_the_file_and_stays(self) -> None:
        first = self.open().source_id
        self.assertEqual(self.open().source_id, first)
        self.path.unlink()
        self.assertNotEqual(self.open().source_id, first)

    def test_it_writes_ahead_and_to_the_disk(self) -> None:
        self.open()
        with sqlite3.connect(self.path) as connection:
            self.assertEqual(connection.execute("PRAGMA journal_mode").fetchone(), ("wal",))
            self.assertEqual(connection.execute("PRAGMA user_version").fetchone(), (len(MIGRATIONS),))
        connection.close()

    def test_a_file_of_a_newer_release_is_left_alone(self) -> None:
        self.open()
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        error = self.assertRaises(HistoryUnusable, self.open)
        self.assertIn("made by a newer release", str(error))

    def test_a_file_that_is_no_database_is_named(self) -> None:
        self.path.write_bytes(b"not a database, whatever it is" * 100)
        error = self.assertRaises(HistoryUnusable, self.open)
        self.assertEqual(str(error), f"{self.path}: file is not a database")

    def test_a_damaged_document_is_reported_not_raised_raw(self) -> None:
        history = self.open()
        history.accept_blocking(submission("a"))
        with sqlite3.connect(self.path) as connection:
            connection.execute("UPDATE snapshots SET document = x'00'")
        connection.close()
        error = self.assertRaises(HistoryUnusable, history.newest_blocking)
        self.assertIn(f"{self.path}: the document of revision 1 is damaged: ", str(error))

    def test_a_missing_folder_is_named(self) -> None:
        self.path = self.path.parent / "missing" / "history.db"
        error = self.assertRaises(HistoryUnusable, self.open)
        self.assertEqual(
            str(error),
            f"{self.path}: unable to open database file; its folder has to exist and to be writable",
        )

    def test_kill_9_loses_nothing_that_was_accepted_and_repeats_no_revision(self) -> None:
        script = (
            "import sys; from pathlib import Path; from twisted.internet import reactor\n"
            "from cellrouter.snapshots.history import History\n"
            "from tests.unit.snapshots.test_history import submission\n"
            "history = History.open(Path(sys.argv[1]), reactor)\n"
            "for number in range(10**6):\n"
            "    accepted = history.accept_blocking(submission(f'{sys.argv[2]}-{number}'))\n"
            "    print(accepted.revision, accepted.version, flush=True)\n"
        )
        said: dict[int, str] = {}
        for run in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(self.path), str(run)],
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[3],
            )
            assert process.stdout is not None
            for _ in range(20 + run):
                revision, version = process.stdout.readline().split()
                self.assertNotIn(int(revision), said)
                said[int(revision)] = version
            os.kill(process.pid, signal.SIGKILL)
            for line in process.stdout.read().splitlines():
                revision, version = line.split()
                said[int(revision)] = version
            process.stdout.close()
            process.wait()
            newest = self.open().newest_blocking()
            assert newest is not None
            self.assertGreaterEqual(newest.revision, max(said))
            said[newest.revision] = newest.version
        self.assertEqual(sorted(said), list(range(1, max(said) + 1)))


class MigrationTests(SynchronousTestCase):
    """A file that an earlier release made."""

    def test_it_keeps_its_revisions_and_its_source_and_knows_that_they_came_from_the_file(self) -> None:
        path = Path(self.enterContext(TemporaryDirectory())) / "history.db"
        database = sqlite3.connect(path)
        for statement in MIGRATIONS[0]:
            database.execute(statement)
        database.execute("PRAGMA user_version = 1")
        database.execute("INSERT INTO meta VALUES ('source_id', 'the-source')")
        document = {"version": "old", "routingTable": {}}
        for revision in (6, 7):
            blob = zlib.compress(json.dumps(document).encode())
            row = (revision, "old", f"sha256:{revision}", 1.0, "file", "", blob)
            database.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
        database.close()
        history = History.open(path, reactor)
        newest = history.newest_blocking()
        assert newest is not None
        self.assertEqual((history.source_id, newest.revision), ("the-source", 7))
        self.assertEqual((json.loads(newest.text), newest.changes, newest.restores), (document, "", None))
        self.assertEqual(history.file_hash_blocking(), "sha256:7")
        self.assertEqual(history.accept_blocking(submission("new")).revision, 8)

    def test_one_that_fails_half_way_leaves_the_file_as_it_was(self) -> None:
        path = Path(self.enterContext(TemporaryDirectory())) / "history.db"
        broken = (*MIGRATIONS, ("CREATE TABLE more (x)", "CREATE TABLE more (x)"))
        History.open(path, reactor).accept_blocking(submission("a"))
        self.patch(history_schema, "MIGRATIONS", broken)
        self.assertRaises(HistoryUnusable, History.open, path, reactor)
        self.patch(history_schema, "MIGRATIONS", MIGRATIONS)
        self.assertEqual(History.open(path, reactor).accept_blocking(submission("b")).revision, 2)


class RunningHistoryTests(TestCase):
    """What happens while the reactor runs, in the database thread."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory()))
        self.history = History.open(folder / "history.db", reactor)
        self.history.startService()
        self.addCleanup(self.history.stopService)

    def accept(self, label: str) -> "Deferred[Accepted]":
        return Deferred.fromCoroutine(self.history.accept(submission(label)))

    async def test_an_accepted_snapshot_is_the_newest(self) -> None:
        accepted = await self.accept("a")
        self.assertEqual(await self.history.newest(), accepted)
        self.assertEqual(self.history.newest_blocking(), accepted)

    async def test_many_at_once_get_a_revision_each(self) -> None:
        accepted = await gatherResults([self.accept(str(number)) for number in range(20)])
        self.assertEqual([each.revision for each in accepted], list(range(1, 21)))

    async def test_a_failing_database_is_an_answer(self) -> None:
        with sqlite3.connect(self.history.path) as other:
            other.execute("DROP TABLE snapshots")
        other.close()
        with self.assertRaisesRegex(HistoryUnusable, "no such table"):
            await self.accept("a")

    async def test_nothing_is_accepted_into_a_file_that_would_not_be_found_again(self) -> None:
        """An operator has tidied up, or put back a copy, while the control plane runs."""
        first = await self.accept("a")
        away = self.history.path.with_name("away")
        self.history.path.rename(away)
        with self.assertRaisesRegex(HistoryUnusable, "history.db: was moved, deleted or replaced"):
            await self.accept("b")
        self.history.path.write_bytes(away.read_bytes())
        with self.assertRaisesRegex(HistoryUnusable, "restart the control plane"):
            await self.accept("b")
        away.rename(self.history.path)
        self.assertEqual((await self.accept("b")).revision, first.revision + 1)

    async def test_a_stopped_history_says_so(self) -> None:
        self.history.stopService()
        with self.assertRaisesRegex(HistoryUnusable, "closed"):
            await self.accept("a")

    async def test_entries_are_what_is_kept_without_the_documents(self) -> None:
        for label in "ab":
            await self.accept(label)
        newest, oldest = await self.history.entries()
        self.assertEqual((newest.revision, newest.version, oldest.revision), (2, "b", 1))

    async def test_a_revision_is_found_as_it_was_accepted_or_not_at_all(self) -> None:
        accepted = await self.accept("a")
        await self.accept("b")
        self.assertEqual(await self.history.find(1), accepted)
        self.assertIsNone(await self.history.find(99))

    async def test_who_why_and_what_are_kept(self) -> None:
        said = evolve(
            submission("a"), actor="ann", reason="it broke", changes="x", overridden="y", restores=3
        )
        await self.history.accept(said)
        (entry,) = await self.history.entries()
        self.assertEqual((entry.actor, entry.reason), ("ann", "it broke"))
        self.assertEqual((entry.changes, entry.overridden, entry.restores), ("x", "y", 3))

    async def test_a_rollout_is_noted_with_its_revision_and_survives(self) -> None:
        self.assertIsNone(self.history.rollout_blocking())
        await self.accept("a")
        await self.history.accept(submission("b"), rollout="begins")
        self.assertEqual(self.history.rollout_blocking(), (2, "begins"))
        await self.history.note_rollout(2, "goes on")
        await self.accept("c")
        self.assertEqual(self.history.rollout_blocking(), (2, "goes on"))
        await self.history.accept(submission("d"), rollout="the next")
        await self.history.note_rollout(2, "too late")
        self.assertEqual(self.history.rollout_blocking(), (4, "the next"))

    async def test_what_is_noted_of_the_file_survives(self) -> None:
        self.assertIsNone(self.history.file_hash_blocking())
        await self.history.accept(submission("a"), "sha256:file")
        self.assertEqual(self.history.file_hash_blocking(), "sha256:file")
        await self.history.note_file("sha256:other")
        self.assertEqual(self.history.file_hash_blocking(), "sha256:other")
