"""What Prometheus reads of a data plane."""

from math import inf

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock

from cellrouter.config import Revision
from cellrouter.daemon.metrics import Once
from cellrouter.dataplane.client import ControlPlaneStatus
from cellrouter.dataplane.metrics import metrics
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from tests.support.documents import compiled
from tests.unit.proxy.rigs import GET, OK, RigTestCase


class MetricsTests(RigTestCase):
    """Numbers of an engine that has work to do."""

    def setUp(self) -> None:
        super().setUp()
        self.active = ActiveSnapshot(lambda snapshot: None, Clock())
        self.status: ControlPlaneStatus | None = None
        self.saved: bool | None = None

    def read(self) -> dict[str, float]:
        """Give each sample by its name and labels."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Once(list(metrics(self.rig.engine, self.active, self.status, self.saved))))
        return {
            f"{sample.name}{sorted(sample.labels.items()) or ''}": sample.value
            for family in text_string_to_metric_families(generate_latest(registry).decode())
            for sample in family.samples
        }

    def test_requests_are_counted_by_match_and_placement_and_those_in_flight(self) -> None:
        self.rig.client(GET)
        self.rig.cell().send(OK)
        self.rig.client(GET.replace(b"acme", b"unknown"))
        found = self.read()
        self.assertEqual(found["cellrouter_requests_total[('match', 'exact')]"], 1)
        self.assertEqual(found["cellrouter_requests_total[('match', 'default')]"], 0)
        self.assertEqual(found["cellrouter_placement_requests_total[('placement', 'tier3')]"], 1)
        self.assertEqual(found["cellrouter_placement_in_flight[('placement', 'tier3')]"], 1)
        self.assertEqual(found["cellrouter_placement_idle_connections[('placement', 'tier1')]"], 1)
        self.assertEqual(
            (found["cellrouter_requests_in_flight"], found["cellrouter_client_connections"]), (1, 2)
        )

    def test_limits_and_what_was_lost_are_told(self) -> None:
        self.assertEqual(self.read()["cellrouter_max_client_connections"], inf)
        self.rig.engine.admission.limit = 7
        self.rig.records.dropped_lines = 3
        found = self.read()
        self.assertEqual(found["cellrouter_max_client_connections"], 7)
        self.assertEqual(found["cellrouter_access_log_dropped_lines_total"], 3)

    def test_times_are_a_histogram(self) -> None:
        self.rig.client(GET)
        self.pass_time(1)
        self.rig.cell().send(OK)
        found = self.read()
        name = "cellrouter_request_duration_seconds_bucket"
        self.assertEqual(found[f"{name}[('le', '+Inf')]"], 1)
        below = [value for key, value in found.items() if key.startswith(f"{name}[('le', '0.")]
        self.assertEqual(sum(below), 0)

    def test_the_config_and_the_connection_are_told(self) -> None:
        self.assertNotIn("cellrouter_config_revision", self.read())
        self.assertNotIn("cellrouter_last_known_good_saved", self.read())
        self.active.apply(Snapshot.build(compiled("1"), Source.CONTROL_PLANE, Revision(42), "one"))
        self.status, self.saved = ControlPlaneStatus(True, "ws://cp/connect", 0.0, None), False
        found = self.read()
        self.assertEqual(found["cellrouter_last_known_good_saved"], 0)
        self.assertEqual(
            (found["cellrouter_config_revision"], found["cellrouter_control_plane_connected"]), (42, 1)
        )
        (info,) = [key for key in found if key.startswith("cellrouter_config_info")]
        self.assertIn("('version', '1')", info)
