"""Where state is kept."""

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.state import LOCK_FILE, FolderLock, InUse, state_dir


class StateDirTests(SynchronousTestCase):
    """The folder of a daemon."""

    def setUp(self) -> None:
        self.home = Path(self.enterContext(TemporaryDirectory()))
        self.enterContext(mock.patch.dict("os.environ", {"XDG_STATE_HOME": str(self.home)}))

    def test_a_chosen_folder_is_used_as_it_is_and_made(self) -> None:
        chosen = self.home / "a" / "b"
        self.assertEqual(state_dir(chosen, "cellrouter-dp", "tcp:8080"), chosen)
        self.assertTrue(chosen.is_dir())

    def test_otherwise_each_daemon_and_port_has_a_folder_of_its_own(self) -> None:
        folders = {
            state_dir(None, daemon, endpoint)
            for daemon in ("cellrouter-dp", "cellrouter-cp")
            for endpoint in ("tcp:8080", "tcp:8081", "tcp:8080:interface=127.0.0.1", "unix:/run/a.sock")
        }
        self.assertEqual(len(folders), 8)
        self.assertEqual({folder.parent for folder in folders}, {self.home / "cellrouter"})
        self.assertIn(self.home / "cellrouter" / "cellrouter-dp-8080", folders)

    def test_a_folder_that_cannot_be_made_is_named_all_the_same(self) -> None:
        (self.home / "file").touch()
        self.assertEqual(state_dir(self.home / "file" / "x", "d", "tcp:1"), self.home / "file" / "x")


class FolderLockTests(SynchronousTestCase):
    """A folder that only one may use."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))

    def test_a_second_one_is_told_which_folder_it_is(self) -> None:
        first = FolderLock(self.folder)
        for _ in range(2):
            error = self.assertRaises(InUse, FolderLock, self.folder)
            self.assertIn(f"{self.folder}: another process uses this folder", str(error))
        first.stopService()
        FolderLock(self.folder).stopService()

    def test_a_folder_in_which_nothing_can_be_locked_is_for_others_to_complain_of(self) -> None:
        FolderLock(self.folder / "missing").stopService()
        (self.folder / LOCK_FILE).mkdir()
        FolderLock(self.folder).stopService()
