"""What is logged of an exchange."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellrouter.proxy.exchange import Exchange

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that went away before its answer was complete. It is only logged."""


class Timestamps:
    """Formats times as RFC 3339 in UTC with milliseconds, most of them from the second's cached text."""

    __slots__ = ("_second", "_text")

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def format(self, seconds: float) -> str:
        """Format a time.

        :param seconds: since the epoch.
        """
        second = int(seconds)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._text}{int((seconds - second) * 1000):03d}Z"


def record(exchange: "Exchange", timestamp: str, now_s: float) -> dict[str, object]:
    """Say what became of an exchange.

    :param exchange: one that has ended.
    :param timestamp: when, as text.
    :param now_s: when, in seconds since the epoch.
    :returns: the fields of its line in the access log.
    """
    request, destination, installed = exchange.request, exchange.destination, exchange.installed
    error = exchange.error
    fields: dict[str, object] = {
        "timestamp": timestamp,
        "level": "error" if error is not None and exchange.status >= 500 else "info",
        "message": "request routed" if error is None else "request failed",
        "routing_key": None,
        "placement": None,
        "upstream": None,
        "status": exchange.status,
        "duration_ms": _milliseconds(now_s - exchange.began_s),
        "request_id": exchange.request_id.decode("ascii"),
        "method": None,
        "path": None,
        "match": None,
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "upstream_ms": None,
        "config_version": installed.version,
        "config_revision": installed.revision,
    }
    if request is not None:
        if request.routing_key is not None:
            fields["routing_key"] = request.routing_key.decode("latin-1")
        fields["method"] = request.method.decode("latin-1")
        # The query stays out of the log: it is where clients put what others must not read.
        fields["path"] = request.target.partition(b"?")[0].decode("latin-1")
    if destination is not None:
        route = destination.route
        fields["placement"] = route.placement
        fields["upstream"] = route.endpoint.url
        fields["match"] = route.match.value
    if exchange.upstream_s is not None:
        fields["upstream_ms"] = _milliseconds(exchange.upstream_s)
    if error is not None:
        fields["error"] = error
    return fields


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3) if seconds > 0 else 0.0
