"""Held changes, overrides, rollbacks: what becomes active, and how the operator's file stands to it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused
from cellrouter.controlplane.changes import MAX_WAITING
from cellrouter.controlplane.intake import FileState
from cellrouter.controlplane.proposals import (
    BeyondGuards,
    NoSuchRevision,
    NothingHeld,
    Outcome,
    Proposal,
    RevisionMoved,
)
from cellrouter.daemon.children import Busy
from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.history_schema import HistoryUnusable
from tests.support.documents import text
from tests.support.logs import CapturedLog
from tests.unit.controlplane.desks import Desk


def routes(count: int, placement: str = "tier1", version: str = "1.0.0", **more: str) -> bytes:
    """Make a config with so many routes."""
    table = {f"customer-{number}": placement for number in range(count)}
    return text(version, routingTable={**table, **more})


class ChangesTestCase(SynchronousTestCase):
    """A desk whose file has 100 routes as revision 1."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.logged = CapturedLog(self)
        self.desk = Desk(self.folder, self.clock)
        self.start(routes(100))

    def start(self, content: bytes) -> None:
        self.desk.path.write_bytes(content)
        self.desk.intake.load_blocking()
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.poll()

    def restart(self) -> None:
        self.desk.intake.stopService()
        self.desk = Desk(self.folder, self.clock)
        self.desk.intake.load_blocking()
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.poll()

    def edit(self, content: bytes) -> None:
        self.desk.path.write_bytes(content)
        self.desk.poll()

    def active(self) -> Accepted:
        accepted = self.desk.changes.active
        assert accepted is not None
        return accepted

    def file(self) -> FileState:
        return self.desk.intake.file_state

    def propose(self, content: bytes, **more: Any) -> "Deferred[Outcome]":
        proposal = Proposal(content=content, actor="ann", **more)
        return Deferred.fromCoroutine(self.desk.changes.propose(proposal))

    def roll_back(self, revision: int, **more: Any) -> "Deferred[Outcome]":
        return Deferred.fromCoroutine(self.desk.changes.roll_back(revision, "ann", "it broke", **more))

    def release(self, expected_hash: str | None = None) -> "Deferred[Outcome]":
        return Deferred.fromCoroutine(self.desk.changes.release(expected_hash, "ann", "planned"))


class HeldTests(ChangesTestCase):
    """A change of the file beyond a guard."""

    def test_it_is_held_logged_once_and_nothing_is_sent(self) -> None:
        self.edit(routes(50))
        self.desk.poll()
        self.assertEqual((self.active().revision, self.file()), (1, FileState.HELD))
        lines = [line for line in self.logged.lines if "50 of 100 routes are removed: 50.0%" in line]
        self.assertEqual(len(lines), 1)
        self.assertEqual(self.logged.text.count("is held; revision 1 stays active; release it with"), 1)

    def test_an_empty_table_is_held(self) -> None:
        self.edit(routes(0))
        self.assertEqual(self.file(), FileState.HELD)
        self.assertIn("the routing table is empty; it has 100 routes", self.logged.text)

    def test_editing_the_file_back_ends_it(self) -> None:
        self.edit(routes(50))
        self.edit(routes(100))
        self.assertEqual((self.active().revision, self.file()), (1, FileState.ACTIVE))
        self.assertIsNone(self.desk.changes.held)

    def test_a_smaller_change_of_the_file_takes_its_place(self) -> None:
        self.edit(routes(50))
        self.edit(routes(99))
        self.assertEqual((self.active().revision, self.file()), (2, FileState.ACTIVE))
        self.assertIsNone(self.desk.changes.held)

    def test_a_broken_file_takes_its_place(self) -> None:
        self.edit(routes(50))
        self.edit(b"{")
        self.assertIsNone(self.desk.changes.held)
        self.failureResultOf(self.release(), NothingHeld)

    def test_it_is_released_with_a_reason_that_is_kept(self) -> None:
        self.edit(routes(50))
        outcome = self.successResultOf(self.release())
        self.assertEqual((self.active().revision, self.file()), (2, FileState.ACTIVE))
        self.assertEqual((outcome.accepted.actor, outcome.accepted.reason), ("ann", "planned"))
        self.assertIn("50 of 100 routes are removed", outcome.accepted.overridden)
        self.assertEqual(outcome.accepted.changes, "routes: 50 removed")

    def test_only_what_was_seen_is_released(self) -> None:
        self.edit(routes(50))
        self.failureResultOf(self.release("sha256:another"), NothingHeld)
        assert self.desk.changes.held is not None
        self.successResultOf(self.release(self.desk.changes.held.checked.hash))

    def test_it_is_still_held_after_a_restart(self) -> None:
        self.edit(routes(50))
        self.restart()
        self.assertEqual((self.active().revision, self.file()), (1, FileState.HELD))

    def test_with_nothing_held_there_is_nothing_to_release(self) -> None:
        self.failureResultOf(self.release(), NothingHeld)


class ProposedTests(ChangesTestCase):
    """A document that somebody submits."""

    def test_it_becomes_active_and_says_who_and_why(self) -> None:
        outcome = self.successResultOf(self.propose(routes(101), reason="a new customer"))
        self.assertEqual((outcome.accepted.revision, outcome.changed), (2, True))
        self.assertEqual((outcome.accepted.actor, outcome.accepted.reason), ("ann", "a new customer"))
        self.assertEqual(self.desk.hub.current and self.desk.hub.current.accepted, outcome.accepted)

    def test_the_same_is_no_change(self) -> None:
        announcement = self.desk.hub.current
        outcome = self.successResultOf(self.propose(routes(100)))
        self.assertEqual((outcome.accepted.revision, outcome.changed), (1, False))
        self.assertIs(self.desk.hub.current, announcement)

    def test_an_invalid_one_is_refused(self) -> None:
        self.failureResultOf(self.propose(b"{}"), ConfigRefused)
        self.assertEqual(self.active().revision, 1)

    def test_one_made_for_another_revision_is_refused(self) -> None:
        self.successResultOf(self.propose(routes(101), if_revision=1))
        moved = self.failureResultOf(self.propose(routes(102), if_revision=1), RevisionMoved).value
        self.assertEqual(
            str(moved),
            "revision 2 is active, not 1: the change was made for another config;"
            " compare with cellrouter diff 1 2",
        )
        self.assertEqual(self.active().revision, 2)

    def test_one_beyond_a_guard_needs_an_override(self) -> None:
        self.failureResultOf(self.propose(routes(100, "tier3")), BeyondGuards)
        self.assertEqual(self.active().revision, 1)
        outcome = self.successResultOf(self.propose(routes(100, "tier3"), override="tier1 is on fire"))
        self.assertIn("100 of 100 routes are moved", outcome.accepted.overridden)

    def test_the_file_is_set_aside_until_its_content_changes(self) -> None:
        self.successResultOf(self.propose(routes(101)))
        self.assertEqual(self.file(), FileState.DIFFERS)
        self.assertEqual(self.logged.text.count("differs from revision 2"), 1)
        self.desk.path.touch()
        self.desk.poll()
        self.edit(routes(100) + b"\n")
        self.assertEqual((self.active().revision, self.file()), (2, FileState.DIFFERS))
        self.edit(routes(102))
        self.assertEqual((self.active().revision, self.file()), (3, FileState.ACTIVE))

    def test_a_restart_does_not_bring_the_file_back(self) -> None:
        self.successResultOf(self.propose(routes(101)))
        self.restart()
        self.assertEqual((self.active().revision, self.file()), (2, FileState.DIFFERS))
        self.edit(routes(102))
        self.assertEqual(self.active().revision, 3)

    def test_a_file_that_says_the_same_is_in_order(self) -> None:
        self.successResultOf(self.propose(routes(101)))
        self.edit(routes(101))
        self.assertEqual((self.active().revision, self.file()), (2, FileState.ACTIVE))

    def test_what_was_held_is_set_aside_too(self) -> None:
        self.edit(routes(50))
        self.successResultOf(self.propose(routes(52), override="cleaning up"))
        self.assertIsNone(self.desk.changes.held)
        self.restart()
        self.assertEqual((self.active().revision, self.file()), (2, FileState.DIFFERS))

    def test_so_is_what_could_not_be_stored(self) -> None:
        self.desk.history.disk_is_full = True
        self.edit(routes(102))
        self.assertEqual(self.file(), FileState.NOT_STORED)
        self.desk.history.disk_is_full = False
        self.successResultOf(self.propose(routes(101)))
        for _ in range(20):
            self.desk.poll()
        self.assertEqual((self.active().revision, self.file()), (2, FileState.DIFFERS))
        self.restart()
        self.assertEqual((self.active().revision, self.file()), (2, FileState.DIFFERS))
        self.edit(routes(103))
        self.assertEqual((self.active().revision, self.file()), (3, FileState.ACTIVE))

    def test_a_full_disk_is_said_and_changes_nothing(self) -> None:
        self.desk.history.disk_is_full = True
        self.failureResultOf(self.propose(routes(101)), HistoryUnusable)
        self.assertEqual((self.active().revision, self.file()), (1, FileState.ACTIVE))


class RollBackTests(ChangesTestCase):
    """Back to an earlier revision."""

    def setUp(self) -> None:
        super().setUp()
        self.edit(routes(101, version="1.0.1"))
        self.assertEqual(self.active().revision, 2)

    def test_the_old_content_is_active_under_a_new_revision(self) -> None:
        outcome = self.successResultOf(self.roll_back(1))
        self.assertEqual((outcome.accepted.revision, outcome.accepted.restores), (3, 1))
        self.assertEqual((outcome.accepted.version, outcome.accepted.reason), ("1.0.0", "it broke"))

    def test_the_file_differs_then_and_is_not_taken_again(self) -> None:
        self.successResultOf(self.roll_back(1))
        self.desk.poll()
        self.assertEqual((self.active().revision, self.file()), (3, FileState.DIFFERS))
        self.restart()
        self.assertEqual((self.active().revision, self.file()), (3, FileState.DIFFERS))

    def test_the_file_is_taken_when_its_content_changes(self) -> None:
        self.successResultOf(self.roll_back(1))
        self.edit(routes(102))
        self.assertEqual((self.active().revision, self.file()), (4, FileState.ACTIVE))

    def test_a_file_that_was_edited_back_first_and_then_again_is_taken(self) -> None:
        self.successResultOf(self.roll_back(1))
        self.edit(routes(100))
        self.assertEqual((self.active().revision, self.file()), (3, FileState.ACTIVE))
        self.restart()
        self.edit(routes(101, version="1.0.1"))
        self.assertEqual((self.active().revision, self.file()), (4, FileState.ACTIVE))

    def test_the_guards_do_not_stand_in_the_way(self) -> None:
        self.successResultOf(self.propose(routes(101, "tier3"), override="a mistake"))
        outcome = self.successResultOf(self.roll_back(2))
        self.assertEqual(outcome.accepted.revision, 4)
        self.assertIn("101 of 101 routes are moved", outcome.accepted.overridden)

    def test_to_what_is_active_is_no_change(self) -> None:
        self.assertFalse(self.successResultOf(self.roll_back(2)).changed)
        self.assertEqual(self.active().revision, 2)

    def test_to_what_is_not_in_the_history_is_refused(self) -> None:
        self.failureResultOf(self.roll_back(99), NoSuchRevision)

    def test_it_can_demand_a_revision(self) -> None:
        self.failureResultOf(self.roll_back(1, if_revision=1), RevisionMoved)
        self.successResultOf(self.roll_back(1, if_revision=2))


class CheckingFailsTests(ChangesTestCase):
    """The process that checks dies."""

    def test_it_is_said_once_and_tried_again(self) -> None:
        self.desk.children_fail = True
        self.edit(routes(101))
        self.desk.poll()
        self.assertEqual((self.active().revision, self.file()), (1, FileState.NOT_CHECKED))
        self.assertEqual(self.logged.text.count("cannot be checked: it was ended by signal 9"), 1)
        self.desk.children_fail = False
        self.desk.poll()
        self.assertEqual((self.active().revision, self.file()), (2, FileState.ACTIVE))


class AtOnceTests(ChangesTestCase):
    """Several changes at the same time."""

    def test_too_many_are_turned_away(self) -> None:
        slow: Deferred[None] = Deferred()
        self.desk.slow_child = slow
        waiting = [self.propose(routes(101)) for _ in range(MAX_WAITING + 1)]
        self.failureResultOf(self.propose(routes(101)), Busy)
        slow.callback(None)
        self.assertEqual(
            [self.successResultOf(each).accepted.revision for each in waiting], [2] * len(waiting)
        )

    def test_only_one_of_two_made_for_the_same_revision_is_taken(self) -> None:
        both = [self.propose(routes(number), if_revision=1) for number in (101, 102)]
        self.successResultOf(both[0])
        self.failureResultOf(both[1], RevisionMoved)
