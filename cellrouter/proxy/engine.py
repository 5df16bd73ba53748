"""What all exchanges share: the snapshot in use, the connections to cells, the log, and the deadlines."""

from collections.abc import Callable
from time import time
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cellrouter.config import RoutingTable
from cellrouter.observe import AccessLog, Decisions, Traffic
from cellrouter.proxy.admission import Admission
from cellrouter.proxy.exchange import Exchange
from cellrouter.proxy.ids import RequestIds
from cellrouter.proxy.installed import Installed
from cellrouter.proxy.pool import Pools
from cellrouter.proxy.record import Timestamps, record
from cellrouter.proxy.settings import ProxySettings
from cellrouter.proxy.transport import Turn
from cellrouter.resilience import PlacementStates


class Channel(Protocol):
    """A client's connection."""

    deadline_s: float

    def expire(self) -> None:
        """Its time is over."""

    def drain(self) -> None:
        """End with the exchange that it is in, or with the next one if that comes soon."""

    def abort(self) -> None:
        """End at once."""


class ProxyEngine:
    """Routes requests, whichever door they come in by.

    A snapshot must be installed before the first request.

    :ivar exchanges: those in flight.
    :ivar channels: the clients' connections, by the doors that tell of them.
    :ivar admission: lets clients in by the doors that tell of them.
    :ivar draining: whether connections end with the exchange they are in.
    :ivar now: gives the time in seconds, for measuring.
    :ivar traffic: counts exchanges.
    :ivar turn: says when connections write.
    :ivar new_request_id: makes the ID of a request.

    :param reactor: connects and measures.
    :param settings: time-outs and limits.
    :param access_log: is told of each exchange.
    :param decisions: is told too.
    :param new_request_id: makes the ID of a request; a random one unless given.
    :param time_of_day: gives the seconds since the epoch for the log.
    :param now: gives the time in seconds, for measuring; the reactor's unless given.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: ProxySettings,
        access_log: AccessLog,
        decisions: Decisions,
        new_request_id: Callable[[], bytes] | None = None,
        time_of_day: Callable[[], float] = time,
        now: Callable[[], float] | None = None,
    ) -> None:
        self.reactor = reactor
        self.settings = settings
        self.limits = settings.head_limits
        self.now: Callable[[], float] = now or reactor.seconds
        self.new_request_id = new_request_id or RequestIds().new
        self._time_of_day = time_of_day
        self.exchanges: set[Exchange] = set()
        self.channels: set[Channel] = set()
        self.admission = Admission(settings.max_connections, self.now)
        self.draining = False
        self.installed: Installed
        self.traffic = Traffic()
        self.turn = Turn(reactor)
        self._access_log = access_log
        self._decisions = decisions
        self._pools = Pools(reactor, settings, self.turn, self.now)
        self._states = PlacementStates()
        self._timestamps = Timestamps()
        self._waiting_for_end: list[Deferred[None]] = []
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = reactor

    def start(self) -> None:
        """Begin to look at deadlines."""
        self._sweeping.start(self.settings.sweep_interval_s, now=False).addErrback(
            lambda failure: self.log.failure("deadlines are no longer looked at", failure)
        )

    def stop(self) -> None:
        """Stop looking at deadlines, and close the idle connections to cells."""
        if self._sweeping.running:
            self._sweeping.stop()
        self._pools.close()

    def install(self, table: RoutingTable, version: str, revision: int | None) -> None:
        """Route by another snapshot from now on; exchanges in flight finish by theirs.

        :param table: the compiled config.
        :param version: the operator's label of it.
        :param revision: its revision, if it has one.
        """
        self._pools.install(table.endpoints)
        self._states.install(table)
        self.installed = Installed(table, version, revision, self.settings, self._pools, self._states)

    @property
    def in_flight(self) -> int:
        """How many exchanges are in flight."""
        return len(self.exchanges)

    @property
    def dropped_log_lines(self) -> int:
        """How many lines of the access log were not written."""
        return self._access_log.dropped_lines

    def explain(self, key: bytes | None) -> dict[str, object]:
        """Say where a request with a routing key would go, and why.

        :param key: the key, blanks around it trimmed; None for a request without one.
        """
        installed = self.installed
        key = None if key is None else key.strip(b" \t")
        decision: dict[str, object] = {
            "routing_key": None if key is None else key.decode("utf-8", "backslashreplace")
        }
        if key is not None and b"," in key:
            decision["refused"] = "a comma in X-Routing-Key is answered with 400"
        elif key is None and installed.table.reject_missing:
            decision["refused"] = "missingKeyPolicy is reject: the answer is 400"
        route = installed.table.route(key)
        return {
            **decision,
            "placement": route.placement,
            "endpoint": route.endpoint.url,
            "match": route.match.value,
            "config_version": installed.version,
            "config_revision": installed.revision,
        }

    def placements_report(self) -> dict[str, dict[str, object]]:
        """Say what each placement is doing."""
        return {
            placement: {
                "url": route.endpoint.url,
                "in_flight": self._states[placement].in_flight,
                "requests": self._states[placement].requests,
                "idle_connections": len(self._pools[route.endpoint].idle),
            }
            for placement, route in self.installed.table.placements.items()
        }

    def ended(self, exchange: Exchange, now_s: float) -> None:
        """Log an exchange that has ended.

        :param exchange: which.
        :param now_s: when, in seconds.
        """
        self.exchanges.discard(exchange)
        destination = exchange.destination
        match = None if destination is None else destination.route.match
        self.traffic.count(exchange.status, now_s - exchange.began_s, match)
        line = record(exchange, self._timestamps.format(self._time_of_day()), now_s)
        self._access_log.write(line)
        self._decisions.add(line)
        if self._waiting_for_end:
            self._check_drained()

    def channel_opened(self, channel: Channel) -> None:
        """Take note of a client's connection."""
        self.channels.add(channel)
        self.admission.counted(len(self.channels))

    def channel_closed(self, channel: Channel) -> None:
        """Forget a client's connection."""
        self.channels.discard(channel)
        self.admission.counted(len(self.channels))
        self._check_drained()

    def begin_drain(self) -> None:
        """Let every client's connection end with the exchange it is in; idle ones have time for one more."""
        self.draining = True
        for channel in list(self.channels):
            channel.drain()

    def drained(self) -> "Deferred[None]":
        """Wait for the end of the drain.

        :returns: a Deferred that fires when no exchange is in flight and every answer has left; it can be
            cancelled.
        """
        waiting: Deferred[None] = Deferred(self._waiting_for_end.remove)
        self._waiting_for_end.append(waiting)
        self._check_drained()
        return waiting

    def _check_drained(self) -> None:
        if self._waiting_for_end and not self.exchanges and not self.channels:
            waiting, self._waiting_for_end = self._waiting_for_end, []
            for each in waiting:
                each.callback(None)

    def abort_all(self) -> int:
        """Abort every exchange and every client's connection.

        :returns: how many exchanges that were.
        """
        exchanges = list(self.exchanges)
        for exchange in exchanges:
            exchange.abort("drain_timeout")
        for channel in list(self.channels):
            channel.abort()
        return len(exchanges)

    def _sweep(self) -> None:
        now_s = self.now()
        for exchange in [each for each in self.exchanges if each.deadline_s <= now_s]:
            with self.log.failuresHandled("the end of an exchange's time failed"):
                exchange.expire()
        for channel in [each for each in self.channels if each.deadline_s <= now_s]:
            with self.log.failuresHandled("the end of a connection's time failed"):
                channel.expire()
        self._pools.sweep(now_s)
