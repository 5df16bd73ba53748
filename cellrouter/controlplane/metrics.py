"""How a control plane and its fleet are, for Prometheus."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from cellrouter.controlplane import traffic_reports
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.convergence import Standing, Target, standing
from cellrouter.controlplane.fleet import Node
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.intake import FileState, Intake
from cellrouter.controlplane.rollout import Phase
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.controlplane.traffic import FleetTraffic
from cellrouter.daemon.metrics import by_label, gauge, one_of


def metrics(
    hub: Hub, intake: Intake, changes: Changes, rollouts: Rollouts, traffic: FleetTraffic
) -> Iterator[Metric]:
    """Give the metrics of a control plane.

    :param hub: the connected data planes and the active snapshot.
    :param intake: knows how the operator's file stands.
    :param changes: knows what is held.
    :param rollouts: knows how a rollout stands.
    :param traffic: knows what the data planes do.
    """
    yield gauge("data_planes_connected", "Connected data planes.", hub.connected)
    text = "Whether a change is held, since it goes beyond a guard."
    yield gauge("change_held", text, changes.held is not None)
    yield gauge("rollout_under_way", "Whether a rollout is under way.", rollouts.under_way)
    phase = None if rollouts.rollout is None else rollouts.rollout.phase.value
    phases = [each.value for each in Phase]
    yield from one_of("rollout_phase", "Where the last rollout stands.", "phase", phases, phase)
    states = [each.value for each in FileState]
    yield from one_of("file_state", "How the watched file stands.", "state", states, intake.file_state.value)
    yield from traffic_reports.metrics(traffic)
    current = hub.current
    if current is None:
        return
    accepted = current.accepted
    labels = {"version": accepted.version, "hash": accepted.hash}
    yield InfoMetricFamily("cellrouter_active_config", "The config that is active.", value=labels)
    yield gauge("active_revision", "The revision that is active.", accepted.revision)
    text = "When the active revision was accepted."
    yield gauge("active_accepted_timestamp_seconds", text, accepted.accepted_at)

    def target(node: Node) -> Target:
        wanted = (rollouts.intended(node) or current).accepted
        return Target(wanted.revision, wanted.hash, hub.announced_at)

    counts = Counter(standing(node, target(node)) for node in hub.fleet.nodes())
    yield by_label(
        GaugeMetricFamily,
        "data_planes",
        "Data planes that are known, by how they stand to what they should run.",
        "state",
        [(each.value, float(counts[each])) for each in Standing],
    )
