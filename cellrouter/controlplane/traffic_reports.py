"""What the control plane says of the traffic over HTTP and to Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from cellrouter.controlplane.default_share import KIND
from cellrouter.controlplane.fleet import Node
from cellrouter.controlplane.placements import Placement
from cellrouter.controlplane.traffic import WINDOW_S, FleetTraffic, Summary
from cellrouter.daemon.metrics import by_label, gauge
from cellrouter.daemon.times import utc_timestamp

Json = dict[str, object]

MAX_CIRCUITS = 5


def fleet(traffic: FleetTraffic) -> Json:
    """Say what the fleet does, how its placements are, and what somebody should look at."""
    done = traffic.tally.placements
    total = sum(done.values())
    return {
        "traffic": _summary(traffic.of_all()),
        "placements": {
            name: _placement(each, done.get(name, 0), total) for name, each in traffic.placements().items()
        },
        "warnings": [
            {"kind": each.kind, "since": utc_timestamp(each.since), "message": each.message}
            for each in traffic.alarms
        ],
    }


def data_plane(traffic: FleetTraffic, node: Node) -> Json | None:
    """Say what a data plane does; None when it has not said."""
    return _summary(traffic.of(node))


def metrics(traffic: FleetTraffic) -> Iterator[Metric]:
    """Give what the fleet does as metrics; what is not known has none."""
    summary = traffic.of_all()
    if summary is not None:
        yield gauge("fleet_requests_per_second", "Requests a second of all data planes.", summary.per_s)
        for name, text, value in (
            ("fleet_5xx_ratio", "Share of requests that were answered with a 5xx.", summary.share_5xx),
            ("fleet_default_ratio", "Share of keys that are not in the table.", summary.share_default),
        ):
            if value is not None:
                yield gauge(name, text, value)
        times = [("0.5", summary.p50_ms), ("0.99", summary.p99_ms)]
        yield by_label(
            GaugeMetricFamily,
            "fleet_request_duration_seconds",
            "What a share of the requests of all data planes did not exceed.",
            "quantile",
            [(share, time_ms / 1000) for share, time_ms in times if time_ms is not None],
        )
    kinds = {each.kind for each in traffic.alarms}
    text = "Whether there is something that somebody should look at."
    yield by_label(GaugeMetricFamily, "fleet_warning", text, "kind", [(KIND, float(KIND in kinds))])


def _summary(summary: Summary | None) -> Json | None:
    if summary is None:
        return None
    return {
        "window_s": WINDOW_S,
        "requests_per_s": round(summary.per_s, 3),
        "share_5xx": _rounded(summary.share_5xx),
        "share_default": _rounded(summary.share_default),
        "p50_ms": summary.p50_ms,
        "p99_ms": summary.p99_ms,
    }


def _placement(placement: Placement, done: int, total: int) -> Json:
    """Say how a placement is; what no data plane says is left out.

    :param done: how many requests it was given of late.
    :param total: how many all were given.
    """
    document: Json = {"data_planes": placement.data_planes}
    if placement.checked:
        document |= {"checked": placement.checked, "healthy": placement.healthy}
    if placement.circuits:
        document["circuits"] = dict(placement.circuits.most_common(MAX_CIRCUITS))
    if placement.told_in_flight:
        document["in_flight"] = placement.in_flight
    if total:
        document["share"] = round(done / total, 6)
    return document


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
