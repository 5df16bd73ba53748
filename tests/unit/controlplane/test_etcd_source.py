"""Control planes on one key of etcd: what each takes, and what they put."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused
from cellrouter.controlplane import reports
from cellrouter.controlplane.etcd_source import SETTLE_S, EtcdIntake
from cellrouter.controlplane.etcd_standing import KeyState
from cellrouter.controlplane.proposals import BeyondGuards, NothingHeld, Proposal, RevisionMoved
from cellrouter.snapshots.etcd import TIMEOUT_S, EtcdDocument
from cellrouter.snapshots.etcd_codec import EtcdUnusable
from cellrouter.snapshots.etcd_watch import RETRY_S
from cellrouter.snapshots.history_schema import HistoryUnusable
from tests.support.documents import text
from tests.support.fake_etcd import FakeEtcd
from tests.support.logs import CapturedLog
from tests.unit.controlplane.desks import LIMIT_BYTES, Desk

KEY = "routing"
POLL_S = 2.0
URL = "http://etcd:2379"


def routes(version: str, count: int = 100, placement: str = "tier1") -> bytes:
    """Make a config with so many routes."""
    return text(version, routingTable={f"c{number}": placement for number in range(count)})


class Plane:
    """One control plane's inside, on a key of an etcd in memory.

    :param folder: for its history; the same one again is a restart.
    :param clock: drives it.
    :param etcd: has the key.
    :param steps: how changes get to the data planes.
    """

    def __init__(self, folder: Path, clock: Clock, etcd: FakeEtcd, steps: str = "all") -> None:
        folder.mkdir(exist_ok=True)
        self.desk = Desk(folder, clock, steps)
        document = EtcdDocument(etcd, clock, (URL,), KEY, LIMIT_BYTES)
        self.changes, self.history = self.desk.changes, self.desk.history
        self.intake = EtcdIntake(document, self.changes, self.history, clock, POLL_S)
        self.intake.load_blocking()
        self.desk.rollouts.load_blocking()

    @property
    def active(self) -> tuple[int, str] | None:
        """The revision and the version that are active."""
        accepted = self.changes.active
        return None if accepted is None else (accepted.revision, accepted.version)

    def health(self) -> tuple[int, Any]:
        """Ask for /health."""
        return reports.health(self.desk.hub, self.intake, self.changes, self.desk.rollouts)

    def newest(self) -> Any:
        """Give the newest line of the history."""
        return self.history.newest_blocking()


class EtcdSourceTestCase(SynchronousTestCase):
    """An etcd in memory, and control planes that start when they are told to."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.etcd = FakeEtcd()
        self.log = CapturedLog(self)

    def start(self, name: str = "one", steps: str = "all") -> Plane:
        """Start a control plane, or start it again."""
        plane = Plane(self.folder / name, self.clock, self.etcd, steps)
        plane.intake.startService()
        self.addCleanup(plane.intake.stopService)
        return plane

    def settle(self, seconds: float = 2 * SETTLE_S) -> None:
        """Let those who were told look."""
        self.clock.pump([SETTLE_S] * (int(seconds / SETTLE_S) + 1))

    def put(self, document: bytes) -> int:
        """Put a value as etcdctl does, and let it be taken."""
        revision = self.etcd.put(KEY, document)
        self.settle()
        return revision

    def run_job(self, job: Any) -> Any:
        """Run a coroutine that needs no waiting."""
        return self.successResultOf(Deferred.fromCoroutine(job))


class TakingTests(EtcdSourceTestCase):
    """What is put is taken under etcd's number."""

    def test_the_revision_is_etcds_and_every_control_plane_has_the_same_source(self) -> None:
        self.etcd.put("another", b"x")
        first = self.etcd.put(KEY, routes("1"))
        one, two = self.start("one"), self.start("two")
        self.assertEqual((one.active, two.active), ((first, "1"), (first, "1")))
        self.assertEqual(one.history.source_id, two.history.source_id)
        second = self.put(routes("2", 101))
        self.assertEqual((one.active, two.active), ((second, "2"), (second, "2")))
        self.assertEqual((one.newest().actor, one.newest().changes), ("etcd", "routes: 1 added"))

    def test_another_key_or_cluster_is_another_source(self) -> None:
        self.etcd.put(KEY, routes("1"))
        one = self.start("one")
        self.etcd.cluster_id += 1
        two = self.start("two")
        self.assertNotEqual(one.history.source_id, two.history.source_id)

    def test_the_same_content_put_again_has_the_new_number(self) -> None:
        self.put(routes("1"))
        one = self.start()
        again = self.put(json.dumps(json.loads(routes("1")), indent=3).encode())
        self.assertEqual((one.active, one.newest().revision), ((again, "1"), again))
        self.assertEqual(one.newest().changes, "")

    def test_the_same_content_put_again_needs_no_rollout(self) -> None:
        self.put(routes("1"))
        one = self.start(steps="1,100%")
        again = self.put(routes("1"))
        self.assertEqual(one.active, (again, "1"))
        self.assertIsNone(one.desk.rollouts.rollout)
        self.assertNotIn("kept its label", self.log.text)

    def test_what_is_older_than_what_was_compacted_is_taken_all_the_same(self) -> None:
        first = self.put(routes("1"))
        for _ in range(5):
            self.etcd.put("another", b"x")
        self.etcd.compact(self.etcd.revision)
        self.assertEqual(self.start().active, (first, "1"))

    def test_what_is_invalid_is_refused_once_and_the_one_before_stays(self) -> None:
        good = self.put(routes("1"))
        one = self.start()
        for garbage in (b"", b"{", b"\xff", b"[" * 100_000, b"x" * (LIMIT_BYTES + 1), b"x" * 3 * LIMIT_BYTES):
            self.put(garbage)
            self.settle(3 * POLL_S)
            self.assertEqual((one.active, one.intake.standing.state), ((good, "1"), KeyState.REFUSED))
            self.assertEqual(self.log.text.count("is not taken; revision 2 stays active"), 1)
            self.log.events.clear()
        self.put(routes("2"))
        self.assertEqual((one.intake.standing.state, one.intake.reasons()), (KeyState.ACTIVE, []))

    def test_a_value_that_is_too_large_is_not_read_again_and_again(self) -> None:
        self.put(routes("1"))
        self.start()
        self.put(b"x" * 3 * LIMIT_BYTES)
        self.etcd.asked.clear()
        self.settle(5 * POLL_S)
        self.assertEqual(len(self.etcd.asked), 5)

    def test_a_key_that_is_deleted_leaves_what_is_active(self) -> None:
        good = self.put(routes("1"))
        one = self.start()
        self.etcd.delete(KEY)
        self.settle(POLL_S)
        self.assertEqual((one.active, one.intake.standing.state), ((good, "1"), KeyState.MISSING))
        outcome = self.run_job(one.changes.propose(Proposal(content=routes("2"), actor="anna")))
        self.assertEqual(outcome.accepted.revision, 4)
        self.assertIs(one.intake.standing.state, KeyState.ACTIVE)

    def test_a_key_that_is_deleted_is_put_again_with_the_same_content(self) -> None:
        self.put(routes("1"))
        one, two = self.start("one"), self.start("two")
        self.etcd.delete(KEY)
        self.settle(POLL_S)
        outcome = self.run_job(one.changes.propose(Proposal(content=routes("1"), actor="anna")))
        self.assertTrue(outcome.changed)
        self.settle()
        for each in (one, two):
            self.assertEqual((each.active, each.intake.standing.state), ((4, "1"), KeyState.ACTIVE))
            self.assertEqual((each.newest().actor, each.newest().changes), ("anna", ""))

    def test_the_same_content_does_not_end_a_rollout_while_the_key_is_away(self) -> None:
        self.put(routes("1"))
        one = self.start(steps="1,100%")
        self.put(routes("2"))
        self.etcd.delete(KEY)
        self.settle(POLL_S)
        outcome = self.run_job(one.changes.propose(Proposal(content=routes("2"), actor="anna")))
        self.assertFalse(outcome.changed)
        self.assertTrue(one.desk.rollouts.under_way)

    def test_an_empty_etcd_is_said_and_filled_by_an_operator(self) -> None:
        one, two = self.start("one"), self.start("two")
        status, health = one.health()
        self.assertEqual((status, health["reasons"]), (503, ["there is no such key"]))
        self.run_job(one.changes.propose(Proposal(content=routes("1"), actor="anna")))
        self.settle()
        self.assertEqual((one.active, two.active), ((2, "1"), (2, "1")))

    def test_what_cannot_be_stored_or_checked_is_tried_again(self) -> None:
        self.put(routes("1"))
        one = self.start()
        one.desk.history.disk_is_full = True
        revision = self.put(routes("2"))
        self.assertEqual((one.active, one.intake.standing.state), ((2, "1"), KeyState.NOT_STORED))
        one.desk.history.disk_is_full, one.desk.children_fail = False, True
        self.settle(POLL_S)
        self.assertIs(one.intake.standing.state, KeyState.NOT_CHECKED)
        one.desk.children_fail = False
        self.settle(2 * POLL_S)
        self.assertEqual((one.active, one.intake.standing.state), ((revision, "2"), KeyState.ACTIVE))

    def test_what_cannot_be_checked_is_tried_ever_less_often_and_what_is_newer_at_once(self) -> None:
        self.put(routes("1"))
        one = self.start()
        one.desk.children_fail = True
        self.put(routes("2"))
        self.etcd.asked.clear()
        self.settle(60 * POLL_S)
        # Two questions for each attempt: at polls 1, 3, 7, 15 and 30, and one for each poll.
        self.assertLess(len(self.etcd.asked), 60 + 3 * 8)
        one.desk.children_fail = False
        self.put(routes("3"))
        self.assertEqual(one.active, (4, "3"))

    def test_a_note_that_is_none_counts_for_nothing(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.put(KEY + "/meta", b"garbage")
        self.put(routes("2", 50))
        self.assertIs(one.intake.standing.state, KeyState.HELD)


class GuardTests(EtcdSourceTestCase):
    """What goes beyond a guard is held until somebody says that it is meant."""

    def setUp(self) -> None:
        super().setUp()
        self.put(routes("1"))
        self.one, self.two = self.start("one"), self.start("two")

    def test_it_is_held_by_all_and_released_for_all(self) -> None:
        self.put(routes("2", 50))
        for each in (self.one, self.two):
            self.assertEqual((each.active, each.intake.standing.state), ((2, "1"), KeyState.HELD))
            _, health = each.health()
            self.assertEqual((health["held"]["version"], health["file_differs"]), ("2", True))
        self.run_job(self.two.changes.release(None, "anna", "CHG-7"))
        self.settle()
        self.assertEqual((self.one.active, self.two.active), ((4, "2"), (4, "2")))
        self.assertEqual(self.one.newest(), self.two.newest())
        self.assertEqual((self.one.newest().actor, self.one.newest().reason), ("anna", "CHG-7"))
        self.assertIn("50 of 100 routes are removed", self.one.newest().overridden)
        self.assertIsNone(self.one.changes.held)

    def test_put_back_it_is_held_no_more(self) -> None:
        self.put(routes("2", 50))
        back = self.put(routes("1"))
        for each in (self.one, self.two):
            self.assertEqual((each.active, each.intake.standing.state), ((back, "1"), KeyState.ACTIVE))
            self.assertIsNone(each.changes.held)

    def test_put_back_by_an_operator_it_is_held_no_more(self) -> None:
        self.put(routes("2", 50))
        self.run_job(self.one.changes.propose(Proposal(content=routes("1"), actor="anna")))
        self.settle()
        for each in (self.one, self.two):
            self.assertEqual((each.active, each.intake.standing.state), ((4, "1"), KeyState.ACTIVE))
            self.assertIsNone(each.changes.held)

    def test_it_is_not_released_in_place_of_what_is_held_by_then(self) -> None:
        self.put(routes("2", 50))
        self.one.desk.slow_child = slow = Deferred()
        release = Deferred.fromCoroutine(self.one.changes.release(None, "anna", "CHG-7"))
        self.put(routes("3", 40))
        slow.callback(None)
        self.failureResultOf(release, NothingHeld)
        self.assertEqual((self.one.active, self.one.changes.held.checked.version), ((2, "1"), "3"))

    def test_an_operators_change_is_measured_where_it_is_made(self) -> None:
        refused = Deferred.fromCoroutine(
            self.one.changes.propose(Proposal(content=routes("2", 50), actor="anna"))
        )
        self.failureResultOf(refused, BeyondGuards)
        self.assertEqual(self.etcd.revision, 2)

    def test_one_that_was_away_decides_as_the_others_did(self) -> None:
        self.two.intake.stopService()
        for number, count in enumerate((96, 93, 90, 87), 2):
            self.put(routes(f"{number}", count))
        self.assertEqual(self.one.active, (6, "5"))
        two = self.start("two")
        self.assertEqual((two.active, two.newest().changes), ((6, "5"), "routes: 13 removed"))

    def test_one_that_was_away_holds_what_the_others_hold(self) -> None:
        self.two.intake.stopService()
        for version, count in (("2", 96), ("3", 30), ("4", 95), ("5", 20)):
            self.put(routes(version, count))
        two = self.start("two")
        for each in (self.one, two):
            self.assertEqual((each.active, each.intake.standing.state), ((5, "4"), KeyState.HELD))
            self.assertEqual(each.changes.held.checked.version, "5")

    def test_one_with_nothing_decides_as_the_others_did(self) -> None:
        self.put(routes("2", 96))
        self.put(routes("3", 30))
        three = self.start("three")
        self.assertEqual((three.active, three.intake.standing.state), ((3, "2"), KeyState.HELD))

    def test_one_with_nothing_begins_with_what_a_control_plane_has_put(self) -> None:
        self.run_job(self.one.changes.propose(Proposal(content=routes("2", 96), actor="anna")))
        self.settle()
        self.put(b"garbage")
        self.etcd.asked.clear()
        three = self.start("three")
        self.assertEqual((three.active, three.intake.standing.state), ((3, "2"), KeyState.REFUSED))

    def test_one_with_nothing_finds_the_last_valid_version(self) -> None:
        self.run_job(self.one.changes.propose(Proposal(content=routes("2", 96), actor="anna")))
        self.etcd.put(KEY, b"garbage")
        with_note = json.dumps(
            {"actor": "newer release", "reason": "", "accepted_at": 1, "overridden": "", "restores": None}
        ).encode()
        self.etcd.revision += 1
        for key, value in ((KEY, b'{"version": 3}'), (KEY + "/meta", with_note)):
            self.etcd._write(*self._encoded(key, value))
        three = self.start("three")
        self.assertEqual((three.active, three.intake.standing.state), ((3, "2"), KeyState.REFUSED))

    def test_compacted_to_nothing_good_there_is_none(self) -> None:
        for _ in range(3):
            self.etcd.put(KEY, b"garbage")
        self.etcd.compact(4)
        three = self.start("three")
        self.assertIsNone(three.active)
        self.assertEqual(three.health()[0], 503)

    @staticmethod
    def _encoded(key: str, value: bytes) -> tuple[str, str]:
        from tests.support.fake_etcd import _encoded

        return _encoded(key.encode()), _encoded(value)


class OperatorTests(EtcdSourceTestCase):
    """What operators do goes to etcd first."""

    def setUp(self) -> None:
        super().setUp()
        self.put(routes("1"))
        self.one, self.two = self.start("one"), self.start("two")

    def test_it_is_active_everywhere_with_who_and_why(self) -> None:
        outcome = self.run_job(
            self.one.changes.propose(Proposal(content=routes("2"), actor="anna", reason="why", if_revision=2))
        )
        self.assertEqual((outcome.accepted.revision, outcome.accepted.actor), (3, "anna"))
        self.settle()
        self.assertEqual(self.two.active, (3, "2"))
        self.assertEqual(self.one.newest(), self.two.newest())
        self.assertEqual(json.loads(self.etcd.read(KEY) or b""), json.loads(routes("2")))

    def test_a_rollback_is_recorded_as_one_everywhere(self) -> None:
        self.put(routes("2"))
        self.run_job(self.two.changes.roll_back(2, "anna", "oops"))
        self.settle()
        self.assertEqual((self.one.active, self.two.active), ((4, "1"), (4, "1")))
        self.assertEqual((self.one.newest().restores, self.two.newest().restores), (2, 2))

    def test_of_two_at_once_the_second_is_told_that_it_has_moved(self) -> None:
        self.run_job(self.one.changes.propose(Proposal(content=routes("2"), actor="anna")))
        late = Deferred.fromCoroutine(self.two.changes.propose(Proposal(content=routes("3"), actor="bob")))
        failure = self.failureResultOf(late, RevisionMoved)
        self.assertIn("changed by somebody else meanwhile", failure.getErrorMessage())
        self.settle()
        self.assertEqual((self.one.active, self.two.active), ((3, "2"), (3, "2")))
        outcome = self.run_job(self.two.changes.propose(Proposal(content=routes("3"), actor="bob")))
        self.assertEqual(outcome.accepted.revision, 4)

    def test_what_nobody_here_has_seen_is_not_overwritten(self) -> None:
        self.two.desk.children_fail = True
        self.put(routes("2"))
        self.two.desk.children_fail = False
        late = Deferred.fromCoroutine(self.two.changes.propose(Proposal(content=routes("3"), actor="bob")))
        self.failureResultOf(late, RevisionMoved)

    def test_what_is_about_to_be_taken_is_not_overwritten(self) -> None:
        three = self.start("three", steps="1,100%")
        self.run_job(self.one.changes.propose(Proposal(content=routes("2"), actor="anna")))
        self.settle()
        self.run_job(self.one.changes.roll_back(2, "anna", "oops"))
        self.run_job(self.one.changes.propose(Proposal(content=routes("3"), actor="anna")))
        three.history.slow = slow = Deferred()
        self.settle()
        late = Deferred.fromCoroutine(
            three.changes.propose(Proposal(content=routes("4"), actor="bob", if_revision=4))
        )
        self.assertEqual((three.active, self.etcd.revision), ((3, "2"), 5))
        slow.callback(None)
        self.failureResultOf(late, RevisionMoved)
        self.settle()
        self.assertEqual((three.active, self.etcd.revision), ((5, "3"), 5))

    def test_a_held_or_refused_version_is_replaced(self) -> None:
        self.put(b"garbage")
        outcome = self.run_job(self.one.changes.propose(Proposal(content=routes("3"), actor="bob")))
        self.assertEqual(outcome.accepted.revision, 4)
        self.assertIs(self.one.intake.standing.state, KeyState.ACTIVE)

    def test_what_was_put_and_could_not_be_stored_is_taken_later(self) -> None:
        self.one.desk.history.disk_is_full = True
        failing = Deferred.fromCoroutine(self.one.changes.propose(Proposal(content=routes("2"), actor="a")))
        self.failureResultOf(failing, HistoryUnusable)
        self.settle()
        self.assertEqual((self.one.active, self.two.active), ((2, "1"), (3, "2")))
        self.one.desk.history.disk_is_full = False
        self.settle(POLL_S)
        self.assertEqual((self.one.active, self.one.newest().actor), ((3, "2"), "a"))

    def test_a_bad_one_is_refused_before_etcd_hears_of_it(self) -> None:
        refused = Deferred.fromCoroutine(self.one.changes.propose(Proposal(content=b"{", actor="anna")))
        self.failureResultOf(refused, ConfigRefused)
        self.assertEqual(self.etcd.revision, 2)


class LostTests(EtcdSourceTestCase):
    """etcd is away, or is not what it was."""

    def test_it_is_said_once_and_everywhere_and_what_is_active_stays(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.down = True
        self.etcd.break_watches()
        self.settle(5 * POLL_S)
        self.assertEqual(self.log.text.count("revision 2 stays active, and nothing can be changed"), 1)
        status, health = one.health()
        self.assertEqual((status, health["source"]["connected"]), (200, False))
        self.assertIn("no answer", health["source"]["problems"][0])
        values = {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in one.intake.metrics()
            for sample in family.samples
        }
        self.assertEqual(values["cellrouter_source_connected"], 0)
        self.assertEqual(values["cellrouter_source_state active"], 1)
        change = Deferred.fromCoroutine(one.changes.propose(Proposal(content=routes("2"), actor="a")))
        self.failureResultOf(change, EtcdUnusable)
        self.etcd.down = False
        self.settle(POLL_S)
        self.assertIn("etcd is back", self.log.text)
        self.assertTrue(one.intake.in_fleet()["source"]["connected"])

    def test_a_start_meanwhile_serves_what_there_was(self) -> None:
        self.put(routes("1"))
        self.start().intake.stopService()
        self.etcd.down = True
        one = self.start()
        self.assertEqual((one.active, one.health()[0]), ((2, "1"), 200))
        self.etcd.down = False
        self.put(routes("2"))
        self.settle(POLL_S)
        self.assertEqual(one.active, (3, "2"))

    def test_a_start_with_nothing_meanwhile_serves_nothing_and_says_why(self) -> None:
        self.etcd.down = True
        one = self.start()
        status, health = one.health()
        self.assertEqual(status, 503)
        self.assertIn("no answer", health["reasons"][0])
        self.etcd.down = False
        self.put(routes("1"))
        self.settle(POLL_S)
        self.assertEqual(one.active, (2, "1"))

    def test_a_watch_that_has_missed_something_is_opened_anew(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.watches.clear()
        self.etcd.put(KEY, routes("2"))
        self.settle(POLL_S)
        self.assertEqual(one.active, (3, "2"))
        self.settle(2 * RETRY_S)
        self.etcd.put(KEY, routes("3"))
        self.settle()
        self.assertEqual(one.active, (4, "3"))

    def test_another_cluster_is_not_believed(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.cluster_id += 1
        self.put(routes("2"))
        self.settle(POLL_S)
        self.assertEqual(one.active, (2, "1"))
        self.assertIn("another cluster than the one that revision 2 came from", one.intake.standing.trouble)

    def test_one_that_has_gone_back_is_not_believed(self) -> None:
        for number in range(5):
            self.put(routes(f"{number}"))
        one = self.start()
        lost = FakeEtcd()
        lost.put(KEY, routes("lost"))
        self.etcd._log, self.etcd.revision = lost._log, lost.revision
        self.settle(POLL_S)
        self.assertEqual(one.active, (6, "4"))
        self.assertIn("it is at revision 2 and was at 6", one.intake.standing.trouble)

    def test_one_whose_key_has_gone_back_is_not_believed_until_it_is_put(self) -> None:
        for number in range(5):
            self.put(routes(f"{number}"))
        one = self.start()
        del self.etcd._log[2:]
        self.etcd.put("another", b"x")
        self.settle(POLL_S)
        self.assertEqual(one.active, (6, "4"))
        self.assertIn("the key is at revision 3 and was at 6", one.intake.standing.trouble)
        again = self.put(routes("again"))
        self.assertEqual((one.active, one.intake.standing.trouble), ((again, "again"), ""))

    def test_an_answer_that_was_on_its_way_during_a_change_is_no_loss(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.slow = slow = Deferred()
        self.settle(POLL_S)
        self.run_job(one.changes.propose(Proposal(content=routes("2"), actor="anna")))
        slow.callback(None)
        self.assertEqual((one.active, one.intake.standing.trouble), ((3, "2"), ""))
        self.assertNotIn("nothing can be changed", self.log.text)

    def test_told_again_and_again_while_etcd_is_slow_it_looks_once_more(self) -> None:
        self.put(routes("1"))
        self.start()
        self.etcd.silent = True
        self.settle(POLL_S)
        for _ in range(40):
            self.etcd.watches[0].tell({"events": [{}]})
            self.clock.advance(SETTLE_S)
        self.etcd.silent = False
        self.etcd.asked.clear()
        self.clock.advance(TIMEOUT_S)
        self.assertLessEqual(self.etcd.asked.count("/v3/kv/txn"), 3)

    def test_what_is_lost_because_etcd_went_away_after_what_was_given_back_is_said(self) -> None:
        self.put(routes("1"))
        one = self.start(steps="1,100%")
        self.put(routes("2"))
        self.etcd.puts_left = 1
        self.put(routes("3"))
        self.settle(2 * POLL_S)
        self.assertEqual((one.active, one.intake.standing.state), ((5, "1"), KeyState.NOT_STORED))
        self.assertIn("revision 4 gave way", one.health()[1]["source"]["problems"][0])
        self.etcd.puts_left = None
        again = self.put(routes("3"))
        self.assertEqual((one.active, one.intake.reasons()), ((again, "3"), []))

    def test_a_defect_is_logged_and_looking_goes_on(self) -> None:
        self.put(routes("1"))
        one = self.start()
        one.changes.judge = lambda *_, **__: 1 / 0
        self.put(routes("2"))
        self.assertNotEqual(self.flushLoggedErrors(ZeroDivisionError), [])
        self.assertIs(one.intake.standing.state, KeyState.NOT_CHECKED)
        del one.changes.judge
        self.settle(POLL_S)
        self.assertEqual(one.active, (3, "2"))

    def test_stopped_it_waits_for_no_answer(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.silent = True
        self.settle(POLL_S)
        change = Deferred.fromCoroutine(one.changes.propose(Proposal(content=routes("2"), actor="a")))
        self.assertNoResult(change)
        self.successResultOf(one.intake.stopService())
        self.failureResultOf(change, EtcdUnusable)
        self.assertNotIn("nothing can be changed", self.log.text)

    def test_stopped_it_asks_nothing_more(self) -> None:
        self.put(routes("1"))
        one = self.start()
        self.etcd.put(KEY, routes("2"))
        self.successResultOf(one.intake.stopService())
        self.etcd.asked.clear()
        self.clock.pump([1.0] * 10)
        self.assertEqual((self.etcd.asked, self.clock.getDelayedCalls()), ([], []))
