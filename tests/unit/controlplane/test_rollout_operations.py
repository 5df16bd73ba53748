"""What operators ask and do about a rollout over HTTP, and what is said of it elsewhere."""

from typing import Any
from urllib.parse import urlencode

from cellrouter.controlplane.access import Access, RefusalLog
from cellrouter.controlplane.bodies import BoundedSite
from cellrouter.controlplane.convergence import ALL_SEEN
from cellrouter.controlplane.operations import Operations
from cellrouter.controlplane.resources import build_root
from tests.support.documents import text
from tests.support.web import Answer, ask
from tests.unit.controlplane.test_rollouts import RolloutsTestCase


class RolloutOperationsTests(RolloutsTestCase):
    """A site in memory, with eight data planes that run revision 1."""

    def setUp(self) -> None:
        super().setUp()
        desk, access = self.desk, Access(RefusalLog(self.clock))
        operations = Operations(desk.changes, desk.history, desk.in_child)
        inside = (
            desk.hub,
            desk.intake,
            desk.changes,
            desk.rollouts,
            desk.traffic,
            operations,
            ALL_SEEN,
            self.clock,
            access,
        )
        self.site = BoundedSite(build_root(*inside), 10_000, self.clock, access)

    def get(self, target: str) -> Any:
        return ask(self.site, target).json()

    def post(self, what: str, more: dict[str, Any] | None = None, **query: str) -> Answer:
        return ask(self.site, f"/rollout/{what}?{urlencode(query)}", "POST", **(more or {}))

    def test_without_one_it_says_how_the_next_will_go(self) -> None:
        shown = self.get("/rollout")
        self.assertIsNone(shown["rollout"])
        self.assertEqual((shown["next"]["steps"], shown["next"]["bake_s"]), ("1,25%,100%", 60.0))
        self.assertIsNone(self.get("/health")["rollout"])

    def test_a_change_says_that_it_goes_in_steps(self) -> None:
        answer = ask(self.site, "/config/apply", "POST", body=text("1.0.2"))
        self.assertTrue(answer.json()["staged"])
        self.assertFalse(ask(self.site, "/config/apply", "POST", body=text("1.0.1")).json()["staged"])

    def test_it_is_shown_wherever_somebody_may_look(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        for shown in (self.get("/rollout"), self.get("/health"), self.get("/fleet")):
            rollout = shown["rollout"]
            self.assertEqual((rollout["revision"], rollout["fallback"], rollout["phase"]), (2, 1, "sending"))
            self.assertEqual((rollout["step"], rollout["steps"]), (1, ["1", "25%", "100%"]))
            self.assertEqual((rollout["data_planes"], rollout["waiting_for"]), ([member], [member]))

    def test_the_traffic_is_shown_while_it_is_watched(self) -> None:
        for total in (0, 1000):
            for data_plane in self.fleet.values():
                data_plane.report(total, total // 100)
        self.accept("1.0.2")
        self.assertIsNone(self.get("/rollout")["rollout"]["traffic"])
        self.answer()
        traffic = self.get("/rollout")["rollout"]["traffic"]
        self.assertEqual(traffic["old"]["requests"], 8000)
        self.assertEqual((traffic["old"]["errors_pct"], traffic["old"]["p99_ms"]), (1.0, 1.015))
        self.assertEqual(traffic["new"]["requests"], 0)

    def test_the_fleet_stands_to_what_its_stage_says_and_converges_when_all_have_it(self) -> None:
        self.accept("1.0.2")
        (member,) = self.with_revision(2)
        fleet = self.get("/fleet")
        self.assertEqual((fleet["states"]["acked"], fleet["states"]["behind"]), (7, 1))
        self.assertEqual(fleet["waiting_for"], [member])
        self.answer()
        fleet = self.get("/fleet")
        self.assertEqual((fleet["states"]["acked"], fleet["converged"]), (8, False))
        for _ in range(3):
            self.bake()
            self.answer()
        self.assertTrue(self.get("/fleet")["converged"])

    def test_it_is_paused_promoted_and_aborted(self) -> None:
        self.accept("1.0.2")
        self.assertEqual(self.post("pause", actor="ann").json()["rollout"]["phase"], "paused")
        self.assertEqual(self.post("promote", actor="ann").json()["rollout"]["step"], 2)
        aborted = self.post("abort", actor="ann", reason="wrong").json()["rollout"]
        self.assertEqual((aborted["phase"], aborted["reason"]), ("aborted", "ann: wrong"))
        self.assertEqual(self.counts(), {3: 8})

    def test_it_is_promoted_from_the_step_that_somebody_has_seen_and_from_no_later_one(self) -> None:
        self.accept("1.0.2")
        self.answer()
        self.bake()
        late = self.post("promote", **{"if-step": "1"})
        self.assertEqual((late.status, self.rollout.taken), (409, 2))
        self.assertEqual(late.json()["detail"], "step 2 was taken by now, not 1: look at it again")
        self.assertEqual(self.post("promote", **{"if-step": "x"}).status, 400)
        self.assertEqual(self.post("promote", **{"if-step": "2"}).json()["rollout"]["step"], 3)

    def test_when_none_goes_on_that_is_a_409(self) -> None:
        for what in ("pause", "promote", "abort"):
            answer = self.post(what)
            self.assertEqual((answer.status, answer.json()["detail"]), (409, "no rollout is under way"))

    def test_a_full_disk_is_a_507(self) -> None:
        self.accept("1.0.2")
        self.desk.history.disk_is_full = True
        for what in ("promote", "pause", "abort"):
            self.assertEqual(self.post(what).status, 507)

    def test_strangers_may_look_and_not_touch(self) -> None:
        self.accept("1.0.2")
        strangers: list[dict[str, Any]] = [{"host": "10.0.0.7"}, {"fields": {"Origin": "http://evil"}}]
        for stranger in strangers:
            for what in ("pause", "promote", "abort"):
                self.assertEqual(self.post(what, stranger).status, 403)
            self.assertEqual(ask(self.site, "/rollout", **stranger).status, 200)
        self.assertEqual((self.rollout.taken, self.rollout.under_way), (1, True))

    def test_what_does_not_exist_is_not_done(self) -> None:
        self.accept("1.0.2")
        self.assertEqual(self.post("restart").status, 404)
        self.assertEqual(self.post("pause", reason="x").status, 400)
        self.assertEqual(ask(self.site, "/rollout/pause").status, 405)
        self.assertEqual(ask(self.site, "/rollout", "POST").status, 405)
