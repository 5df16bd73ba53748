"""What a data plane does, for Prometheus."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from cellrouter.daemon.metrics import by_label, gauge
from cellrouter.dataplane.client import ControlPlaneStatus
from cellrouter.observe import Traffic
from cellrouter.observe.histogram import COARSE_BOUNDS_MS, coarse
from cellrouter.proxy import ProxyEngine
from cellrouter.snapshots.active import ActiveSnapshot


def metrics(
    engine: ProxyEngine,
    active: ActiveSnapshot,
    control_plane: ControlPlaneStatus | None,
    saved: bool | None,
) -> Iterator[Metric]:
    """Give the metrics of a data plane.

    :param engine: the data path.
    :param active: the snapshot that is served.
    :param control_plane: how the connection stands; None without a control plane.
    :param saved: whether a restart serves what is served; None without a control plane.
    """
    yield from _traffic(engine.traffic)
    yield gauge("requests_in_flight", "Requests that have not been answered yet.", engine.in_flight)
    yield gauge("client_connections", "Connections of clients.", len(engine.channels))
    yield gauge("max_client_connections", "Most connections of clients.", engine.admission.limit)
    yield CounterMetricFamily(
        "cellrouter_access_log_dropped_lines",
        "Lines of the access log that were not written.",
        value=engine.dropped_log_lines,
    )
    yield from _placements(engine)
    yield from _config(active)
    if control_plane is not None:
        text = "Whether there is a connection to a control plane."
        yield gauge("control_plane_connected", text, control_plane.connected)
    if saved is not None:
        yield gauge("last_known_good_saved", "Whether a restart serves what is served.", saved)


def _traffic(traffic: Traffic) -> Iterator[Metric]:
    matches = [
        ("exact", traffic.exact),
        ("default", traffic.default),
        ("missing", traffic.missing),
        ("unrouted", traffic.unrouted),
    ]
    yield by_label(
        CounterMetricFamily, "requests", "Requests by why they went where they went.", "match", matches
    )
    yield CounterMetricFamily(
        "cellrouter_server_errors", "Requests that were answered with a 5xx.", value=traffic.server_errors
    )
    # Each bucket is a time series for Prometheus, so these are the coarse ones.
    bounds = [*(str(bound_ms / 1000) for bound_ms in COARSE_BOUNDS_MS), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(coarse(traffic.latency))), strict=True))
    family = HistogramMetricFamily(
        "cellrouter_request_duration_seconds", "Time from a request's head to the end of its response."
    )
    # There is no sum: the data path counts buckets only.
    family.add_metric([], buckets, sum_value=None)
    yield family


def _placements(engine: ProxyEngine) -> Iterator[Metric]:
    report = engine.placements_report()
    for kind, name, text, member in (
        (CounterMetricFamily, "placement_requests", "Requests by placement.", "requests"),
        (GaugeMetricFamily, "placement_in_flight", "Requests in flight by placement.", "in_flight"),
        (
            GaugeMetricFamily,
            "placement_idle_connections",
            "Idle connections to cells by placement.",
            "idle_connections",
        ),
    ):
        values = [(placement, float(str(what[member]))) for placement, what in report.items()]
        yield by_label(kind, name, text, "placement", values)


def _config(active: ActiveSnapshot) -> Iterator[Metric]:
    snapshot = active.current
    if snapshot is None:
        return
    labels = {"version": snapshot.version, "hash": snapshot.hash, "source": snapshot.source.value}
    yield InfoMetricFamily("cellrouter_config", "The config that is served.", value=labels)
    if snapshot.revision is not None:
        yield gauge("config_revision", "The revision that is served.", snapshot.revision)
    yield gauge("config_applied_timestamp_seconds", "Since when this config is served.", active.applied_at)
