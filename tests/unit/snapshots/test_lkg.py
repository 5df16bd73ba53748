"""What survives a restart, and what happens to files that did not survive well."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import CompiledConfig, LoadedConfig, Revision, load_document
from cellrouter.snapshots.active import Snapshot, Source
from cellrouter.snapshots.lkg import MAX_CORRUPT_KEPT, LastKnownGoodStore
from tests.support.documents import document
from tests.support.logs import CapturedLog

LIMIT_BYTES = 1_000_000


def snapshot(version: str, revision: int | None = 1, source_id: str | None = "source") -> Snapshot:
    """Make a snapshot from a control plane."""
    loaded: LoadedConfig = load_document(document(version))
    number = None if revision is None else Revision(revision)
    return Snapshot.build(CompiledConfig.of(loaded), Source.CONTROL_PLANE, number, source_id)


class StoreTests(SynchronousTestCase):
    """A store in a folder of its own."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory())) / "state"
        self.time = 0.0
        self.store = LastKnownGoodStore(self.folder, LIMIT_BYTES, lambda: self.time)
        self.log = CapturedLog(self)

    def version(self) -> str | None:
        loaded = self.store.load()
        return None if loaded is None else loaded.version


class SavedTests(StoreTests):
    """Saved snapshots are found again."""

    def test_nothing_was_saved(self) -> None:
        self.assertIsNone(self.store.load())
        self.assertEqual(self.log.lines, [])

    def test_the_newest_comes_back_with_its_origin(self) -> None:
        self.store.save(snapshot("1", 1))
        self.store.save(snapshot("2", 2))
        loaded = self.store.load()
        assert loaded is not None
        self.assertEqual(
            (loaded.version, loaded.revision, loaded.source_id, loaded.source),
            ("2", 2, "source", Source.LAST_KNOWN_GOOD),
        )
        self.assertEqual(loaded.hash, snapshot("2").hash)

    def test_a_bare_snapshot_comes_back_bare(self) -> None:
        self.store.save(snapshot("1", None, None))
        loaded = self.store.load()
        assert loaded is not None
        self.assertEqual((loaded.revision, loaded.source_id), (None, None))

    def test_two_generations_and_no_drafts_are_kept(self) -> None:
        for version in "123":
            self.store.save(snapshot(version))
        self.assertEqual(
            sorted(path.name for path in self.folder.iterdir()),
            ["last-known-good.json", "last-known-good.json.previous"],
        )

    def test_a_document_with_every_kind_of_character_comes_back(self) -> None:
        self.store.save(snapshot("é😀 \\ /"))
        self.assertEqual(self.version(), "é😀 \\ /")


class KilledTests(StoreTests):
    """A save that is cut off at any point leaves the one before it."""

    def test_whichever_step_is_the_last_one_a_good_snapshot_is_found(self) -> None:
        self.store.save(snapshot("1"))
        steps = ("os.fsync", "pathlib.Path.rename")
        for step in steps:
            for at in (1, 2):
                calls = 0
                real = {"os.fsync": os.fsync, "pathlib.Path.rename": Path.rename}[step]

                def dying(*arguments: object, at: int = at, real: object = real) -> object:
                    nonlocal calls
                    calls += 1
                    if calls == at:
                        raise KeyboardInterrupt
                    return real(*arguments)  # type: ignore[operator]  # one of the two functions above

                with mock.patch(step, dying), self.assertRaises(KeyboardInterrupt):
                    self.store.save(snapshot("2"))
                self.assertIn(self.version(), ("1", "2"), (step, at))
                self.assertEqual(self.log.lines, [])
                self.store.save(snapshot("1"))

    def test_a_full_disk_leaves_the_old_one(self) -> None:
        self.store.save(snapshot("1"))
        with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")):
            self.assertRaises(OSError, self.store.save, snapshot("2"))
        self.assertEqual(self.version(), "1")

    def test_a_folder_that_cannot_be_made_is_an_os_error(self) -> None:
        self.folder.touch()
        self.assertRaises(OSError, self.store.save, snapshot("1"))
        self.assertIsNone(self.store.load())


class CorruptTests(StoreTests):
    """Files that are not what was written."""

    def corrupt_names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.corrupt-*"))

    def test_a_corrupt_file_is_set_aside_and_the_previous_one_is_used(self) -> None:
        good = b'{"revision":1,"source_id":null,"hash":"sha256:0","config":'
        for content in (b"", b"\0" * 100, b"[" * 100_000, b"{}", b"null", good + b"{}}", good + b"null}"):
            self.store.save(snapshot("1"))
            self.store.save(snapshot("2"))
            self.store.path.write_bytes(content)
            self.assertEqual(self.version(), "1", content[:20])
            self.assertIn("last-known-good.json is corrupt", self.log.lines[-1])
            self.assertFalse(self.store.path.exists())

    def test_a_changed_document_fails_its_hash(self) -> None:
        self.store.save(snapshot("1"))
        self.store.path.write_bytes(self.store.path.read_bytes().replace(b":9001", b":9002"))
        self.assertIsNone(self.store.load())
        self.assertIn("hash_mismatch", self.log.text)

    def test_every_truncation_is_noticed(self) -> None:
        self.store.save(snapshot("1"))
        whole = self.store.path.read_bytes()
        for length in range(len(whole)):
            self.store.path.write_bytes(whole[:length])
            self.assertIsNone(self.store.load(), length)

    def test_both_corrupt_is_as_none(self) -> None:
        self.store.save(snapshot("1"))
        self.store.save(snapshot("2"))
        self.store.path.write_bytes(b"x")
        self.store.previous.write_bytes(b"x")
        self.assertIsNone(self.store.load())
        self.assertEqual(len(self.corrupt_names()), 2)

    def test_only_the_last_few_corrupt_files_are_kept(self) -> None:
        for number in range(10):
            self.time = number * 1000.0
            self.store.save(snapshot("1"))
            self.store.path.write_bytes(b"x")
            self.store.load()
        self.assertEqual(
            self.corrupt_names(),
            [f"last-known-good.json.corrupt-19700101T{stamp}Z" for stamp in ("015640", "021320", "023000")],
        )
        self.assertEqual(len(self.corrupt_names()), MAX_CORRUPT_KEPT)

    def test_a_folder_in_its_place_is_skipped(self) -> None:
        self.store.save(snapshot("1"))
        self.store.save(snapshot("2"))
        self.store.path.unlink()
        self.store.path.mkdir()
        self.assertEqual(self.version(), "1")
        self.assertIn("is a folder", self.log.text)

    def test_a_corrupt_file_that_cannot_be_renamed_does_no_harm(self) -> None:
        self.store.save(snapshot("1"))
        self.store.path.write_bytes(b"x")
        with mock.patch("pathlib.Path.rename", side_effect=PermissionError(13, "Permission denied")):
            self.assertIsNone(self.store.load())
        self.assertIn("cannot be set aside: Permission denied", self.log.text)
