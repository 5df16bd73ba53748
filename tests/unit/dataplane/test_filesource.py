"""File-only mode: what each state of the file does to what is served."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused
from cellrouter.dataplane.filesource import FileSource
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from cellrouter.snapshots.poller import Unreadable
from tests.support.documents import text
from tests.support.logs import CapturedLog
from tests.unit.dataplane.threads import at_once

LIMIT_BYTES = 10_000


class FileSourceTests(SynchronousTestCase):
    """A source that polls every two seconds."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory())) / "routing.json"
        self.path.write_bytes(text("1"))
        self.clock = Clock()
        self.log = CapturedLog(self)
        self.installed: list[Snapshot] = []
        self.active = ActiveSnapshot(self.installed.append, self.clock)
        self.source = FileSource(self.path, self.active, self.clock, at_once, at_once, 2.0, LIMIT_BYTES)

    def start(self) -> None:
        self.active.apply(self.source.load_blocking())
        self.source.startService()
        self.addCleanup(self.source.stopService)

    def poll(self, times: int = 2) -> None:
        for _ in range(times):
            self.clock.advance(2)

    def versions(self) -> list[str]:
        return [snapshot.version for snapshot in self.installed]

    def test_the_file_is_served_from_the_start(self) -> None:
        self.start()
        self.assertEqual([(each.version, each.source) for each in self.installed], [("1", Source.FILE)])

    def test_a_bad_file_at_the_start_is_an_exception_with_every_reason(self) -> None:
        self.path.write_bytes(text("1", defaultPlacement="nowhere", missingKeyPolicy="perhaps"))
        refused = self.assertRaises(ConfigRefused, self.source.load_blocking)
        self.assertEqual(len(refused.violations), 2)
        self.path.unlink()
        self.assertRaises(Unreadable, self.source.load_blocking)

    def test_a_change_is_served(self) -> None:
        self.start()
        self.path.write_bytes(text("2", 9002))
        self.poll()
        self.assertEqual(self.versions(), ["1", "2"])

    def test_an_unchanged_file_changes_nothing(self) -> None:
        self.start()
        self.poll(5)
        self.assertEqual(self.versions(), ["1"])

    def test_a_spoiled_file_leaves_the_old_config_and_is_logged_once_per_change(
        self,
    ) -> None:
        self.start()
        for content in (
            b"",
            text("2")[:-5],
            b"[" * 5_000,
            text("2").replace(b'"2"', b"NaN"),
            text("2").replace(b'"version"', b'"version": "3", "version"'),
            text("2", routingTable=None),
            b"x" * (LIMIT_BYTES + 1),
        ):
            self.path.write_bytes(content)
            before = self.log.text.count("is not taken")
            self.poll(5)
            self.assertEqual(self.log.text.count("is not taken"), before + 1, content[:30])
        self.assertEqual(self.versions(), ["1"])
        self.assertEqual([event for event in self.log.events if "log_failure" in event], [])

    def test_all_violations_are_logged(self) -> None:
        self.start()
        self.path.write_bytes(text("2", defaultPlacement="nowhere", missingKeyPolicy="perhaps"))
        self.poll()
        for pointer in ("/defaultPlacement", "/missingKeyPolicy"):
            self.assertIn(f"{self.path}: {pointer}: ", self.log.text)

    def test_a_file_that_is_in_order_again_is_noticed_without_a_rebuild(self) -> None:
        self.start()
        self.path.write_bytes(b"{")
        self.poll()
        self.path.write_bytes(text("1"))
        self.poll()
        self.assertIn("is in order", self.log.text)
        self.assertEqual(self.versions(), ["1"])

    def test_the_same_document_in_another_layout_is_no_change(self) -> None:
        self.start()
        self.path.write_bytes(text("1").replace(b",", b" ,\n"))
        self.poll()
        self.assertEqual(self.versions(), ["1"])
