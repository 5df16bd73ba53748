"""From a snapshot message to what is served, what is saved and what is answered."""

import gc
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import load_document
from cellrouter.daemon.children import ChildFailed
from cellrouter.dataplane.applier import Applier
from cellrouter.dataplane.complaints import Complaints
from cellrouter.dataplane.delivery import Delivery
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from cellrouter.wire import Ack, ConfigSnapshot, Nack
from tests.support.documents import compiled, document
from tests.support.logs import CapturedLog
from tests.unit.dataplane.threads import HeldThreads


class FakeStore:
    """Remembers what was saved, or has a full disk."""

    path = "/state/last-known-good.json"

    def __init__(self) -> None:
        self.saved: list[Snapshot] = []
        self.error: OSError | None = None

    def save(self, snapshot: Snapshot) -> None:
        if self.error is not None:
            raise self.error
        self.saved.append(snapshot)


def message(version: str, revision: int | None = None, source_id: str | None = "one", **fields: Any) -> Any:
    """Make a snapshot message with the right hash."""
    content = document(version)
    values = {"revision": revision, "source_id": source_id, "hash": load_document(content).hash, **fields}
    return ConfigSnapshot(
        config=fields.pop("config", content), **{k: v for k, v in values.items() if k != "config"}
    )


class ApplierTests(SynchronousTestCase):
    """An applier whose threads run when the test says so."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = CapturedLog(self)
        self.threads = HeldThreads()
        self.store = FakeStore()
        self.active = ActiveSnapshot(lambda snapshot: None, self.clock)
        self.answers: list[Ack | Nack] = []
        self.applier = self.make()

    def make(self) -> Applier:
        return Applier(
            self.active, self.store, self.threads, self.threads, self.clock, Complaints(self.clock)
        )

    def submit(self, *messages: ConfigSnapshot) -> None:
        for each in messages:
            self.applier.submit(Delivery.of(each), self.answers.append)

    def apply(self, *messages: ConfigSnapshot) -> list[Ack | Nack]:
        """Apply messages one after the other and return their answers."""
        before = len(self.answers)
        for each in messages:
            self.submit(each)
            self.threads.run_all()
        return self.answers[before:]

    def served(self) -> str | None:
        return None if self.active.current is None else self.active.current.version

    def codes(self, answer: Ack | Nack) -> list[str]:
        assert isinstance(answer, Nack)
        return [error.code for error in answer.errors]


class AckTests(ApplierTests):
    """Valid snapshots."""

    def test_a_snapshot_is_served_saved_and_then_acked_with_version_revision_and_hash(self) -> None:
        wanted = message("1", 42)
        self.submit(wanted)
        self.threads.run(2)
        self.assertEqual((self.served(), self.store.saved, self.answers), ("1", [], []))
        self.threads.run_one()
        (ack,) = self.answers
        assert isinstance(ack, Ack)
        self.assertEqual((ack.version, ack.revision, ack.hash), ("1", 42, wanted.hash))
        (saved,) = self.store.saved
        self.assertEqual((saved.revision, saved.source_id, saved.source), (42, "one", Source.CONTROL_PLANE))

    def test_the_time_until_it_is_served_is_reported(self) -> None:
        self.submit(message("1", 42))
        self.clock.advance(0.25)
        self.threads.run(2)
        self.clock.advance(5)
        self.threads.run_one()
        (ack,) = self.answers
        assert isinstance(ack, Ack)
        self.assertEqual(ack.apply_ms, 250.0)

    def test_an_equal_hash_is_acked_without_a_rebuild_and_keeps_the_new_revision(self) -> None:
        self.apply(message("1", 1))
        table = self.active.current and self.active.current.table
        (ack,) = self.apply(message("1", 2))
        assert isinstance(ack, Ack)
        assert self.active.current is not None
        self.assertEqual((ack.revision, self.active.current.revision), (2, 2))
        self.assertIs(self.active.current.table, table)

    def test_the_very_same_snapshot_again_is_not_saved_again(self) -> None:
        self.apply(message("1", 1), message("1", 1))
        self.assertEqual((len(self.answers), len(self.store.saved)), (2, 1))

    def test_a_bare_snapshot_is_valid(self) -> None:
        (ack,) = self.apply(message("1", None, None, hash=None))
        assert isinstance(ack, Ack)
        self.assertEqual((ack.version, ack.revision, ack.hash), ("1", None, message("1").hash))
        (ack,) = self.apply(message("2", None, None, hash=None))
        self.assertEqual(self.served(), "2")

    def test_what_was_booted_from_disk_is_not_saved_again(self) -> None:
        booted = Snapshot.build(compiled("1"), Source.LAST_KNOWN_GOOD, 1, "one")
        self.active.apply(booted)
        self.applier = self.make()
        self.apply(message("1", 1))
        self.assertEqual(self.store.saved, [])
        self.assertIs(self.active.current and self.active.current.source, Source.CONTROL_PLANE)


class NackTests(ApplierTests):
    """Refused snapshots: the one before stays, and nothing is saved."""

    def setUp(self) -> None:
        super().setUp()
        self.apply(message("1", 10))

    def refused(self, bad: ConfigSnapshot) -> list[str]:
        (nack,) = self.apply(bad)
        self.assertEqual((self.served(), len(self.store.saved)), ("1", 1))
        return self.codes(nack)

    def test_every_violation_is_in_the_nack_and_in_the_log(self) -> None:
        bad = document("2", defaultPlacement="nowhere", missingKeyPolicy="perhaps")
        (nack,) = self.apply(ConfigSnapshot(config=bad, revision=11, source_id="one", hash="sha256:x"))
        assert isinstance(nack, Nack)
        self.assertEqual((nack.version, nack.revision, nack.hash), ("2", 11, "sha256:x"))
        self.assertEqual({error.path for error in nack.errors}, {"/defaultPlacement", "/missingKeyPolicy"})
        for error in nack.errors:
            self.assertIn(str(error), self.log.text)
        self.assertEqual(self.served(), "1")

    def test_a_lower_revision_of_the_same_source_is_stale(self) -> None:
        self.assertEqual(self.refused(message("2", 9)), ["stale_revision"])

    def test_a_hash_that_is_not_the_documents_is_a_mismatch(self) -> None:
        self.assertEqual(self.refused(message("2", 11, hash="sha256:" + "0" * 64)), ["hash_mismatch"])

    def test_the_served_hash_over_another_document_is_a_mismatch(self) -> None:
        self.assertEqual(self.refused(message("2", 11, hash=message("1").hash)), ["hash_mismatch"])

    def test_a_config_that_is_no_object_is_refused(self) -> None:
        for config in (None, [], "x", 1):
            (nack,) = self.apply(ConfigSnapshot(config=config, revision=None, source_id=None, hash=None))
            self.assertEqual(self.codes(nack), ["invalid_json"])

    def test_another_source_may_have_a_lower_revision_and_is_logged_as_the_new_authority(self) -> None:
        (ack,) = self.apply(message("2", 3, "two"))
        self.assertIsInstance(ack, Ack)
        self.assertEqual(self.served(), "2")
        self.assertIn(
            'a new authority: the config now comes from source "two", until now from "one"', self.log.text
        )

    def test_endless_labels_are_neither_kept_nor_echoed(self) -> None:
        (nack,) = self.apply(message("2", 11, "s" * 100_000))
        self.assertEqual(self.codes(nack), ["out_of_range"])
        config = document("v" * 100_000)
        (nack,) = self.apply(ConfigSnapshot(config, revision=11, source_id="one", hash="h" * 100_000))
        assert isinstance(nack, Nack)
        self.assertLess(len(nack.version or "") + len(nack.hash or ""), 1000)
        self.assertLess(max(map(len, self.log.lines)), 1000)

    def test_the_revision_of_a_last_known_good_counts_too(self) -> None:
        booted = Snapshot.build(compiled("1"), Source.LAST_KNOWN_GOOD, 10, "one")
        self.active.apply(booted)
        self.applier = self.make()
        self.assertEqual(self.refused(message("2", 9)), ["stale_revision"])

    def test_a_thousand_refused_snapshots_are_few_lines(self) -> None:
        before = len(self.log.lines)
        for revision in range(1000):
            self.submit(ConfigSnapshot(config={}, revision=1000 + revision, source_id="one", hash=None))
            self.threads.run_all()
        self.assertEqual(len(self.answers), 1001)
        self.assertLess(len(self.log.lines) - before, 50)


class LatestWinsTests(ApplierTests):
    """Snapshots that come faster than they can be applied."""

    def test_of_those_that_wait_only_the_newest_is_applied_and_answered(self) -> None:
        self.submit(*(message(str(revision), revision) for revision in range(1, 6)))
        self.assertEqual(len(self.threads.waiting), 1)
        self.threads.run_all()
        self.assertEqual([answer.revision for answer in self.answers], [1, 5])
        self.assertEqual(self.served(), "5")

    def test_one_that_comes_while_another_is_being_saved_waits_for_that(self) -> None:
        self.submit(message("1", 1))
        self.threads.run(2)
        self.submit(message("2", 2))
        self.assertEqual((self.served(), self.answers), ("1", []))
        self.threads.run_all()
        self.assertEqual([answer.revision for answer in self.answers], [1, 2])

    def test_stopping_waits_for_the_one_under_way_and_drops_the_one_that_waits(self) -> None:
        self.submit(message("1", 1), message("2", 2))
        finished = self.applier.finish()
        self.assertNoResult(finished)
        self.threads.run_all()
        self.successResultOf(finished)
        self.assertEqual(self.served(), "1")
        self.successResultOf(self.applier.finish())


class FullDiskTests(ApplierTests):
    """A state folder that cannot be written."""

    def test_the_snapshot_is_served_and_acked_and_the_error_is_one_line(self) -> None:
        self.store.error = OSError(28, "No space left on device")
        (ack,) = self.apply(message("1", 1))
        self.assertIsInstance(ack, Ack)
        self.assertEqual(self.served(), "1")
        (line,) = [line for line in self.log.lines if "No space left on device" in line]
        self.assertIn("/state/last-known-good.json", line)
        self.assertFalse(self.applier.saved)

    def test_saving_is_tried_again_with_the_next_message(self) -> None:
        self.store.error = OSError(28, "No space left on device")
        self.apply(message("1", 1))
        self.store.error = None
        self.apply(message("1", 1))
        self.assertEqual(len(self.store.saved), 1)
        self.assertTrue(self.applier.saved)

    def test_a_defect_in_one_snapshot_does_not_stop_the_next(self) -> None:
        self.store.error = ZeroDivisionError()  # type: ignore[assignment]  # stands for any defect
        self.apply(message("1", 1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.store.error = None
        self.assertEqual(len(self.apply(message("2", 2))), 1)

    def test_a_defect_in_one_snapshot_does_not_keep_a_newer_one_waiting(self) -> None:
        self.submit(message("1", 1))
        self.submit(message("2", 2))
        self.threads.waiting.pop(0)[1].errback(ZeroDivisionError())
        self.threads.run_all()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((self.served(), len(self.answers)), ("2", 1))

    def test_an_applier_that_is_forgotten_while_it_waits_for_a_thread_ends_in_silence(self) -> None:
        self.submit(message("1", 1))
        self.threads.waiting.clear()
        del self.applier
        gc.collect()
        self.assertEqual(self.log.lines, [])


class NoChildTests(ApplierTests):
    """A config that could not be checked at all."""

    def test_it_is_refused_and_the_next_one_is_taken(self) -> None:
        self.submit(message("1", 1))
        self.threads.waiting.pop(0)[1].errback(ChildFailed("it was ended by signal 9"))
        (nack,) = self.answers
        self.assertEqual(self.codes(nack), ["not_checked"])
        self.assertIn("ended by signal 9", self.log.text)
        (ack,) = self.apply(message("2", 2))
        self.assertIsInstance(ack, Ack)
