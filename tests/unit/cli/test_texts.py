"""What people read of a fleet that is not as it should be."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli import texts

REASON = "(document): too_large: it is too large"


def report(**changed: Any) -> dict[str, Any]:
    """Make a report of a fleet with one data plane."""
    node = {
        "node_id": "dp-1",
        "address": "10.0.0.7:1",
        "connected": True,
        "state": "nacked",
        "age_s": 3.2,
        "running": {"revision": 4, "hash": "sha256:0123456789abcdef"},
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
                "NODE  CONNECTED  REVISION  HASH                 STATE   AGE  ERRORS",
                f"dp-1  yes        4         sha256:0123456789ab  nacked  3s   {REASON}",
                "not converged: 1 nacked; waiting for dp-1",
            ],
        )

    def test_one_that_has_said_nothing_is_a_line_too(self) -> None:
        node = {**report()["data_planes"][0], "node_id": None, "running": None, "state": "behind"}
        line = texts.fleet(report(data_planes=[node])).splitlines()[2]
        self.assertEqual(line.split(), ["10.0.0.7:1", "yes", "-", "-", "behind", "3s", "-"])

    def test_a_file_that_says_something_else_is_mentioned(self) -> None:
        held = texts.fleet(report(file_differs=True, file_state="held")).splitlines()[-1]
        self.assertIn("cellrouter apply --override REASON", held)
        refused = texts.fleet(report(file_differs=True, file_state="refused")).splitlines()[-1]
        self.assertIn("/health says why", refused)

    def test_without_data_planes_there_is_no_table(self) -> None:
        told = texts.fleet(report(data_planes=[], states={}, waiting_for=[], missing=2)).splitlines()
        self.assertEqual(told[1:], ["not converged: no data planes; 2 more expected"])

    def test_many_that_are_waited_for_are_not_all_named(self) -> None:
        line = texts.progress(report(waiting_for=[f"dp-{number}" for number in range(100)]))
        self.assertLess(len(line), 100)
        self.assertIn("and others", line)
