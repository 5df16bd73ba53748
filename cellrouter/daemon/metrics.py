"""Metrics for Prometheus, in its text format."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from twisted.web import http
from twisted.web.server import Request

from cellrouter.daemon.resources import JsonRoot, prepare, problem


class Once(Collector):
    """Gives what there is at this moment."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Give it."""
        return self._metrics


class MetricsResource(JsonRoot):
    """Answer GET and HEAD with metrics.

    :param collect: gives them as they are now.
    """

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        JsonRoot.__init__(self)
        self._collect = collect

    def render(self, request: Request) -> bytes | int:
        """Answer a request; other methods get 405."""
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return problem(request, http.NOT_ALLOWED, "only GET and HEAD are possible here")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Once(list(self._collect())))
        return prepare(request, http.OK, CONTENT_TYPE_LATEST.encode("ascii"), generate_latest(registry))


def gauge(name: str, text: str, value: float) -> Metric:
    """Make a gauge without labels.

    :param name: of the metric, without the prefix that all of ours have.
    :param text: what it says.
    :param value: what it is now.
    """
    return GaugeMetricFamily(f"cellrouter_{name}", text, value=value)


def by_label(
    kind: type[CounterMetricFamily | GaugeMetricFamily],
    name: str,
    text: str,
    label: str,
    values: Iterable[tuple[str, float]],
) -> Metric:
    """Make a metric with a value for each of several things.

    :param kind: a counter or a gauge.
    :param name: of the metric, without the prefix that all of ours have.
    :param text: what it says.
    :param label: what is named by the label.
    :param values: each name with its value.
    """
    family = kind(f"cellrouter_{name}", text, labels=[label])
    for of, value in values:
        family.add_metric([of], value)
    return family


def one_of(name: str, text: str, label: str, states: Iterable[str], state: str | None) -> Iterator[Metric]:
    """Make a gauge that is 1 for the state that something is in, and 0 for the others.

    :param states: all there are.
    :param state: the present one, or None.
    """
    values = [(each, float(each == state)) for each in states]
    yield by_label(GaugeMetricFamily, name, text, label, values)
