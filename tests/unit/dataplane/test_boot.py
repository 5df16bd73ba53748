"""What a data plane with a control plane serves before it hears from it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.dataplane.boot import CannotBoot, boot_snapshot
from cellrouter.snapshots.active import Snapshot, Source
from cellrouter.snapshots.lkg import LastKnownGoodStore
from tests.support.documents import compiled, text

LIMIT_BYTES = 10_000


class BootTests(SynchronousTestCase):
    """Last-known-good, the previous one, the bootstrap file, nothing."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory()))
        self.bootstrap = folder / "dataplane-initial.json"
        self.store = LastKnownGoodStore(folder / "state", LIMIT_BYTES)

    def save(self, version: str) -> None:
        self.store.save(Snapshot.build(compiled(version), Source.CONTROL_PLANE))

    def boot(self) -> tuple[str, Source]:
        snapshot = boot_snapshot(self.store, self.bootstrap, LIMIT_BYTES)
        return snapshot.version, snapshot.source

    def test_the_last_known_good_comes_first(self) -> None:
        self.bootstrap.write_bytes(text("0.0.1"))
        self.save("1")
        self.save("2")
        self.assertEqual(self.boot(), ("2", Source.LAST_KNOWN_GOOD))

    def test_then_the_previous_one(self) -> None:
        self.bootstrap.write_bytes(text("0.0.1"))
        self.save("1")
        self.save("2")
        self.store.path.write_bytes(b"rubbish")
        self.assertEqual(self.boot(), ("1", Source.LAST_KNOWN_GOOD))

    def test_then_the_bootstrap_file(self) -> None:
        self.bootstrap.write_bytes(text("0.0.1"))
        self.assertEqual(self.boot(), ("0.0.1", Source.BOOTSTRAP))

    def test_a_missing_bootstrap_file_is_one_clear_line(self) -> None:
        (reason,) = self.assertRaises(CannotBoot, self.boot).reasons
        self.assertIn(f"{self.bootstrap}: the file does not exist", reason)
        self.assertIn("no last-known-good config", reason)

    def test_a_bad_bootstrap_file_is_a_line_for_each_reason(self) -> None:
        self.bootstrap.write_bytes(text(defaultPlacement="nowhere", missingKeyPolicy="perhaps"))
        reasons = self.assertRaises(CannotBoot, self.boot).reasons
        self.assertEqual(
            [reason.split(": ")[1] for reason in reasons], ["/missingKeyPolicy", "/defaultPlacement"]
        )
