"""A good change of the file becomes the next revision; a bad one changes nothing."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.defer import fail
from twisted.internet.task import Clock
from twisted.logger import LogLevel, eventAsText, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused
from cellrouter.controlplane.intake import FileState
from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.poller import Unreadable
from tests.unit.controlplane.desks import LIMIT_BYTES, Desk


def config(version: str = "1.0.0", port: int = 9001) -> bytes:
    """Return a valid config as JSON text."""
    document = {
        "version": version,
        "routingTable": {"acme": "tier1"},
        "cellEndpoints": {"tier1": f"http://127.0.0.1:{port}", "tier3": "http://127.0.0.1:9003"},
        "defaultPlacement": "tier3",
    }
    return json.dumps(document).encode()


class IntakeTests(SynchronousTestCase):
    """An intake on a real file and a real history, with a fake clock and no threads."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.path = self.folder / "routing.json"
        self.clock = Clock()
        self.events: list[dict[str, object]] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)
        self.start_over()

    def start_over(self) -> None:
        """Make the objects of a fresh process on the same state folder."""
        self.desk = Desk(self.folder, self.clock)
        self.history, self.hub = self.desk.history, self.desk.hub
        self.changes, self.intake = self.desk.changes, self.desk.intake

    def run_with(self, content: bytes) -> None:
        self.path.write_bytes(content)
        self.intake.load_blocking()
        self.intake.startService()
        self.addCleanup(self.intake.stopService)

    def change(self, content: bytes) -> None:
        self.path.write_bytes(content)
        self.poll()

    def poll(self) -> None:
        self.desk.poll()

    def active(self) -> Accepted:
        assert self.hub.current is not None
        return self.hub.current.accepted

    def logged(self, level: object = LogLevel.error) -> list[str]:
        return [
            eventAsText(event, includeTimestamp=False, includeSystem=False)
            for event in self.events
            if event["log_level"] is level
        ]

    def test_the_first_good_file_is_revision_1(self) -> None:
        self.run_with(config())
        self.assertEqual((self.active().revision, self.active().version), (1, "1.0.0"))
        self.assertIs(self.intake.file_state, FileState.ACTIVE)

    def test_a_good_change_is_the_next_revision(self) -> None:
        self.run_with(config())
        self.change(config("1.0.1", 9002))
        self.assertEqual((self.active().revision, self.active().version), (2, "1.0.1"))
        self.assertEqual(self.history.newest_blocking(), self.active())

    def test_the_same_meaning_written_differently_is_no_change(self) -> None:
        self.run_with(config())
        announcement = self.hub.current
        self.change(json.dumps(json.loads(config()), indent=4, sort_keys=True).encode())
        self.assertIs(self.hub.current, announcement)
        self.assertEqual(self.logged(), [])

    def test_a_change_that_kept_its_version_label_is_taken_with_a_warning_that_names_it(self) -> None:
        self.run_with(config("1.0.0", 9001))
        self.change(config("1.0.0", 9002))
        self.assertEqual(self.active().revision, 2)
        self.assertEqual(
            self.logged(LogLevel.warn),
            ['version "1.0.0" was changed but kept its label: revision 2 differs from 1'],
        )

    def test_a_bad_change_is_logged_once_with_every_violation_and_not_taken(self) -> None:
        self.run_with(config())
        document = json.loads(config("1.0.1"))
        document["cellEndpoints"]["tier1"] = "ftp://nowhere"
        document["routingTable"]["acme"] = "tier9"
        self.change(json.dumps(document).encode())
        self.poll()
        self.assertEqual(self.active().revision, 1)
        self.assertIs(self.intake.file_state, FileState.REFUSED)
        logged = "\n".join(self.logged())
        self.assertEqual(logged.count(f"{self.path}: /cellEndpoints/tier1: invalid_url"), 1)
        self.assertEqual(logged.count(f"{self.path}: /routingTable/acme: unknown_placement"), 1)
        self.assertEqual(logged.count("revision 1 stays active"), 1)
        self.assertEqual(len(self.intake.problems), 2)

    def test_each_bad_change_is_logged(self) -> None:
        self.run_with(config())
        self.change(b"{")
        lines = len(self.logged())
        self.change(b"{ ")
        self.assertEqual(len(self.logged()), 2 * lines)

    def test_editing_a_bad_file_back_clears_the_problem(self) -> None:
        self.run_with(config())
        self.change(b"{")
        self.change(config())
        self.assertEqual(self.intake.problems, ())
        self.assertIs(self.intake.file_state, FileState.ACTIVE)
        self.assertEqual(self.active().revision, 1)

    def test_whatever_the_file_holds_the_old_config_stays_and_nothing_is_raised(self) -> None:
        self.run_with(config())
        good = json.loads(config())
        nulls = [json.dumps({**good, field: None}).encode() for field in good]
        hostile = [
            b"",
            b"\0" * 1000,
            b"\xff\xfe",
            b"null",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"9" * 100_000,
            config().replace(b'"1.0.0"', b"NaN"),
            config().replace(b'"routingTable"', b'"version": "2", "routingTable"'),
            config()[:-20],
            *nulls,
        ]
        for content in hostile:
            self.change(content)
            self.assertIs(self.intake.file_state, FileState.REFUSED, content[:40])
            self.assertEqual(self.active().revision, 1)
        self.change(config("1.0.1"))
        self.assertEqual(self.active().revision, 2)

    def test_whatever_becomes_of_the_file_the_old_config_stays(self) -> None:
        self.run_with(config())
        self.path.unlink()
        self.poll()
        self.path.mkdir()
        self.poll()
        self.path.rmdir()
        with self.path.open("wb") as file:
            file.truncate(100 * 1024 * 1024)
        self.poll()
        self.assertIs(self.intake.file_state, FileState.UNREADABLE)
        self.assertEqual(
            [line for line in self.logged() if "is not taken" not in line],
            [
                f"{self.path}: the file does not exist",
                f"{self.path}: is a folder, not a file",
                f"{self.path}: too large: 104857600 bytes, the limit is {LIMIT_BYTES}",
            ],
        )
        self.change(config())
        self.assertEqual((self.active().revision, self.intake.problems), (1, ()))

    def test_a_full_disk_is_said_once_and_the_change_is_taken_when_there_is_room(self) -> None:
        self.run_with(config())
        self.history.disk_is_full = True
        self.change(config("1.0.1"))
        self.poll()
        self.assertEqual(self.active().revision, 1)
        self.assertIs(self.intake.file_state, FileState.NOT_STORED)
        self.assertEqual(len([line for line in self.logged() if "disk is full" in line]), 1)
        self.history.disk_is_full = False
        self.poll()
        self.assertEqual((self.active().revision, self.intake.problems), (2, ()))

    def test_a_check_that_dies_is_said_once_and_made_again_ever_less_often(self) -> None:
        self.run_with(config())
        self.desk.children_fail = True
        self.change(config("1.0.1"))
        begun = self.desk.checks
        for _ in range(100):
            self.poll()
        self.assertEqual(len([line for line in self.logged() if "it was ended by signal 9" in line]), 1)
        self.assertIs(self.intake.file_state, FileState.NOT_CHECKED)
        self.assertLess(self.desk.checks - begun, 20)
        self.desk.children_fail = False
        self.change(config("1.0.2"))
        self.assertEqual((self.active().version, self.intake.problems), ("1.0.2", ()))

    def test_what_nobody_foresaw_is_not_taken_for_a_file_that_is_active(self) -> None:
        self.run_with(config())
        self.desk.slow_child = fail(MemoryError())
        self.change(config("1.0.1"))
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)
        self.assertEqual(self.active().version, "1.0.1")
        self.desk.slow_child = fail(MemoryError())
        self.path.write_bytes(config("1.0.2"))
        self.clock.pump([2.0] * 2)
        self.assertIs(self.intake.file_state, FileState.NOT_CHECKED)
        self.assertTrue(self.intake.file_differs)
        self.flushLoggedErrors(MemoryError)

    def test_a_restart_without_a_file_serves_the_last_good_config(self) -> None:
        self.run_with(config())
        self.change(config("1.0.1"))
        before = self.active()
        self.path.unlink()
        self.start_over()
        self.intake.load_blocking()
        self.assertEqual(self.active(), before)

    def test_a_change_made_while_it_was_down_is_taken_after_the_restart(self) -> None:
        self.run_with(config())
        self.intake.stopService()
        self.start_over()
        self.run_with(config("1.0.1"))
        self.assertEqual(self.active().revision, 1)
        self.poll()
        self.assertEqual(self.active().revision, 2)

    def test_a_restart_with_the_same_file_is_no_change(self) -> None:
        self.run_with(config())
        self.intake.stopService()
        self.start_over()
        self.run_with(config())
        self.poll()
        self.assertEqual(self.active().revision, 1)

    def test_a_first_start_needs_a_good_file(self) -> None:
        self.assertRaises(Unreadable, self.intake.load_blocking)
        self.path.write_bytes(b"{")
        self.assertRaises(ConfigRefused, self.intake.load_blocking)
        self.assertIsNone(self.hub.current)
