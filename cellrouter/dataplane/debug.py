"""What a data plane says of itself over HTTP."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import orjson
from attrs import frozen
from prometheus_client.core import Metric
from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.daemon import JsonResource, JsonRoot, QueryResource
from cellrouter.daemon.metrics import MetricsResource
from cellrouter.daemon.resources import JSON, Answer, prepare
from cellrouter.daemon.times import utc_timestamp
from cellrouter.dataplane.client import ControlPlaneStatus
from cellrouter.snapshots.active import ActiveSnapshot

DATA_PORT_PATHS = {
    "all": frozenset(
        b"/" + path
        for path in (
            b"debug/config-version",
            b"debug/config",
            b"debug/route",
            b"debug/placements",
            b"debug/decisions",
            b"livez",
            b"readyz",
        )
    ),
    "version": frozenset([b"/debug/config-version"]),
    "off": frozenset[bytes](),
}
"""Which paths of the data port are ours, by the value of ``--debug-on-data-port``."""


class Engine(Protocol):
    """What is shown of the proxy engine."""

    def explain(self, key: bytes | None) -> Any:
        """Decide for a routing key, without a request."""

    def placements_report(self) -> Any:
        """Say what each placement is doing."""


@frozen
class Reports:
    """Makes the documents.

    :param active: the snapshot being served.
    :param engine: the data path.
    :param decisions: gives the last decisions.
    :param metrics: gives the metrics.
    :param accepting: whether requests are still wanted: false while draining.
    :param control_plane: tells how the connection stands; gives None without a control plane.
    :param clock: ages are measured by it.
    """

    active: ActiveSnapshot
    engine: Engine
    decisions: Callable[[], Any]
    metrics: Callable[[], Iterable[Metric]]
    accepting: Callable[[], bool]
    control_plane: Callable[[], ControlPlaneStatus | None]
    clock: IReactorTime

    def config_version(self) -> Answer:
        """Say which snapshot is served, and how the control plane's connection stands."""
        snapshot = self.active.current
        if snapshot is None:
            return http.SERVICE_UNAVAILABLE, {"status": "no config is applied"}
        status = self.control_plane()
        return http.OK, {
            "version": snapshot.version,
            "revision": snapshot.revision,
            "hash": snapshot.hash,
            "source": snapshot.source.value,
            "applied_at": utc_timestamp(self.active.applied_at),
            "age_s": round(max(0.0, self.clock.seconds() - self.active.applied_at), 3),
            "control_plane": None
            if status is None
            else {
                "connected": status.connected,
                "url": status.url,
                "since": utc_timestamp(status.since),
                "last_error": status.last_error,
            },
        }

    def config(self) -> Answer:
        """Give the document that is served; it may be large."""
        snapshot = self.active.current
        if snapshot is None:
            return http.SERVICE_UNAVAILABLE, {"status": "no config is applied"}
        return http.OK, {
            "version": snapshot.version,
            "revision": snapshot.revision,
            "hash": snapshot.hash,
            "source_id": snapshot.source_id,
            "source": snapshot.source.value,
            "config": orjson.Fragment(snapshot.text),
        }

    def route(self, keys: list[bytes]) -> Answer:
        """Say where a request with this routing key would go, and why.

        :param keys: the key, or none for a request without the header.
        """
        if len(keys) > 1:
            return http.BAD_REQUEST, {"status": "a request belongs to one tenant: give key once"}
        return http.OK, self.engine.explain(keys[0] if keys else None)

    def ready(self) -> Answer:
        """Say whether requests should be sent here."""
        if self.active.current is None:
            return http.SERVICE_UNAVAILABLE, {"status": "no config is applied"}
        if not self.accepting():
            return http.SERVICE_UNAVAILABLE, {"status": "draining"}
        return http.OK, {"status": "ready"}


class ConfigResource(JsonResource):
    """Answer with a document that has text in it which is JSON already."""

    def answer(self, request: Request) -> bytes:
        """Answer a GET or HEAD."""
        status, document = self._produce()
        return prepare(request, status, JSON, orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


def build_root(reports: Reports) -> Resource:
    """Put everything that a data plane says together.

    :param reports: make the documents.
    :returns: the root of the tree, for the admin port's site and for the debug paths of the data port.
    """
    debug = JsonRoot()
    debug.putChild(b"config-version", JsonResource(reports.config_version))
    debug.putChild(b"config", ConfigResource(reports.config))
    debug.putChild(b"route", QueryResource("key", reports.route))
    debug.putChild(b"placements", JsonResource(lambda: (http.OK, reports.engine.placements_report())))
    debug.putChild(b"decisions", JsonResource(lambda: (http.OK, reports.decisions())))
    root = JsonRoot()
    root.putChild(b"debug", debug)
    root.putChild(b"metrics", MetricsResource(reports.metrics))
    root.putChild(b"livez", JsonResource(lambda: (http.OK, {"status": "alive"})))
    root.putChild(b"readyz", JsonResource(reports.ready))
    return root
