"""``cellrouter wait``: how it ends."""

from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli import waiting
from cellrouter.cli.client import BadUrl
from cellrouter.cli.control_plane import ControlPlane, Refused

REFUSAL = {"path": "/version", "code": "empty_version", "message": "it is empty"}


def fleet(revision: int = 5, converged: bool = False, **states: str) -> dict[str, Any]:
    """Make a report of data planes in these states."""
    return {
        "active": {"revision": revision, "version": "1", "hash": "h"},
        "converged": converged,
        "states": {"acked": len(states)},
        "waiting_for": [name for name, state in states.items() if state != "acked"],
        "missing": 0,
        "data_planes": [
            {
                "node_id": name,
                "address": "x",
                "connected": True,
                "state": state,
                "last_nack": {"errors": [REFUSAL]},
            }
            for name, state in states.items()
        ],
    }


class ScriptedControlPlane:
    """Give reports one after the other, the last one again and again; errors are raised."""

    def __init__(self, *reports: Any) -> None:
        self.reading = ControlPlane(Clock(), "http://cp").reading
        self.reports = list(reports)
        self.asked: list[Any] = []
        self.timeouts_s: list[float] = []

    async def get(self, path: str, query: Any = None, timeout_s: float = 0.0) -> Any:
        self.asked.append(query)
        self.timeouts_s.append(timeout_s)
        report = self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]
        if isinstance(report, Exception):
            raise report
        return report


class WaitTests(SynchronousTestCase):
    """Waiting for revision 5, on a fake clock."""

    def wait(self, *reports: Any, revision: int | None = 5) -> "Deferred[waiting.Result]":
        self.clock = Clock()
        self.plane: Any = ScriptedControlPlane(*reports)
        waited = Deferred.fromCoroutine(waiting.wait(self.clock, self.plane, revision, "2", 10.0))
        self.clock.pump([0.5] * 25)
        return waited

    def assert_ends(self, waited: "Deferred[waiting.Result]", status: int, *parts: str) -> None:
        result = self.successResultOf(waited)
        self.assertEqual(result.status, status, result.text)
        for part in parts:
            self.assertIn(part, result.text)

    def test_with_0_when_all_run_it(self) -> None:
        waited = self.wait(fleet(4), fleet(5, a="behind"), fleet(5, converged=True, a="acked"))
        self.assert_ends(waited, 0, "revision 5: converged: 1 acked")
        self.assertEqual(self.plane.asked, [{"expect-nodes": "2", "state": "nacked"}] * 3)

    def test_with_1_and_the_reasons_when_one_refuses_it(self) -> None:
        waited = self.wait(fleet(5, a="acked", b="nacked"))
        self.assert_ends(waited, 1, "b refused revision 5: /version: empty_version: it is empty")

    def test_with_1_when_another_revision_has_taken_its_place(self) -> None:
        self.assert_ends(self.wait(fleet(6, converged=True, a="acked")), 1, "6 has taken its place")

    def test_with_1_and_the_reason_when_its_rollout_was_halted(self) -> None:
        rollout = {"revision": 5, "phase": "halted", "reason": "dp-1 was lost"}
        report = {**fleet(6, converged=True, a="acked"), "rollout": rollout}
        self.assert_ends(self.wait(report), 1, "6 has taken its place; rollout halted: dp-1 was lost")

    def test_with_3_when_the_time_is_over(self) -> None:
        self.assert_ends(self.wait(fleet(5, a="behind")), 3, "after 10 s", "waiting for a")
        self.assert_ends(self.wait(fleet(4)), 3, "revision 5 has not been accepted; 4 is active")

    def test_a_control_plane_that_is_away_is_asked_again(self) -> None:
        away = click.ClickException("http://cp: no answer")
        self.assert_ends(self.wait(away, away, fleet(5, converged=True, a="acked")), 0)
        self.assert_ends(self.wait(away), 3, "http://cp: no answer")

    def test_a_question_that_is_wrong_is_not_asked_again(self) -> None:
        self.failureResultOf(self.wait(Refused({"detail": "expect-nodes: it is neither"})), Refused)

    def test_what_is_no_url_is_not_asked_again(self) -> None:
        self.failureResultOf(self.wait(BadUrl("nonsense: not a usable URL")), BadUrl)

    def test_the_answer_of_another_server_is_one_line(self) -> None:
        for answer in ({}, {"active": {}}, {"active": 5}, {**fleet(5), "data_planes": 3}):
            error = self.failureResultOf(self.wait(answer), click.ClickException).value
            self.assertIn("http://cp: does not answer as a control plane", error.message)

    def test_no_answer_is_waited_for_beyond_the_end(self) -> None:
        self.wait(fleet(5, a="behind"))
        self.assertEqual((self.plane.timeouts_s[0], self.plane.timeouts_s[-1]), (10.0, 0.5))

    def test_without_a_revision_the_active_one_is_meant(self) -> None:
        self.assert_ends(self.wait(fleet(9, converged=True, a="acked"), revision=None), 0, "revision 9")

    def test_the_one_that_was_active_at_first_is_meant_to_the_end(self) -> None:
        waited = self.wait(fleet(9, a="behind"), fleet(10, converged=True, a="acked"), revision=None)
        self.assert_ends(waited, 1, "revision 9 is not active any more: 10 has taken its place")
