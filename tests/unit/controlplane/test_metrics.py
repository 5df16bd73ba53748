"""What Prometheus reads of a control plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.metrics import metrics
from cellrouter.controlplane.rollout import Phase
from cellrouter.wire import Status
from tests.support.documents import text
from tests.unit.controlplane.desks import Desk


class MetricsTests(SynchronousTestCase):
    """Numbers of a hub, a file and what is held."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.desk = Desk(Path(self.enterContext(TemporaryDirectory())), self.clock)

    def read(self) -> dict[str, float]:
        """Give each sample by its name and its labels' values."""
        desk = self.desk
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in metrics(desk.hub, desk.intake, desk.changes, desk.rollouts, desk.traffic)
            for sample in family.samples
        }

    def routes(self, count: int) -> bytes:
        return text(str(count), routingTable={f"c{number}": "tier1" for number in range(count)})

    def test_without_a_config_there_is_no_revision(self) -> None:
        found = self.read()
        self.assertEqual(found["cellrouter_file_state unseen"], 1)
        self.assertNotIn("cellrouter_active_revision", found)

    def test_where_a_rollout_stands_is_told(self) -> None:
        self.desk = Desk(self.desk.path.parent, self.clock, "1,100%")
        self.desk.path.write_bytes(text("1"))
        self.desk.intake.load_blocking()
        phases = [name for name in self.read() if name.startswith("cellrouter_rollout_phase")]
        self.assertEqual((len(phases), sum(self.read()[name] for name in phases)), (len(Phase), 0))
        self.desk.path.write_bytes(text("2"))
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.poll()
        self.assertEqual([name for name in phases if self.read()[name]], ["cellrouter_rollout_phase pending"])

    def test_what_the_fleet_does_is_told_once_it_is_known(self) -> None:
        found = self.read()
        self.assertNotIn("cellrouter_fleet_requests_per_second", found)
        self.assertEqual(found["cellrouter_fleet_warning default_share"], 0)
        node = self.desk.hub.fleet.arrived("10.0.0.7:1")
        for total in (0, 200):
            counted = {
                "total": total,
                "server_errors": total // 10,
                "exact": total // 2,
                "default": total // 2,
            }
            requests = {**counted, "latency_ms": [[8.0, total]]}
            self.desk.hub.fleet.reported(node, Status({"tier1": {}}, requests))
            self.clock.advance(10)
        found = self.read()
        self.assertEqual(found["cellrouter_fleet_requests_per_second"], 20)
        self.assertEqual(found["cellrouter_fleet_5xx_ratio"], 0.1)
        self.assertEqual(found["cellrouter_fleet_default_ratio"], 0.5)
        self.assertLess(abs(found["cellrouter_fleet_request_duration_seconds 0.99"] - 0.008), 0.0003)

    def test_the_active_revision_and_what_is_held_are_told(self) -> None:
        self.desk.path.write_bytes(self.routes(100))
        self.desk.intake.load_blocking()
        found = self.read()
        self.assertEqual((found["cellrouter_active_revision"], found["cellrouter_change_held"]), (1, 0))
        self.assertEqual(
            (found["cellrouter_file_state active"], found["cellrouter_data_planes acked"]), (1, 0)
        )
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.path.write_bytes(self.routes(30))
        self.desk.poll()
        self.assertEqual(self.read()["cellrouter_change_held"], 1)
