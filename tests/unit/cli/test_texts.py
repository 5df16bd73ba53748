"""What people read of a fleet that is not as it should be."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli import texts

TRAFFIC_HEADINGS = "RATE   5XX     P99     DEFAULT"
TRAFFIC = "4.2/s  50.00%  12.3ms  25.00% "
REASON = "(document): too_large: it is too large"


def traffic(
    rate: float, share_5xx: float | None = None, p99_ms: float | None = None, default: float | None = None
) -> dict[str, Any]:
    """Make what is said of traffic."""
    return {
        "window_s": 30.0,
        "requests_per_s": rate,
        "share_5xx": share_5xx,
        "share_default": default,
        "p50_ms": None if p99_ms is None else p99_ms / 10,
        "p99_ms": p99_ms,
    }


def report(**changed: Any) -> dict[str, Any]:
    """Make a report of a fleet with one data plane."""
    node = {
        "node_id": "dp-1",
        "address": "10.0.0.7:1",
        "connected": True,
        "state": "nacked",
        "age_s": 3.2,
        "connections": 1,
        "running": {"revision": 4, "hash": "sha256:0123456789abcdef"},
        "traffic": traffic(4.25, 0.5, 12.3, 0.25),
        "last_nack": {"errors": [{"path": "", "code": "too_large", "message": "it is too large"}]},
    }
    return {
        "active": {"revision": 5, "version": "1.0.0", "hash": "sha256:fedcba9876543210"},
        "file_differs": False,
        "file_state": "active",
        "converged": False,
        "waiting_for": ["dp-1"],
        "missing": 0,
        "states": {"acked": 0, "nacked": 1},
        "data_planes": [node],
        **changed,
    }


class FleetTests(SynchronousTestCase):
    """``cellrouter fleet``."""

    def test_each_data_plane_is_a_line_with_why_it_refuses(self) -> None:
        self.assertEqual(
            texts.fleet(report()).splitlines(),
            [
                "revision 5, version 1.0.0, sha256:fedcba987654",
                f"NODE  CONNECTED  REVISION  HASH                 STATE   AGE  {TRAFFIC_HEADINGS}  ERRORS",
                f"dp-1  yes        4         sha256:0123456789ab  nacked  3s   {TRAFFIC}  {REASON}",
                "not converged: 1 nacked; waiting for dp-1",
            ],
        )

    def test_one_that_has_said_nothing_is_a_line_too(self) -> None:
        node = {**report()["data_planes"][0], "node_id": None, "running": None, "state": "behind"}
        del node["traffic"]
        line = texts.fleet(report(data_planes=[node])).splitlines()[2]
        self.assertEqual(line.split(), ["10.0.0.7:1", "yes", "-", "-", "behind", "3s", *"-----"])

    def test_several_that_give_one_name_are_pointed_out(self) -> None:
        node = {**report()["data_planes"][0], "connections": 2}
        self.assertRegex(texts.fleet(report(data_planes=[node])), r"dp-1  2 times +4 ")

    def test_a_file_that_says_something_else_is_mentioned(self) -> None:
        held = texts.fleet(report(file_differs=True, file_state="held")).splitlines()[-1]
        self.assertIn("cellrouter apply --override REASON", held)
        refused = texts.fleet(report(file_differs=True, file_state="refused")).splitlines()[-1]
        self.assertIn("/health says why", refused)

    def test_what_the_fleet_does_and_what_to_look_at_are_lines(self) -> None:
        warning = {"kind": "default_share", "since": "2026-11-24T19:00:00.000Z", "message": "it has risen"}
        shown = report(traffic=traffic(120.5, 0.001, 12.3, 0.02), warnings=[warning])
        self.assertEqual(
            texts.fleet(shown).splitlines()[3:5],
            [
                "the last 30s: 120.5 requests/s, 0.10% 5xx, 2.00% default, p50 1.23ms, p99 12.3ms",
                "warning: since 2026-11-24T19:00:00.000Z: it has risen",
            ],
        )

    def test_what_is_not_known_of_the_traffic_is_left_out(self) -> None:
        self.assertIn("\nthe last 30s: 0.0 requests/s\n", texts.fleet(report(traffic=traffic(0.0))))
        self.assertNotIn("requests/s", texts.fleet(report(traffic=None)))

    def test_without_data_planes_there_is_no_table(self) -> None:
        told = texts.fleet(report(data_planes=[], states={}, waiting_for=[], missing=2)).splitlines()
        self.assertEqual(told[1:], ["not converged: no data planes; 2 more expected"])

    def test_a_rollout_that_is_under_way_is_mentioned(self) -> None:
        rollout = {
            "revision": 5,
            "phase": "baking",
            "under_way": True,
            "step": 1,
            "steps": ["1", "100%"],
            "reason": "",
        }
        told = texts.fleet(report(rollout=rollout)).splitlines()
        self.assertIn("waiting for dp-1; rollout: baking, step 1 of 2", told[-2])
        self.assertEqual(told[-1], "rollout of revision 5: baking, step 1 of 2")
        self.assertNotIn("rollout", texts.fleet(report(rollout={**rollout, "under_way": False})))

    def test_many_that_are_waited_for_are_not_all_named(self) -> None:
        line = texts.progress(report(waiting_for=[f"dp-{number}" for number in range(100)]))
        self.assertLess(len(line), 100)
        self.assertIn("and others", line)


class RolloutTests(SynchronousTestCase):
    """``cellrouter rollout``."""

    def show(self, steps: str = "1,100%", **last: Any) -> list[str]:
        rollout = {
            "revision": 5,
            "phase": "baking",
            "under_way": True,
            "step": 1,
            "steps": ["1", "100%"],
            "bake_s": 60.0,
            "reason": "",
            "spent_s": 12.0,
            "ack_timeout_s": 120.0,
            "members": 1,
            "away": 0,
            "data_planes": ["dp-1"],
            "waiting_for": [],
            "traffic": {
                "new": {"requests": 90, "errors_pct": 1.5, "p99_ms": None, "data_planes": 0},
                "old": {"requests": 900, "errors_pct": 0.0, "p99_ms": 1.131},
            },
            **last,
        }
        shown = {"rollout": rollout if last else None, "next": {"steps": steps, "bake_s": 60.0}}
        return texts.rollout(shown).splitlines()

    def test_without_one_it_says_so(self) -> None:
        self.assertEqual(
            self.show(), ["no rollout yet", "the next change goes by 1,100%, each watched for 60s"]
        )
        self.assertEqual(self.show("all")[1], "the next change goes to all at once")

    def test_one_that_is_watched_is_shown_with_the_traffic(self) -> None:
        told = self.show(phase="baking")
        self.assertEqual(told[0], "rollout of revision 5: baking, step 1 of 2")
        self.assertRegex("\n".join(told), r"data planes +1: dp-1\nwaiting for +-\n")
        self.assertIn("90 requests, 1.5% 5xx, p99 -, told by 0 of 1", told[5])
        self.assertIn("900 requests, 0% 5xx, p99 1.131 ms", told[6])

    def test_why_it_does_not_go_on_is_said(self) -> None:
        self.assertIn("away           7; no step is taken while most data planes are", self.show(away=7))
        self.assertIn("in this phase  12s, the bake takes 60s", self.show(phase="baking"))
        self.assertIn("in this phase  12s, all have to ack within 120s", self.show(phase="sending"))
        self.assertIn("in this phase  12s", self.show(phase="paused"))
        told = self.show(phase="pending", members=0, data_planes=[], traffic=None)
        self.assertIn("waiting for    a data plane with a name of its own", told)

    def test_one_that_has_ended_is_a_line_with_the_reason(self) -> None:
        told = self.show(phase="halted", under_way=False, reason="dp-1 was lost")
        self.assertEqual(told[0], "rollout of revision 5: halted, step 1 of 2: dp-1 was lost")
        self.assertEqual(len(told), 2)
