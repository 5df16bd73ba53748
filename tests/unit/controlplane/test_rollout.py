"""A rollout, event by event; and what must hold whatever happens."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.rollout import ACK_TIMEOUT_S, GIVING_BACK, WATCHING, NotPossible, Phase, Rollout
from cellrouter.controlplane.steps import read_steps

FLEET = [f"dp-{number}" for number in range(8)]
BAKE_S = 60.0


def rollout(steps: str = "1,25%,100%") -> Rollout:
    """Make the rollout of revision 7."""
    return Rollout(7, 6, read_steps(steps), BAKE_S)


def acked(before: Rollout) -> Rollout:
    """Let everybody in the step ack."""
    after = before
    for name in before.waiting_for:
        after = after.took(name)
    return after


def baked(before: Rollout, fleet: list[str] = FLEET) -> Rollout:
    """Let everybody ack and the bake go by."""
    return acked(before).ticked(BAKE_S, fleet)


class StepTests(SynchronousTestCase):
    """A rollout that goes well."""

    def test_it_goes_to_one_then_to_a_quarter_then_to_all(self) -> None:
        now = rollout().ticked(1, FLEET)
        counts = [len(now.members)]
        while now.under_way:
            self.assertIs(now.phase, Phase.SENDING)
            now = acked(now)
            self.assertIs(now.phase, Phase.BAKING)
            now = now.ticked(BAKE_S, FLEET)
            counts.append(len(now.members))
        self.assertEqual((counts, now.phase), ([1, 2, 8, 8], Phase.DONE))

    def test_those_of_a_step_keep_it_in_the_next(self) -> None:
        first = rollout().ticked(1, FLEET)
        second = baked(first)
        self.assertLess(first.members, second.members)

    def test_nothing_happens_before_all_of_the_step_have_acked(self) -> None:
        now = rollout("2,100%").ticked(1, FLEET)
        first, second = now.waiting_for
        now = now.took(first).ticked(ACK_TIMEOUT_S, FLEET)
        self.assertEqual((now.phase, now.waiting_for), (Phase.SENDING, [second]))

    def test_the_bake_lasts_as_long_as_it_is_to(self) -> None:
        now = acked(rollout().ticked(1, FLEET)).ticked(BAKE_S - 1, FLEET)
        self.assertEqual((now.phase, now.taken), (Phase.BAKING, 1))
        self.assertEqual(now.ticked(1, FLEET).taken, 2)

    def test_it_begins_when_there_is_a_data_plane(self) -> None:
        now = rollout().ticked(1000, [])
        self.assertIs(now.phase, Phase.PENDING)
        self.assertEqual(now.ticked(1, ["dp-1"]).members, {"dp-1"})

    def test_a_step_that_reaches_nobody_new_is_passed_over(self) -> None:
        now = baked(rollout().ticked(1, FLEET[:2]), FLEET[:2])
        self.assertEqual((now.taken, len(now.members)), (3, 2))
        self.assertIs(baked(rollout().ticked(1, FLEET[:1]), FLEET[:1]).phase, Phase.DONE)

    def test_those_who_come_later_belong_to_the_last_step(self) -> None:
        now = rollout().ticked(1, FLEET)
        self.assertFalse(now.reaches("late"))
        now = baked(baked(now))
        self.assertTrue(now.reaches("late"))

    def test_who_is_first_is_the_same_each_time_and_another_for_another_revision(self) -> None:
        firsts = [
            Rollout(revision, 1, read_steps("1,100%"), 1).ticked(1, FLEET).members
            for revision in (*range(2, 22), *range(2, 22))
        ]
        self.assertEqual(firsts[:20], firsts[20:])
        self.assertGreater(len(set(firsts)), 3)


class HaltTests(SynchronousTestCase):
    """A rollout that does not."""

    def assert_halts(self, before: Rollout, after: Rollout, reason: str) -> None:
        self.assertIs(after.phase, Phase.HALTING)
        self.assertIn(reason, after.reason)
        self.assertEqual(after.members, before.members)
        self.assertIs(after.replaced(8).phase, Phase.HALTED)
        self.assertIn(reason, after.replaced(8).reason)

    def test_one_that_refuses_it_halts_it_in_every_phase(self) -> None:
        sending = rollout().ticked(1, FLEET)
        (member,) = sending.members
        for now in (sending, acked(sending), acked(sending).paused(), sending.paused()):
            self.assert_halts(now, now.refused(member, "/x: wrong"), f"{member} refused it: /x: wrong")

    def test_one_that_is_lost_after_its_ack_halts_it(self) -> None:
        now = acked(rollout().ticked(1, FLEET))
        (member,) = now.members
        self.assert_halts(now, now.left(member), f"{member} was lost")
        self.assert_halts(now, now.paused().left(member), f"{member} was lost")

    def test_one_that_is_lost_before_its_ack_may_come_back_in_time(self) -> None:
        now = rollout().ticked(1, FLEET)
        (member,) = now.members
        now = now.left(member)
        self.assertIs(now.took(member).phase, Phase.BAKING)
        self.assert_halts(now, now.ticked(ACK_TIMEOUT_S + 1, []), f"no ack within 120 s from {member}")

    def test_traffic_that_is_the_worse_for_it_halts_it(self) -> None:
        now = acked(rollout().ticked(1, FLEET))
        for each in (now, now.paused()):
            self.assert_halts(each, each.ticked(BAKE_S, FLEET, "5% of all"), "5% of all")

    def test_what_happens_to_those_that_do_not_have_it_says_nothing_of_it(self) -> None:
        now = acked(rollout().ticked(1, FLEET))
        (other, *_) = set(FLEET) - now.members
        self.assertIs(now.left(other).refused(other, "stale").took(other), now)

    def test_one_that_comes_late_and_refuses_it_halts_it_too(self) -> None:
        now = baked(baked(rollout().ticked(1, FLEET)))
        self.assert_halts(now, now.refused("late", "wrong"), "late refused it")

    def test_nothing_happens_after_that(self) -> None:
        now = acked(rollout().ticked(1, FLEET))
        (member,) = now.members
        halted = now.left(member)
        for each in (halted, halted.replaced(8)):
            for happens in happenings(member):
                self.assertIs(happens(each), each)
            for wanted in (Rollout.paused, lambda it: it.promoted(FLEET), lambda it: it.aborted("")):
                self.assertRaises(NotPossible, wanted, each)


class SteeringTests(SynchronousTestCase):
    """What operators do."""

    def test_paused_it_takes_no_step_until_it_is_promoted(self) -> None:
        now = acked(rollout().ticked(1, FLEET)).paused().ticked(10 * BAKE_S, FLEET)
        self.assertEqual((now.phase, now.taken), (Phase.PAUSED, 1))
        self.assertEqual((now.promoted(FLEET).phase, now.promoted(FLEET).taken), (Phase.SENDING, 2))

    def test_paused_before_the_first_step_nobody_gets_it(self) -> None:
        now = rollout().paused().ticked(1000, FLEET)
        self.assertEqual((now.phase, now.members), (Phase.PAUSED, frozenset()))

    def test_promoting_does_not_wait_and_goes_one_step_at_a_time(self) -> None:
        now = rollout()
        taken = []
        while now.under_way:
            now = now.promoted(FLEET)
            taken.append((now.taken, len(now.members)))
        self.assertEqual(taken, [(1, 1), (2, 2), (3, 8), (3, 8)])
        self.assertIs(now.phase, Phase.DONE)

    def test_with_nobody_there_nothing_is_promoted(self) -> None:
        self.assertRaises(NotPossible, rollout().promoted, [])

    def test_aborted_the_snapshot_before_is_given_back(self) -> None:
        now = rollout().ticked(1, FLEET).aborted("ann: wrong one")
        self.assertEqual((now.phase, now.reason), (Phase.ABORTING, "ann: wrong one"))
        self.assertIs(now.replaced(8).phase, Phase.ABORTED)

    def test_another_change_takes_its_place(self) -> None:
        now = rollout().ticked(1, FLEET).replaced(8)
        self.assertEqual((now.phase, now.reason), (Phase.SUPERSEDED, "revision 8 has taken its place"))

    def test_what_is_done_stays_so(self) -> None:
        done = baked(baked(baked(rollout().ticked(1, FLEET))))
        self.assertIs(done.replaced(8), done)


class RestartTests(SynchronousTestCase):
    """What is kept when the control plane ends."""

    def restarted(self, now: Rollout) -> Rollout:
        return Rollout.restored(now.revision, now.document())

    def test_a_step_goes_on_when_those_in_it_have_acked_again(self) -> None:
        baking = acked(rollout().ticked(1, FLEET)).ticked(BAKE_S - 1, FLEET)
        now = self.restarted(baking)
        self.assertEqual((now.phase, now.members, now.taken), (Phase.SENDING, baking.members, 1))
        self.assertEqual(now.ticked(1, FLEET).taken, 1)
        now = acked(now)
        self.assertEqual((now.phase, now.spent_s), (Phase.BAKING, 0.0))

    def test_every_other_phase_is_kept(self) -> None:
        sending = rollout().ticked(1, FLEET)
        (member,) = sending.members
        halting = sending.refused(member, "wrong")
        for now in (rollout(), sending, sending.paused(), halting, sending.aborted("x"), halting.replaced(8)):
            self.assertEqual(self.restarted(now), now)


def happenings(name: str) -> list[Callable[[Rollout], Rollout]]:
    """Give everything that can happen by itself."""
    return [
        lambda now: now.took(name),
        lambda now: now.refused(name, "wrong"),
        lambda now: now.left(name),
        lambda now: now.ticked(1000, FLEET),
        lambda now: now.ticked(1, FLEET, "worse"),
    ]


EVENTS = st.one_of(
    st.tuples(st.sampled_from(["took", "left", "refused"]), st.sampled_from([*FLEET, "late"])),
    st.tuples(st.just("ticked"), st.tuples(st.floats(0, 70), st.sets(st.sampled_from(FLEET)))),
    st.tuples(st.just("breach"), st.none()),
    st.tuples(st.sampled_from(["pause", "promote", "abort", "restart", "all ack"]), st.none()),
)


def happen(now: Rollout, event: tuple[str, Any], there: set[str]) -> Rollout:
    """Let something happen, whether it makes sense or not."""
    what, detail = event
    happens: dict[str, Callable[[], Rollout]] = {
        "took": lambda: now.took(detail),
        "left": lambda: now.left(detail),
        "refused": lambda: now.refused(detail, "wrong"),
        "ticked": lambda: now.ticked(detail[0], there),
        "breach": lambda: now.ticked(1, there, "worse"),
        "restart": lambda: Rollout.restored(now.revision, now.document()),
        "all ack": lambda: acked(now),
        "pause": now.paused,
        "promote": lambda: now.promoted(there),
        "abort": lambda: now.aborted(""),
    }
    try:
        return happens[what]()
    except NotPossible:
        return now


class PropertyTests(SynchronousTestCase):
    """What must hold whatever happens, restarts at any point included."""

    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from(["1,25%,100%", "2,3,50%,100%", "100%", "10%,20%,100%"]), st.lists(EVENTS, max_size=60)
    )
    def test_never_more_have_it_than_the_step_allows_and_nobody_new_after_a_halt(
        self, steps: str, events: list[tuple[str, Any]]
    ) -> None:
        now, seen = rollout(steps), set(FLEET)
        for event in events:
            there = event[1][1] if event[0] == "ticked" else set(FLEET)
            after = happen(now, event, there)
            if 0 < after.taken < len(after.steps):
                self.assertLessEqual(len(after.members), after.steps[after.taken - 1].limit(len(seen)))
            self.assertEqual(bool(after.members), after.taken > 0)
            self.assertLessEqual(now.members, after.members)
            if after.members != now.members:
                self.assertGreater(after.taken, now.taken)
                self.assertIn(event[0], ("ticked", "breach", "promote"))
            if now.phase in GIVING_BACK or not now.under_way:
                self.assertEqual((after, after.reaches("late")), (now, now.reaches("late")))
            if event[0] == "refused" or (event[0] == "breach" and now.phase in WATCHING):
                self.assertEqual(after.members, now.members)
            now = after
