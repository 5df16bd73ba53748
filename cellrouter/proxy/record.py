"""What is logged of an exchange."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellrouter.proxy.exchange import Exchange

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that went away before its answer was complete. It is only logged."""


class Timestamps:
    """Formats times as RFC 3339 in UTC with milliseconds; most requests end in a millisecond with others."""

    __slots__ = ("_millisecond", "_second", "_text", "_to_second")

    def __init__(self) -> None:
        self._millisecond = self._second = -1
        self._text = self._to_second = ""

    def format(self, seconds: float) -> str:
        """Format a time.

        :param seconds: since the epoch.
        """
        millisecond = int(seconds * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            second, rest = divmod(millisecond, 1000)
            if second != self._second:
                self._second = second
                self._to_second = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            self._text = f"{self._to_second}{rest:03d}Z"
        return self._text


def record(exchange: "Exchange", timestamp: str, now_s: float) -> dict[str, object]:
    """Say what became of an exchange.

    :param exchange: one that has ended.
    :param timestamp: when, as text.
    :param now_s: when, by the clock that the exchange is measured with, in seconds.
    :returns: the fields of its line in the access log.
    """
    request, destination, installed = exchange.request, exchange.destination, exchange.installed
    error, upstream_s = exchange.error, exchange.upstream_s
    routing_key = method = path = placement = upstream = match = None
    if request is not None:
        routing_key = None if request.routing_key is None else request.routing_key.decode("latin-1")
        method = request.method.decode("latin-1")
        # The query stays out of the log: it is where clients put what others must not read.
        path = request.target.partition(b"?")[0].decode("latin-1")
    if destination is not None:
        placement, upstream, match = destination.logged
    fields: dict[str, object] = {
        "timestamp": timestamp,
        "level": "error" if error is not None and exchange.status >= 500 else "info",
        "message": "request routed" if error is None else "request failed",
        "routing_key": routing_key,
        "method": method,
        "path": path,
        "placement": placement,
        "upstream": upstream,
        "match": match,
        "status": exchange.status,
        "duration_ms": _milliseconds(now_s - exchange.began_s),
        "request_id": exchange.request_id.decode("ascii"),
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "upstream_ms": None if upstream_s is None else _milliseconds(upstream_s),
        "config_version": installed.version,
        "config_revision": installed.revision,
    }
    if error is not None:
        fields["error"] = error
    return fields


def _milliseconds(seconds: float) -> float:
    """Give milliseconds, to the microsecond; ``round`` takes twice as long."""
    return int(seconds * 1e6 + 0.5) / 1000
