"""What is logged of an exchange."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cellrouter.http1 import RequestHead

if TYPE_CHECKING:
    from cellrouter.proxy.exchange import Exchange

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that went away before its answer was complete. It is only logged."""

_UNREAD = {"routing_key": None, "method": None, "path": None}
_UNROUTED = {"placement": None, "upstream": None, "match": None}


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
    :param now_s: when, by the clock that the exchange is measured with, in seconds.
    :returns: the fields of its line in the access log.
    """
    request, destination, installed = exchange.request, exchange.destination, exchange.installed
    error, upstream_s = exchange.error, exchange.upstream_s
    fields: dict[str, object] = {
        "timestamp": timestamp,
        "level": "error" if error is not None and exchange.status >= 500 else "info",
        "message": "request routed" if error is None else "request failed",
        **(_UNREAD if request is None else _request_fields(request)),
        **(_UNROUTED if destination is None else destination.log_fields),
        "status": exchange.status,
        "duration_ms": round((now_s - exchange.began_s) * 1000, 3),
        "request_id": exchange.request_id.decode("ascii"),
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "upstream_ms": None if upstream_s is None else round(upstream_s * 1000, 3),
        "config_version": installed.version,
        "config_revision": installed.revision,
    }
    if error is not None:
        fields["error"] = error
    return fields


def _request_fields(request: RequestHead) -> dict[str, str | None]:
    key = request.routing_key
    return {
        "routing_key": None if key is None else key.decode("latin-1"),
        "method": request.method.decode("latin-1"),
        # The query stays out of the log: it is where clients put what others must not read.
        "path": request.target.partition(b"?")[0].decode("latin-1"),
    }
