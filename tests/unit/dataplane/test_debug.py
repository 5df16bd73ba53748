"""What a data plane says of itself."""

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import CompiledConfig, Revision, load_document
from cellrouter.daemon import QuietSite
from cellrouter.daemon.metrics import gauge
from cellrouter.dataplane.client import ControlPlaneStatus
from cellrouter.dataplane.debug import DATA_PORT_PATHS, Reports, build_root
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from tests.support.documents import document
from tests.support.web import Answer, Asked, ask


class FakeEngine:
    """Explains what it was asked."""

    def explain(self, key: bytes | None) -> dict[str, Any]:
        return {"key": None if key is None else key.decode()}

    def placements_report(self) -> dict[str, Any]:
        return {"tier1": {"in_flight": 2}}


class DebugTests(SynchronousTestCase):
    """The tree of resources over a fake engine."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.accepting = True
        self.control_plane: ControlPlaneStatus | None = None
        self.active = ActiveSnapshot(lambda snapshot: None, self.clock)
        reports = Reports(
            self.active,
            FakeEngine(),
            lambda: ["decision"],
            lambda: [gauge("answer", "What it is.", 42)],
            lambda: self.accepting,
            lambda: self.control_plane,
            self.clock,
        )
        self.site = QuietSite(build_root(reports), reactor=MemoryReactorClock())

    def apply(self) -> None:
        self.clock.advance(60)
        loaded = load_document(document("1"))
        self.active.apply(
            Snapshot.build(CompiledConfig.of(loaded), Source.CONTROL_PLANE, Revision(42), "one")
        )
        self.clock.advance(1.5)

    def ask(self, target: str) -> Answer:
        return ask(self.site, target)

    def test_the_served_config_and_the_connection_are_told(self) -> None:
        self.apply()
        self.control_plane = ControlPlaneStatus(False, "ws://cp/connect", 0.0, "it is gone")
        answer = self.ask("/debug/config-version").json()
        self.assertEqual(answer.pop("hash"), load_document(document("1")).hash)
        self.assertEqual(
            answer,
            {
                "version": "1",
                "revision": 42,
                "source": "control_plane",
                "applied_at": "1970-01-01T00:01:00.000Z",
                "age_s": 1.5,
                "control_plane": {
                    "connected": False,
                    "url": "ws://cp/connect",
                    "since": "1970-01-01T00:00:00.000Z",
                    "last_error": "it is gone",
                },
            },
        )

    def test_without_a_control_plane_there_is_no_connection(self) -> None:
        self.apply()
        self.assertIsNone(self.ask("/debug/config-version").json()["control_plane"])

    def test_the_whole_config_is_told(self) -> None:
        self.apply()
        answer = self.ask("/debug/config").json()
        self.assertEqual((answer["revision"], answer["config"]), (42, document("1")))

    def test_metrics_are_told_in_the_text_format(self) -> None:
        answer = self.ask("/metrics")
        self.assertIn(b"# TYPE cellrouter_answer gauge\ncellrouter_answer 42.0\n", answer.body)
        self.assertEqual(ask(self.site, "/metrics", "POST").status, 405)

    def test_a_route_is_explained(self) -> None:
        self.assertEqual(self.ask("/debug/route?key=acme").json(), {"key": "acme"})
        self.assertEqual(self.ask("/debug/route").json(), {"key": None})
        self.assertEqual(self.ask("/debug/route?key=a&key=b").status, 400)
        self.assertEqual(self.ask("/debug/route?tenant=acme").status, 400)

    def test_placements_and_decisions(self) -> None:
        self.assertEqual(self.ask("/debug/placements").json(), {"tier1": {"in_flight": 2}})
        self.assertEqual(self.ask("/debug/decisions").json(), ["decision"])

    def test_it_is_ready_once_a_config_is_applied_and_until_it_drains(self) -> None:
        self.assertEqual(self.ask("/readyz").status, 503)
        self.apply()
        self.assertEqual(self.ask("/readyz").status, 200)
        self.accepting = False
        answer = self.ask("/readyz")
        self.assertEqual((answer.status, answer.json()["status"]), (503, "draining"))

    def test_it_is_alive_whatever_else(self) -> None:
        self.accepting = False
        self.assertEqual(self.ask("/livez").status, 200)

    def test_every_path_of_the_data_port_is_answered(self) -> None:
        self.apply()
        for path in DATA_PORT_PATHS["all"]:
            asked = Asked(self.site, path.decode())
            self.assertTrue(asked.answered.startswith(b"HTTP/1.1 200 "), path)
