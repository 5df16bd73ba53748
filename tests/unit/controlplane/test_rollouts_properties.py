"""What data planes are sent, whatever happens in whichever order, restarts, full and slow disks included."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.proposals import Proposal
from cellrouter.controlplane.rollout import GIVING_BACK, Phase
from tests.support.documents import text
from tests.unit.controlplane.desks import BAKE_S, Desk
from tests.unit.controlplane.test_rollouts import DataPlane

NAMES = [f"dp-{number}" for number in range(8)]

TICK_S = 20

OFTEN = ["all answer", "tick"] * 6
SELDOM = ["restart", "restart", "pause", "promote", "abort", "roll back", "full", *["stall", "flow"] * 2]
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["answer", "refuse", "leave", "join"]), st.sampled_from(NAMES)),
    st.tuples(st.just("change"), st.sampled_from(["1.0.1", "1.0.2", "1.0.3"])),
    st.tuples(st.sampled_from(OFTEN + SELDOM), st.none()),
)


class World:
    """A control plane, which can be killed, and data planes, which come and go.

    :ivar got: for each revision, who was ever sent it.
    :ivar last: for each data plane, the revision that it was sent last.
    :ivar limits: for each revision that was rolled out, how many may ever have been sent it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.fleet: dict[str, DataPlane] = {}
        self.got: dict[int, set[str]] = {}
        self.last: dict[str, int] = {}
        self.limits: dict[int, int] = {}
        (folder / "routing.json").write_bytes(text("1.0.1"))
        self.start()

    def start(self) -> None:
        self.stalled: Deferred[None] | None = None
        self.desk = Desk(self.folder, self.clock, "1,25%,50%,100%")
        self.desk.intake.load_blocking()
        self.desk.rollouts.load_blocking()
        self.desk.hub.startService()
        self.desk.rollouts.startService()
        for name in NAMES:
            self.join(name)
        self.all_answer()

    def join(self, name: str) -> None:
        if name not in self.fleet:
            self.fleet[name] = DataPlane(self.desk, name, 50000 + NAMES.index(name))

    def leave(self, name: str) -> None:
        if name in self.fleet:
            self.fleet.pop(name).leave()

    def answer(self, name: str) -> None:
        if name in self.fleet:
            self.fleet[name].answer()

    def refuse(self, name: str) -> None:
        if name in self.fleet and self.fleet[name].take():
            self.fleet[name].refuse()

    def all_answer(self) -> None:
        for data_plane in self.fleet.values():
            data_plane.answer()

    def change(self, version: str) -> None:
        proposal = Proposal(content=text(version), actor="ann")
        self.go(self.desk.changes.propose(proposal))

    def tick(self) -> None:
        for _ in range(TICK_S):
            self.clock.advance(1)
            for data_plane in self.fleet.values():
                data_plane.take()

    def restart(self) -> None:
        self.desk.rollouts.stopService()
        for name in list(self.fleet):
            self.leave(name)
        self.start()

    def full(self) -> None:
        self.desk.history.disk_is_full = not self.desk.history.disk_is_full

    def stall(self) -> None:
        """Let whoever uses the disk next wait."""
        self.flow()
        self.stalled = self.desk.history.slow_disk = Deferred()

    def flow(self) -> None:
        stalled, self.stalled = self.stalled, None
        if stalled is not None:
            stalled.callback(None)

    def calm_down(self) -> None:
        """Let all go well, for long enough for any rollout to end that nobody has paused."""
        self.desk.history.disk_is_full = False
        self.flow()
        for _ in range(5 * int(BAKE_S) // TICK_S):
            for name in NAMES:
                self.join(name)
            self.all_answer()
            self.tick()

    def go(self, job: Any) -> None:
        """Do what may be refused."""
        Deferred.fromCoroutine(job).addErrback(lambda failure: None)

    def happen(self, what: str, detail: Any) -> None:
        rollouts = self.desk.rollouts
        happens: dict[str, Callable[[], object]] = {
            "answer": lambda: self.answer(detail),
            "refuse": lambda: self.refuse(detail),
            "leave": lambda: self.leave(detail),
            "join": lambda: self.join(detail),
            "change": lambda: self.change(detail),
            "all answer": self.all_answer,
            "tick": self.tick,
            "restart": self.restart,
            "pause": lambda: self.go(rollouts.pause("ann")),
            "promote": lambda: self.go(rollouts.promote("ann")),
            "abort": lambda: self.go(rollouts.abort("ann", "")),
            "roll back": lambda: self.go(self.desk.changes.roll_back(1, "ann", "now")),
            "full": self.full,
            "stall": self.stall,
            "flow": self.flow,
        }
        happens[what]()

    def look(self) -> list[tuple[str, int]]:
        """Take note of what was sent since the last look, and return it."""
        sent = []
        for name, data_plane in self.fleet.items():
            for revision in data_plane.take()[data_plane.noted :]:
                self.got.setdefault(revision, set()).add(name)
                sent.append((name, revision))
            data_plane.noted = len(data_plane.got)
        return sent


class RolloutsProperties(SynchronousTestCase):
    """What must hold."""

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(EVENTS, max_size=40))
    def test_no_more_get_it_than_the_step_allows_nobody_goes_back_in_numbers_and_it_ends(
        self, events: list[tuple[str, Any]]
    ) -> None:
        with TemporaryDirectory() as folder:
            world = World(Path(folder))
            world.look()
            for event in [("change", "1.0.2"), *events]:
                before, had = world.desk.rollouts.rollout, {each: set(who) for each, who in world.got.items()}
                world.happen(*event)
                for name, revision in world.look():
                    self.assertGreaterEqual(revision, world.last.get(name, 0), (event, name))
                    world.last[name] = revision
                after = world.desk.rollouts.rollout
                if after is not None:
                    step = after.steps[after.taken - 1] if after.taken else None
                    limit = step.limit(len(NAMES)) if step is not None else 0
                    world.limits[after.revision] = max(limit, world.limits.get(after.revision, 0))
                for revision, limit in world.limits.items():
                    self.assertLessEqual(len(world.got.get(revision, ())), limit, (event, revision))
                if after is not None and before is not None and before.phase in GIVING_BACK:
                    which = before.revision
                    self.assertEqual(world.got.get(which), had.get(which), event)
            world.calm_down()
            ended = world.desk.rollouts.rollout
            assert ended is not None
            self.assertTrue(ended.phase is Phase.PAUSED or not ended.under_way, ended)
            world.desk.rollouts.stopService()
