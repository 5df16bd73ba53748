"""Rollouts as the data planes see them: what each is sent, and when; with restarts and full disks."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.attendance import AWAY_S, HELLO_GRACE_S
from cellrouter.controlplane.gates import Gates
from cellrouter.controlplane.hub import AT_ONCE
from cellrouter.controlplane.proposals import Outcome, Proposal
from cellrouter.controlplane.rollout import NotPossible, Phase, Rollout
from cellrouter.controlplane.rollouts import MAX_WAITING
from cellrouter.daemon.children import Busy
from cellrouter.snapshots.history_schema import HistoryUnusable
from tests.support.documents import text
from tests.support.logs import CapturedLog
from tests.unit.controlplane.desks import BAKE_S, Desk
from tests.unit.controlplane.peers import PING, PONG, TEXT, Peer

FLEET = [f"dp-{number}" for number in range(8)]


class DataPlane(Peer):
    """One that says who it is, and acks whatever it is sent when it is told to.

    :ivar name: its node id.
    :ivar got: the revisions that it was sent.
    :ivar noted: how many of them a test has looked at.
    """

    noted = 0

    def __init__(self, desk: Desk, name: str | None, port: int = 50000) -> None:
        super().__init__(desk.hub, port)
        self.name = name
        self.got: list[Any] = []
        self.snapshots: list[dict[str, Any]] = []
        if name is not None:
            self.send({"type": "hello", "node_id": name, "software": "1", "running": None})

    def take(self) -> list[Any]:
        """Read what it was sent; return all revisions so far."""
        for frame in self.read():
            if frame.opcode == PING:
                self.send_frame(PONG, frame.payload)
            if frame.opcode == TEXT:
                message: dict[str, Any] = frame.message()
                self.snapshots.append(message)
                self.got.append(message["revision"])
        return self.got

    def answer(self) -> None:
        """Ack what it was sent last."""
        if self.take():
            last = self.snapshots[-1]
            version, hash_ = last["config"]["version"], last["hash"]
            ack = {"version": version, "revision": last["revision"], "hash": hash_, "apply_ms": 1}
            self.send({"type": "ack", **ack})

    def refuse(self) -> None:
        """Nack what it was sent last."""
        self.take()
        last = self.snapshots[-1]
        errors = [{"path": "/x", "code": "bad", "message": "no\nway"}]
        nack = {"version": None, "revision": last["revision"], "hash": last["hash"], "errors": errors}
        self.send({"type": "nack", **nack})

    def report(self, total: int, errors: int = 0) -> None:
        """Tell what it has done."""
        requests = {"total": total, "server_errors": errors, "latency_ms": [[1.0, total]]}
        self.send({"type": "status", "placements": {}, "requests": requests})

    def leave(self) -> None:
        """Lose the connection."""
        self.connection.abort()


class RolloutsTestCase(SynchronousTestCase):
    """Eight data planes that run revision 1."""

    steps = "1,25%,100%"

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.logged = CapturedLog(self)
        (self.folder / "routing.json").write_bytes(text("1.0.1"))
        self.start()
        self.join()

    def start(self) -> None:
        self.desk = desk = Desk(self.folder, self.clock, self.steps)
        desk.intake.load_blocking()
        desk.rollouts.load_blocking()
        desk.roster.load_blocking()
        desk.roster.startService()
        desk.hub.startService()
        desk.rollouts.startService()
        self.addCleanup(desk.rollouts.stopService)

    def join(self) -> None:
        self.fleet = {name: DataPlane(self.desk, name, 50000 + i) for i, name in enumerate(FLEET)}
        self.answer()

    def restart(self) -> None:
        """Kill the control plane and start another one, to which everybody connects."""
        self.end()
        self.start()
        self.join()

    def end(self) -> None:
        self.desk.rollouts.stopService()
        self.desk.roster.stopService()
        for data_plane in self.fleet.values():
            data_plane.leave()

    def answer(self) -> None:
        for data_plane in self.fleet.values():
            data_plane.answer()

    def propose(self, version: str) -> "Deferred[Outcome]":
        proposal = Proposal(content=text(version), actor="ann")
        return Deferred.fromCoroutine(self.desk.changes.propose(proposal))

    def accept(self, version: str) -> int:
        return self.successResultOf(self.propose(version)).accepted.revision

    def bake(self, seconds: int = int(BAKE_S)) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for data_plane in self.fleet.values():
                data_plane.take()

    def with_revision(self, revision: int) -> list[str]:
        """Name those that were sent this revision last."""
        return [name for name, each in self.fleet.items() if (each.take() or [0])[-1] == revision]

    def counts(self) -> dict[int, int]:
        """Count the data planes by what they were sent last."""
        last = [each.take()[-1] for each in self.fleet.values() if each.take()]
        return {revision: last.count(revision) for revision in sorted(set(last))}

    @property
    def rollout(self) -> Rollout:
        rollout = self.desk.rollouts.rollout
        assert rollout is not None
        return rollout

    def entries(self) -> list[tuple[int, str, str, str]]:
        found = self.successResultOf(Deferred.fromCoroutine(self.desk.history.entries()))
        return [(each.revision, each.version, each.actor, each.reason) for each in reversed(found)]

    def order(self, what: str, *arguments: str) -> "Deferred[None]":
        return Deferred.fromCoroutine(getattr(self.desk.rollouts, what)("ann", *arguments))


class StepsTests(RolloutsTestCase):
    """A rollout that goes well."""

    def test_one_data_plane_gets_it_then_a_quarter_then_all(self) -> None:
        outcome = self.successResultOf(self.propose("1.0.2"))
        self.assertTrue(outcome.staged)
        self.assertEqual(self.counts(), {1: 7, 2: 1})
        for expected in ({1: 6, 2: 2}, {2: 8}):
            self.answer()
            self.bake()
            self.assertEqual(self.counts(), expected)
        self.answer()
        self.bake()
        self.assertIs(self.rollout.phase, Phase.DONE)
        self.assertIn("rollout of revision 2: done", self.logged.lines)
        self.assertEqual([each.got for each in self.fleet.values()], [[1, 2]] * 8)

    def test_a_bake_that_begins_between_two_ticks_lasts_as_long_as_it_is_to(self) -> None:
        self.accept("1.0.2")
        self.clock.advance(0.9)
        self.answer()
        self.clock.advance(0.1)
        self.bake(59)
        self.assertEqual(self.counts(), {1: 7, 2: 1})
        self.clock.advance(1)
        self.assertEqual(self.counts(), {1: 6, 2: 2})

    def test_time_in_which_the_control_plane_did_not_run_is_no_bake(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.clock.advance(3600)
        self.assertIs(self.rollout.phase, Phase.BAKING)

    def test_a_bake_in_which_nobody_said_what_it_did_is_said_to_be_one(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.bake()
        self.assertIn("step 1 was judged by acks and connections alone", self.logged.text)
        self.answer()
        for total in (0, 10):
            for data_plane in self.fleet.values():
                data_plane.report(total)
        self.bake()
        self.assertNotIn("step 2 was judged", self.logged.text)

    def test_a_defect_that_shows_once_does_not_end_the_watching(self) -> None:
        self.accept("1.0.2")
        self.answer()
        with patch.object(Gates, "breach", side_effect=ZeroDivisionError):
            self.clock.advance(1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.bake()
        self.assertEqual(self.counts(), {1: 6, 2: 2})

    def test_without_an_ack_no_further_step_is_taken(self) -> None:
        self.accept("1.0.2")
        self.bake()
        self.assertEqual(self.counts(), {1: 7, 2: 1})

    def test_who_connects_meanwhile_gets_what_is_for_its_stage(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        self.assertEqual(DataPlane(self.desk, member, 1).take(), [2])
        self.assertEqual(DataPlane(self.desk, "late", 2).take(), [1])
        (other, *_) = self.with_revision(1)
        self.assertEqual(DataPlane(self.desk, other, 3).take(), [1])

    def test_who_does_not_say_its_name_gets_the_old_one_after_a_moment(self) -> None:
        self.accept("1.0.2")
        nameless = DataPlane(self.desk, None, 1)
        self.assertEqual(nameless.take(), [])
        self.clock.pump([1.0] * (int(HELLO_GRACE_S) + 1))
        self.assertEqual(nameless.take(), [1])

    def test_between_rollouts_everybody_gets_the_active_one_at_once(self) -> None:
        self.assertEqual(DataPlane(self.desk, None, 1).take(), [1])

    def test_it_waits_for_the_first_data_plane(self) -> None:
        for data_plane in self.fleet.values():
            data_plane.leave()
        self.accept("1.0.2")
        self.bake()
        first = DataPlane(self.desk, "dp-1")
        self.assertEqual(first.take(), [1])
        self.clock.advance(1)
        self.assertEqual(first.take(), [1, 2])

    def test_those_that_share_a_name_come_last(self) -> None:
        twins = [DataPlane(self.desk, name, port) for port, name in enumerate(FLEET[:7])]
        self.accept("1.0.2")
        self.assertEqual(self.with_revision(2), ["dp-7"])
        self.successResultOf(self.order("promote"))
        self.assertEqual(self.counts(), {1: 6, 2: 2})
        self.assertEqual(sum(2 in each.take() for each in twins), 1)

    def test_it_does_not_begin_with_a_name_that_is_shared(self) -> None:
        for data_plane in self.fleet.values():
            data_plane.leave()
        self.fleet = {str(port): DataPlane(self.desk, "dp", port) for port in range(3)}
        self.accept("1.0.2")
        self.bake()
        self.assertEqual((self.counts(), self.rollout.phase), ({1: 3}, Phase.PENDING))
        promoted = self.failureResultOf(self.order("promote"), NotPossible)
        self.assertIn("a name of its own", promoted.getErrorMessage())
        self.fleet["one"] = DataPlane(self.desk, "one")
        self.clock.advance(1)
        self.assertEqual(self.with_revision(2), ["one"])

    def test_the_first_config_and_one_that_says_the_same_need_no_steps(self) -> None:
        self.assertIsNone(self.desk.rollouts.rollout)
        self.assertFalse(self.successResultOf(self.propose("1.0.1")).changed)
        self.assertIsNone(self.desk.rollouts.rollout)


class HaltTests(RolloutsTestCase):
    """A rollout that does not go well."""

    def assert_given_back(self, reason: str) -> None:
        self.assertIs(self.rollout.phase, Phase.HALTED)
        self.assertEqual(self.counts(), {3: 8})
        self.assertEqual(self.entries()[-1][:3], (3, "1.0.1", "rollout"))
        self.assertIn(reason, self.entries()[-1][3])
        had_it = [name for name, each in self.fleet.items() if 2 in each.got]
        self.assertEqual(set(had_it), self.rollout.members)

    def test_a_refusal_gives_back_the_snapshot_before_under_a_new_number(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        self.fleet[member].refuse()
        self.assert_given_back(rf"revision 2 is halted at step 1 of 3: {member} refused it: /x: bad: no\nway")
        self.assertFalse([line for line in self.logged.lines if "\n" in line])
        self.answer()
        self.bake()
        self.assertEqual(self.counts(), {3: 8})

    def test_a_loss_in_the_second_step_gives_it_back_to_both(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.bake()
        self.answer()
        member = self.with_revision(2)[0]
        self.fleet.pop(member).leave()
        self.assertIs(self.rollout.phase, Phase.HALTED)
        self.assertEqual(self.counts(), {3: 7})
        self.assertIn(f"{member} was lost", self.entries()[-1][3])

    def test_errors_where_it_is_give_it_back(self) -> None:
        for total in (0, 1000):
            for data_plane in self.fleet.values():
                data_plane.report(total)
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        self.answer()
        self.clock.advance(1)
        for name, data_plane in self.fleet.items():
            data_plane.report(2000, 50 if name == member else 1)
        self.clock.advance(1)
        self.assert_given_back("5.00% of 1000 requests were answered with a 5xx, 0.10% of 7000")

    def test_errors_of_an_earlier_rollout_do_not_halt_one_that_is_paused(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        self.answer()
        for total in (0, 1000):
            self.fleet[member].report(total, total // 2)
        self.clock.advance(1)
        self.assert_given_back("50.00% of 1000 requests")
        self.accept("1.0.4")
        self.successResultOf(self.order("pause"))
        self.clock.advance(1)
        self.assertIs(self.rollout.phase, Phase.PAUSED)

    def test_what_two_with_one_name_have_done_in_their_lives_says_nothing(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        twin = DataPlane(self.desk, member, 1)
        self.answer()
        for total in (10, 20):
            twin.report(100_000 + total, 50_000)
            self.fleet[member].report(total)
        self.clock.advance(1)
        self.assertIs(self.rollout.phase, Phase.BAKING)

    def test_errors_after_hours_of_a_pause_are_not_lost_in_what_went_well(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.successResultOf(self.order("pause"))
        (member,) = self.with_revision(2)
        for total in (0, 1_000_000):
            self.fleet[member].report(total)
        self.bake(700)
        self.assertIs(self.rollout.phase, Phase.PAUSED)
        self.assertEqual(self.desk.rollouts.watch.meter.seen, 1_000_000)
        self.fleet[member].report(1_000_100, 50)
        self.clock.advance(1)
        self.assert_given_back("50.00% of 100 requests")

    def test_one_that_says_it_runs_something_else_as_this_revision_halts_it(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        ack = {"version": "1.0.2", "revision": 2, "hash": "sha256:other", "apply_ms": 1}
        self.fleet[member].send({"type": "ack", **ack})
        self.assert_given_back(f"{member} refused it: it runs sha256:other as revision 2")

    def test_one_that_refuses_it_without_a_reason_is_said_to(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        self.fleet[member].send({"type": "nack", "version": None, "revision": 2, "hash": None, "errors": []})
        self.assert_given_back(f"{member} refused it: without a reason")

    def test_one_that_cannot_even_read_it_halts_it(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        errors = [{"path": "", "code": "too_large", "message": "it is too large"}]
        self.fleet[member].send(
            {"type": "nack", "version": None, "revision": None, "hash": None, "errors": errors}
        )
        self.assert_given_back(f"{member} refused it: (document): too_large: it is too large")

    def test_errors_everywhere_do_not(self) -> None:
        for data_plane in self.fleet.values():
            data_plane.report(0)
        self.accept("1.0.2")
        self.answer()
        for data_plane in self.fleet.values():
            data_plane.report(1000, 300)
        self.clock.advance(1)
        self.assertIs(self.rollout.phase, Phase.BAKING)

    def test_the_next_change_has_a_rollout_of_its_own(self) -> None:
        self.accept("1.0.2")
        self.fleet[self.with_revision(2)[0]].refuse()
        self.answer()
        self.assertEqual(self.accept("1.0.4"), 4)
        self.assertEqual(self.counts(), {3: 7, 4: 1})

    def test_with_a_full_disk_nobody_new_gets_it_and_it_is_given_back_when_there_is_room(self) -> None:
        self.accept("1.0.2")
        self.desk.history.disk_is_full = True
        self.fleet[self.with_revision(2)[0]].refuse()
        nameless = DataPlane(self.desk, None, 1)
        self.bake()
        self.assertEqual((self.rollout.phase, self.counts()), (Phase.HALTING, {1: 7, 2: 1}))
        self.assertEqual(nameless.take(), [1])
        self.assertEqual(self.logged.text.count("cannot be given back"), 1)
        self.desk.history.disk_is_full = False
        self.clock.advance(1)
        self.assertEqual((self.rollout.phase, self.counts()), (Phase.HALTED, {3: 8}))

    def test_with_a_full_disk_no_step_is_taken(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.desk.history.disk_is_full = True
        self.bake()
        self.bake()
        self.assertEqual(self.counts(), {1: 7, 2: 1})
        self.assertEqual(self.logged.text.count("how far the rollout has got cannot be noted"), 1)
        self.desk.history.disk_is_full = False
        self.clock.advance(1)
        self.assertEqual(self.counts(), {1: 6, 2: 2})

    def test_stopping_the_control_plane_loses_nobody(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.desk.rollouts.stopService()
        for data_plane in self.fleet.values():
            data_plane.leave()
        self.assertIs(self.rollout.phase, Phase.BAKING)


class SlowDiskTests(RolloutsTestCase):
    """Data planes say something while a step is being stored."""

    steps = "2,50%,100%"

    def setUp(self) -> None:
        super().setUp()
        self.accept("1.0.2")
        self.first, self.second = self.with_revision(2)
        self.fleet[self.first].answer()
        self.slow_disk = self.desk.history.slow_disk = Deferred()
        self.promoted = self.order("promote")
        self.assertEqual(self.counts(), {1: 6, 2: 2})

    def test_one_that_acks_is_not_asked_again(self) -> None:
        self.fleet[self.second].answer()
        self.slow_disk.callback(None)
        self.successResultOf(self.promoted)
        self.assertEqual(self.counts(), {1: 4, 2: 4})
        self.assertEqual(self.rollout.acked, {self.first, self.second})

    def test_one_that_refuses_it_ends_it_and_nobody_else_gets_it(self) -> None:
        self.fleet[self.second].refuse()
        self.slow_disk.callback(None)
        self.assertIn("has ended", str(self.failureResultOf(self.promoted, NotPossible).value))
        self.assertEqual((self.counts(), self.rollout.phase), ({3: 8}, Phase.HALTED))
        self.assertEqual(sum(2 in each.got for each in self.fleet.values()), 2)

    def test_orders_wait_in_a_line_that_ends_somewhere(self) -> None:
        waiting = [self.order("pause") for _ in range(MAX_WAITING)]
        self.failureResultOf(self.order("pause"), Busy)
        self.slow_disk.callback(None)
        for order in (self.promoted, *waiting):
            self.successResultOf(order)


class LargeFleetTests(RolloutsTestCase):
    """More data planes than Python lets calls be nested."""

    steps = "100%"

    def join(self) -> None:
        names = [f"dp-{number}" for number in range(300)]
        self.fleet = {name: DataPlane(self.desk, name, 40000 + i) for i, name in enumerate(names)}
        self.answer()

    def setUp(self) -> None:
        super().setUp()
        self.accept("1.0.2")
        self.let_all_be_sent()
        self.slow_disk: Deferred[None] = Deferred()
        self.desk.history.slow_disk = self.slow_disk

    def let_all_be_sent(self) -> None:
        """Let the slices pass that a large fleet is sent a snapshot in."""
        self.clock.pump([0.0] * (300 // AT_ONCE))

    def test_all_may_ack_while_something_is_stored(self) -> None:
        paused = self.order("pause")
        self.answer()
        self.slow_disk.callback(None)
        self.successResultOf(paused)
        self.assertEqual(self.rollout.waiting_for, [])
        self.successResultOf(self.order("abort", ""))
        self.let_all_be_sent()
        self.assertEqual(self.counts(), {3: 300})

    def test_all_may_be_lost_while_that_is_stored(self) -> None:
        self.answer()
        for data_plane in self.fleet.values():
            data_plane.leave()
        self.slow_disk.callback(None)
        self.assertIs(self.rollout.phase, Phase.HALTED)
        self.assertNotIn("driving the rollout failed", self.logged.text)
        self.accept("1.0.4")
        self.assertIs(self.rollout.phase, Phase.PENDING)


class OtherChangesTests(RolloutsTestCase):
    """Changes while a rollout is under way."""

    def setUp(self) -> None:
        super().setUp()
        self.accept("1.0.2")
        self.answer()

    def test_a_newer_change_begins_anew_with_a_fleet_that_runs_one_config(self) -> None:
        self.bake()
        self.answer()
        self.assertEqual(self.counts(), {1: 6, 2: 2})
        self.assertEqual(self.accept("1.0.4"), 4)
        self.assertEqual(self.counts(), {3: 7, 4: 1})
        self.assertEqual(
            self.entries()[2:],
            [
                (3, "1.0.1", "rollout", "revision 2 is superseded before it is everywhere"),
                (4, "1.0.4", "ann", ""),
            ],
        )
        self.assertEqual((self.rollout.fallback, self.rollout.taken), (3, 1))

    def test_a_rollback_goes_to_all_at_once(self) -> None:
        undone = Deferred.fromCoroutine(self.desk.changes.roll_back(1, "ann", "it broke"))
        self.assertFalse(self.successResultOf(undone).staged)
        self.assertEqual((self.counts(), self.rollout.phase), ({3: 8}, Phase.SUPERSEDED))

    def test_what_was_there_before_goes_to_all_at_once_whoever_wants_it(self) -> None:
        self.assertEqual(self.accept("1.0.1"), 3)
        self.assertEqual((self.counts(), self.rollout.phase), ({3: 8}, Phase.SUPERSEDED))
        self.assertEqual(self.entries()[-1][2], "ann")

    def test_a_change_that_is_refused_disturbs_nothing(self) -> None:
        self.failureResultOf(self.propose(""))
        self.assertEqual((self.counts(), self.rollout.phase), ({1: 7, 2: 1}, Phase.BAKING))


class SteeringTests(RolloutsTestCase):
    """What operators do."""

    def setUp(self) -> None:
        super().setUp()
        self.accept("1.0.2")
        self.answer()

    def test_paused_promoted_and_aborted(self) -> None:
        self.successResultOf(self.order("pause"))
        self.bake()
        self.bake()
        self.assertEqual(self.counts(), {1: 7, 2: 1})
        self.successResultOf(self.order("promote"))
        self.assertEqual(self.counts(), {1: 6, 2: 2})
        self.successResultOf(self.order("abort", "wrong file"))
        self.assertEqual((self.counts(), self.rollout.phase), ({3: 8}, Phase.ABORTED))
        self.assertEqual(
            self.entries()[-1],
            (3, "1.0.1", "rollout", "revision 2 is aborted at step 2 of 3: ann: wrong file"),
        )

    def test_without_a_rollout_there_is_nothing_to_steer(self) -> None:
        self.successResultOf(self.order("abort", ""))
        for what in ("pause", "promote"):
            self.failureResultOf(self.order(what), NotPossible)

    def test_a_pause_that_is_not_stored_is_an_error(self) -> None:
        self.desk.history.disk_is_full = True
        paused = self.failureResultOf(self.order("pause"), HistoryUnusable)
        self.assertIn("it counts until the control plane ends: ", paused.getErrorMessage())
        self.assertIs(self.rollout.phase, Phase.PAUSED)
        promoted = self.failureResultOf(self.order("promote"), HistoryUnusable)
        self.assertIn("the step is not taken: ", promoted.getErrorMessage())
        self.assertEqual(self.counts(), {1: 7, 2: 1})


class RestartTests(RolloutsTestCase):
    """The control plane ends in the middle of a rollout."""

    def test_it_goes_on_where_it_was_when_all_have_acked_again(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.bake()
        members = self.with_revision(2)
        self.restart()
        self.assertEqual((self.counts(), self.with_revision(2)), ({1: 6, 2: 2}, members))
        self.bake(59)
        self.assertEqual(self.counts(), {1: 6, 2: 2})
        self.clock.advance(1)
        self.assertEqual(self.counts(), {2: 8})

    def test_while_most_have_not_come_back_no_step_is_taken(self) -> None:
        self.accept("1.0.2")
        self.answer()
        (member,) = self.with_revision(2)
        self.end()
        self.start()
        away = set(FLEET) - {member}
        self.fleet = {member: DataPlane(self.desk, member)}
        self.answer()
        self.bake(int(BAKE_S) + 1)
        self.assertEqual((self.rollout.phase, self.rollout.taken), (Phase.BAKING, 1))
        for name in away:
            self.fleet[name] = DataPlane(self.desk, name)
        self.clock.advance(1)
        self.assertEqual(self.counts(), {1: 6, 2: 2})

    def test_those_that_do_not_come_back_are_not_waited_for_for_ever(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        self.end()
        self.start()
        self.fleet = {member: DataPlane(self.desk, member)}
        self.answer()
        self.bake(int(AWAY_S) + 1)
        self.assertIs(self.rollout.phase, Phase.DONE)

    def test_before_its_first_step_nobody_has_it(self) -> None:
        self.successResultOf(self.order("pause").addErrback(lambda failure: failure.trap(NotPossible)))
        for data_plane in self.fleet.values():
            data_plane.leave()
        self.accept("1.0.2")
        self.fleet = {}
        self.restart()
        self.assertEqual(self.counts(), {1: 8})
        self.clock.advance(1)
        self.assertEqual(self.counts(), {1: 7, 2: 1})

    def test_one_that_does_not_come_back_halts_it(self) -> None:
        self.accept("1.0.2")
        self.answer()
        (member,) = self.with_revision(2)
        self.restart()
        self.restart()
        self.fleet.pop(member).leave()
        self.assertIs(self.rollout.phase, Phase.HALTED)

    def test_what_was_to_be_given_back_is(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        give_back = self.desk.rollouts.give_back

        async def fail(revision: int, reason: str) -> None:
            raise HistoryUnusable("killed")

        self.desk.rollouts.give_back = fail
        self.fleet[member].refuse()
        self.assertIs(self.rollout.phase, Phase.HALTING)
        self.desk.rollouts.give_back = give_back
        self.restart()
        self.assertEqual(self.counts(), {1: 7})
        self.clock.advance(1)
        self.assertEqual((self.counts(), self.rollout.phase), ({3: 8}, Phase.HALTED))

    def test_the_traffic_before_it_is_compared_with_after_that_too(self) -> None:
        self.steps = "100%"
        self.restart()
        for total in (0, 1000):
            for data_plane in self.fleet.values():
                data_plane.report(total, total // 20)
        self.accept("1.0.2")
        self.restart()
        for total in (1000, 2000):
            for data_plane in self.fleet.values():
                data_plane.report(total, total // 20)
        self.clock.advance(1)
        self.assertIs(self.rollout.phase, Phase.BAKING)

    def test_how_it_ended_is_known_afterwards(self) -> None:
        self.accept("1.0.2")
        self.fleet[self.with_revision(2)[0]].refuse()
        self.restart()
        self.assertIs(self.rollout.phase, Phase.HALTED)
        self.assertIn("refused it", self.rollout.reason)

    def test_other_steps_on_the_command_line_do_not_change_one_that_is_under_way(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.steps = "all"
        self.restart()
        self.assertEqual(self.counts(), {1: 7, 2: 1})
        self.assertEqual(self.accept("1.0.3"), 3)
        self.assertEqual(self.counts(), {3: 8})

    def test_with_a_snapshot_before_that_is_gone_nobody_new_is_sent_anything(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.desk.history._keep = 1
        self.successResultOf(Deferred.fromCoroutine(self.desk.history._interact(_lose_the_first)))
        self.restart()
        self.assertEqual(self.counts(), {2: 1})
        self.assertIn("revision 1, which was there before it, is not in the history", self.logged.text)
        self.assertEqual(self.accept("1.0.3"), 3)
        self.assertEqual(sum(self.counts().values()), len(self.with_revision(2)) + 1)
        self.assertEqual(len(self.with_revision(3)), 1)


def _lose_the_first(cursor: Any) -> None:
    cursor.execute("DELETE FROM snapshots WHERE revision = 1")
