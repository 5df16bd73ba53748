"""What an operator asks and does over HTTP, and what is answered to everybody else."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane import bodies
from cellrouter.controlplane.access import Access, RefusalLog
from cellrouter.controlplane.bodies import BoundedSite
from cellrouter.controlplane.convergence import ALL_SEEN
from cellrouter.controlplane.operations import MAX_WAITING, Operations
from cellrouter.controlplane.resources import LISTED_AT_ONCE, build_root
from cellrouter.daemon.children import CannotStart
from tests.support.documents import document, text
from tests.support.web import Answer, Asked, ask
from tests.unit.controlplane.desks import Desk

LIMIT_BODY_BYTES = 10_000


def routes(count: int, version: str = "1.0.0") -> bytes:
    """Make a config with so many routes."""
    return text(version, routingTable={f"c{number}": "tier1" for number in range(count)})


class OperationsTestCase(SynchronousTestCase):
    """A site in memory, with 100 routes as revision 1 and one more as revision 2."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory()))
        self.clock = clock = Clock()
        clock.advance(1_000_000_000)
        self.desk = desk = Desk(folder, clock)
        desk.path.write_bytes(routes(100))
        desk.intake.load_blocking()
        operations = Operations(desk.changes, desk.history, desk.in_child)
        access = Access(RefusalLog(clock))
        root = build_root(
            *(desk.hub, desk.intake, desk.changes, desk.rollouts, desk.traffic),
            *(operations, ALL_SEEN, clock, access),
        )
        self.site = BoundedSite(root, LIMIT_BODY_BYTES, clock, access)
        self.post("apply", routes(101, "1.0.1"), actor="ann", reason="a new customer")

    def get(self, target: str, method: str = "GET") -> Answer:
        return ask(self.site, target, method)

    def post(self, what: str, body: bytes = b"", more: dict[str, Any] | None = None, **query: Any) -> Answer:
        return ask(self.site, f"/config/{what}?{urlencode(query)}", "POST", body=body, **(more or {}))

    def revision(self) -> int:
        assert self.desk.changes.active is not None
        return self.desk.changes.active.revision


class QuestionTests(OperationsTestCase):
    """What can be asked."""

    def test_versions_are_listed_the_newest_first_with_who_and_why(self) -> None:
        listed = self.get("/config/versions").json()
        self.assertEqual(listed["active"], 2)
        newest, oldest = listed["versions"]
        self.assertEqual((newest["revision"], newest["version"]), (2, "1.0.1"))
        self.assertEqual((newest["actor"], newest["reason"]), ("ann", "a new customer"))
        self.assertEqual(newest["changes"], "routes: 1 added")
        self.assertEqual((oldest["actor"], oldest["accepted_at"]), ("file", "2001-09-09T01:46:40.000Z"))

    def test_a_version_is_its_document_with_all_that_is_known_of_it(self) -> None:
        shown = self.get("/config/versions/1").json()
        self.assertEqual((shown["revision"], shown["config"]), (1, json.loads(routes(100))))

    def test_a_version_that_is_not_kept_is_a_404_that_says_so(self) -> None:
        for path in ("99", "0", "x", "-1", "9" * 40):
            self.assertEqual(self.get(f"/config/versions/{path}").status, 404, path)
        self.assertIn("revision 99 is not in the history", self.get("/config/versions/99").json()["detail"])

    def test_a_diff_says_between_what_and_the_counts_first(self) -> None:
        diff = self.get("/config/diff?from=1&to=2").json()
        self.assertEqual((diff["from"]["revision"], diff["to"]["revision"]), (1, 2))
        self.assertEqual(diff["counts"]["added"], 1)
        self.assertEqual(diff["added"], [{"from": None, "to": "tier1", "count": 1, "keys": ["c100"]}])

    def test_a_diff_of_less_than_two_is_a_400(self) -> None:
        for query in ("", "?from=1", "?from=1&to=x", "?from=1&to=2&to=3", "?from=1&to=2&x=1"):
            self.assertEqual(self.get(f"/config/diff{query}").status, 400, query)

    def test_the_active_config_is_an_exact_copy_with_its_identity(self) -> None:
        shown = self.get("/config").json()
        self.assertEqual((shown["revision"], shown["config"]), (2, json.loads(routes(101, "1.0.1"))))

    def test_the_fleet_is_asked_for_by_state_and_by_who_is_expected(self) -> None:
        self.desk.hub.fleet.arrived("10.0.0.7:1")
        for query, listed in (("", 1), ("?state=behind", 1), ("?state=acked", 0)):
            fleet = self.get(f"/fleet{query}").json()
            self.assertEqual((len(fleet["data_planes"]), fleet["states"]["behind"]), (listed, 1), query)
        self.assertEqual(self.get("/fleet?expect-nodes=dp-9").json()["waiting_for"], ["dp-9"])
        for query in ("?state=lost", "?expect-nodes=", "?expect-nodes=a,,b"):
            self.assertEqual(self.get(f"/fleet{query}").status, 400, query)

    def test_a_large_fleet_is_listed_in_portions_and_completely(self) -> None:
        for number in range(2 * LISTED_AT_ONCE + 1):
            self.desk.hub.fleet.arrived(f"10.0.0.7:{number}")
        asked = Asked(self.site, "/fleet")
        self.assertEqual(asked.answered, b"")
        self.clock.advance(0)
        fleet = json.loads(asked.answered.partition(b"\r\n\r\n")[2])
        addresses = [each["address"] for each in fleet["data_planes"]]
        self.assertEqual(addresses, [f"10.0.0.7:{number}" for number in range(2 * LISTED_AT_ONCE + 1)])
        self.assertEqual(fleet["states"]["behind"], 2 * LISTED_AT_ONCE + 1)

    def test_head_is_answered_without_a_body(self) -> None:
        for target in ("/config", "/config/versions", "/config/versions/1", "/health"):
            answer = self.get(target, "HEAD")
            self.assertEqual((answer.status, answer.body), (200, b""), target)

    def test_a_question_is_not_a_post(self) -> None:
        for target in ("/config", "/config/versions", "/config/versions/1", "/config/diff"):
            self.assertEqual(self.get(target, "POST").status, 405, target)

    def test_somebody_who_leaves_before_the_answer_does_no_harm(self) -> None:
        Asked(self.site, "/config/versions").leave()

    def test_what_nobody_foresaw_is_a_500_and_in_the_log(self) -> None:
        self.desk.slow_child = fail(RuntimeError("a defect"))
        self.assertEqual(self.get("/config/diff?from=1&to=2").status, 500)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class LineTests(OperationsTestCase):
    """Anybody may ask, and as much as they like: neither memory nor the time of a change is spent on it."""

    def test_one_comparison_at_a_time_has_its_documents_in_memory(self) -> None:
        slow: Deferred[None] = Deferred()
        self.desk.slow_child = slow
        read = self.desk.history.interactions
        asked = [Asked(self.site, "/config/diff?from=1&to=2") for _ in range(1 + MAX_WAITING)]
        self.assertEqual(self.desk.history.interactions, read + 2)
        refused = self.get("/config/diff?from=1&to=2")
        self.assertEqual(refused.status, 503)
        self.assertIn("8 comparisons are waiting already; try again", refused.json()["detail"])
        self.assertEqual(self.get("/config/versions").status, 200)
        slow.callback(None)
        for each in asked:
            self.assertIn(b"200 OK", each.answered)

    def test_one_question_at_a_time_is_put_to_the_history(self) -> None:
        slow = self.desk.history.slow = Deferred()
        begun = self.desk.history.interactions
        asked = [Asked(self.site, f"/config/versions{number}") for number in ("", "/1") * 4]
        asked.append(Asked(self.site, "/config/versions/2"))
        self.assertEqual(self.desk.history.interactions, begun + 1)
        self.assertEqual(self.get("/config/versions/1").status, 503)
        asked[3].leave()
        self.assertEqual(self.post("apply", routes(102, "1.0.2")).status, 200)
        slow.callback(None)
        for each in (*asked[:3], *asked[4:]):
            self.assertIn(b"200 OK", each.answered)


class ApplyTests(OperationsTestCase):
    """Submitting a document."""

    def test_it_is_accepted_with_its_number(self) -> None:
        answer = self.post("apply", routes(102, "1.0.2"), actor="bob")
        said = answer.json()
        self.assertEqual((answer.status, said["result"], said["revision"]), (200, "accepted", 3))
        self.assertEqual((said["actor"], said["counts"]["added"]), ("bob", 1))

    def test_the_same_is_unchanged(self) -> None:
        said = self.post("apply", routes(101, "1.0.1")).json()
        self.assertEqual((said["result"], said["revision"]), ("unchanged", 2))

    def test_without_an_actor_it_is_from_somewhere(self) -> None:
        self.assertEqual(self.post("apply", routes(102)).json()["actor"], "somebody at 127.0.0.1")

    def test_an_invalid_one_is_a_422_with_every_reason(self) -> None:
        answer = self.post("apply", text("", routingTable={"acme": "tier9"}))
        self.assertEqual(answer.status, 422)
        codes = [violation["code"] for violation in answer.json()["violations"]]
        self.assertEqual(codes, ["empty_version", "unknown_placement"])

    def test_one_beyond_a_guard_is_a_409_with_the_numbers_and_goes_with_an_override(self) -> None:
        answer = self.post("apply", routes(50))
        self.assertEqual(answer.status, 409)
        (excess,) = answer.json()["exceeded"]
        self.assertEqual(excess["guard"], "max-removed-pct")
        said = self.post("apply", routes(50), override="moving out").json()
        self.assertEqual((said["revision"], said["reason"]), (3, "moving out"))

    def test_one_for_another_revision_is_a_412(self) -> None:
        self.assertEqual(self.post("apply", routes(102), **{"if-revision": 1}).status, 412)
        self.assertEqual(self.post("apply", routes(102), **{"if-revision": 2}).status, 200)

    def test_a_full_disk_is_a_507(self) -> None:
        self.desk.history.disk_is_full = True
        answer = self.post("apply", routes(102))
        self.assertEqual(answer.status, 507)
        self.assertIn("disk is full", answer.json()["detail"])
        self.assertEqual(self.revision(), 2)

    def test_a_check_that_dies_is_a_503(self) -> None:
        self.desk.children_fail = True
        self.assertEqual(self.post("apply", routes(102)).status, 503)

    def test_so_is_one_that_cannot_begin(self) -> None:
        self.desk.slow_child = fail(CannotStart("no process can be started"))
        answer = self.post("apply", routes(102))
        self.assertEqual(answer.status, 503)
        self.assertIn("no process can be started", answer.json()["detail"])

    def test_parameters_that_are_none_are_a_400(self) -> None:
        for query in (
            {"if-revision": "x"},
            {"override": " "},
            {"actor": "x" * 1000},
            {"reason": "a\nb"},
            {"reason": b"\xff"},
            {"unknown": "1"},
        ):
            self.assertEqual(self.post("apply", routes(102), **query).status, 400, query)
        self.assertEqual(self.revision(), 2)

    def test_a_form_is_not_looked_at(self) -> None:
        """What curl sends with --data says that it is one."""
        fields = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.post("apply", routes(102), more={"fields": fields}).status, 200)
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        self.assertEqual(self.post("apply", routes(103), more={"fields": broken}).status, 200)

    def test_a_body_beyond_the_limit_is_a_413_and_not_kept(self) -> None:
        answer = self.post("apply", json.dumps(document("x" * LIMIT_BODY_BYTES)).encode())
        self.assertEqual(answer.status, 413)

    def test_an_endless_body_ends_the_connection(self) -> None:
        self.patch(bodies, "MAX_DROPPED_BYTES", 100_000)
        fields = {"Transfer-Encoding": "chunked"}
        asked = Asked(self.site, "/config/apply", "POST", fields=fields)
        for _ in range(20):
            asked.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        self.assertTrue(asked.ended)
        self.assertEqual(asked.answered, b"")


class RollBackTests(OperationsTestCase):
    """Going back."""

    def test_it_needs_a_reason_and_a_revision(self) -> None:
        self.assertEqual(self.post("rollback", to=1).status, 400)
        self.assertEqual(self.post("rollback", reason="it broke").status, 400)
        self.assertEqual(self.post("rollback", to=99, reason="it broke").status, 404)

    def test_it_is_a_new_revision_and_the_file_differs_then(self) -> None:
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.poll()
        self.post("apply", routes(100), reason="as the file says")
        said = self.post("rollback", to=2, reason="it broke", actor="ann").json()
        self.assertEqual((said["revision"], said["version"], said["restores"]), (4, "1.0.1", 2))
        self.assertTrue(self.get("/health").json()["file_differs"])


class ReleaseTests(OperationsTestCase):
    """Releasing what is held."""

    def setUp(self) -> None:
        super().setUp()
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.path.write_bytes(routes(50))
        self.desk.poll()

    def test_health_shows_what_is_held_and_how_to_release_it(self) -> None:
        health = self.get("/health")
        self.assertEqual(health.status, 200)
        held = health.json()["held"]
        self.assertEqual([each["guard"] for each in held["exceeded"]], ["max-removed-pct"])
        self.assertEqual(held["counts"]["removed"], 51)
        self.assertIn("cellrouter apply --override REASON", held["how_to_release"])
        self.assertEqual(health.json()["file"]["state"], "held")

    def test_it_is_released_if_it_is_what_was_seen(self) -> None:
        held = self.get("/health").json()["held"]
        self.assertEqual(self.post("release", reason="planned", hash="sha256:other").status, 409)
        self.assertEqual(self.post("release", hash=held["hash"]).status, 400)
        self.assertEqual(self.post("release", reason="planned", hash=held["hash"]).json()["revision"], 3)
        self.assertIsNone(self.get("/health").json()["held"])
        self.assertEqual(self.post("release", reason="planned").status, 409)


class StrangerTests(OperationsTestCase):
    """Those who may not change anything."""

    def assert_refused(self, more: dict[str, Any]) -> None:
        for what in ("apply", "rollback", "release"):
            answer = self.post(what, routes(102), more, to=1, reason="because")
            self.assertEqual(answer.status, 403, what)
        self.assertEqual(self.revision(), 2)

    def test_another_machine_may_not(self) -> None:
        self.assert_refused({"host": "10.0.0.7"})

    def test_a_browser_may_not(self) -> None:
        self.assert_refused({"fields": {"Origin": "http://127.0.0.1:8081"}})

    def test_both_may_ask(self) -> None:
        self.assertEqual(ask(self.site, "/config/versions", host="10.0.0.7").status, 200)

    def test_their_bodies_are_not_kept(self) -> None:
        answer = self.post("apply", b"x" * 5 * LIMIT_BODY_BYTES, {"host": "10.0.0.7"})
        self.assertEqual(answer.status, 403)

    def test_operations_are_no_questions(self) -> None:
        self.assertEqual(self.get("/config/apply").status, 405)
