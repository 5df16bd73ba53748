"""Connections to cells that wait for their next request."""

from collections.abc import Callable
from errno import EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM
from typing import Any, cast

from twisted.internet import error
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as OutOfTime
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from cellrouter.config import Endpoint
from cellrouter.http1 import Refused
from cellrouter.proxy.settings import ProxySettings
from cellrouter.proxy.transport import Turn
from cellrouter.proxy.upstream import UpstreamConnection

ATTEMPT_DELAY_S = 0.05
"""Seconds from the dial of one of a host's addresses to that of the next. So long after the last one Twisted
tells that all were refused, and not before."""

_OUR_LIMITS = frozenset({EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM})
"""What the kernel says when we are out of local ports, file descriptors or memory."""


class CellPool:
    """The connections to one cell: the one that was used last is used next.

    :ivar idle: connections that wait, the one that waits longest first.
    :ivar turn: says when connections write.

    :param endpoint: the cell's address.
    :param pools: all pools, which share one limit.
    """

    def __init__(self, endpoint: Endpoint, pools: "Pools") -> None:
        self.endpoint = endpoint
        self.turn = pools.turn
        self.idle: list[UpstreamConnection] = []
        self._pools = pools
        self._retired = False

    def take(self, now_s: float) -> UpstreamConnection | None:
        """Give an idle connection, or None if a new one must be dialled.

        :param now_s: the time in seconds.
        """
        while self.idle:
            connection = self.idle.pop()
            self._pools.idle_count -= 1
            if connection.deadline_s > now_s:
                return connection
            connection.close()
        return None

    def give_back(self, connection: UpstreamConnection) -> None:
        """Take a connection whose exchange ended cleanly."""
        pools = self._pools
        if self._retired or pools.idle_count >= pools.most_idle:
            connection.close()
            return
        connection.deadline_s = pools.now() + pools.idle_timeout_s
        pools.idle_count += 1
        self.idle.append(connection)

    def await_close(self, connection: UpstreamConnection) -> None:
        """Take care that a connection that closes when everything is sent does so in time."""
        pools = self._pools
        connection.deadline_s = pools.now() + pools.settings.body_idle_timeout_s
        pools.closing.add(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a connection that ended, idle or not."""
        self._pools.closing.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
            self._pools.idle_count -= 1

    def dial(self) -> "Deferred[UpstreamConnection]":
        """Make a connection.

        :returns: a Deferred that fires with it, or fails with what :func:`refusal` explains; cancelling it
            ends the attempt.
        """
        pools, settings = self._pools, self._pools.settings
        factory = Factory.forProtocol(lambda: UpstreamConnection(self, pools.limits))
        factory.noisy = False
        dialled = cast("Deferred[UpstreamConnection]", self._client_endpoint().connect(factory))
        # The endpoint's own limit is for each address of the host, and not for the look-up.
        return dialled.addTimeout(settings.dial_timeout_s, pools.reactor)

    def _client_endpoint(self) -> IStreamClientEndpoint:
        reactor, timeout_s = self._pools.reactor, self._pools.settings.dial_timeout_s
        host, port = self.endpoint.host, self.endpoint.port
        if isIPAddress(host):
            return TCP4ClientEndpoint(reactor, host, port, timeout_s)
        if isIPv6Address(host):
            return TCP6ClientEndpoint(reactor, host, port, timeout_s)
        return HostnameEndpoint(reactor, host, port, timeout_s, attemptDelay=ATTEMPT_DELAY_S)

    def close_expired(self, now_s: float) -> None:
        """Close the connections that have been idle for too long."""
        while self.idle and self.idle[0].deadline_s <= now_s:
            self._pools.idle_count -= 1
            self.idle.pop(0).close()

    def retire(self) -> None:
        """Close what is idle, and from now on what becomes so."""
        self._retired = True
        self.close_expired(float("inf"))


class Pools:
    """The connections to all cells.

    :ivar idle_count: how many connections are idle in all.
    :ivar closing: those that close when everything is sent.

    :param reactor: connects.
    :param settings: time-outs and limits.
    :param turn: says when connections write.
    :param now: gives the time in seconds.
    """

    def __init__(self, reactor: Any, settings: ProxySettings, turn: Turn, now: Callable[[], float]) -> None:
        self.turn = turn
        self.reactor = reactor
        self.now = now
        self.settings = settings
        self.idle_timeout_s = settings.upstream_idle_timeout_s
        self.most_idle = settings.max_idle_upstreams
        self.limits = settings.head_limits
        self.idle_count = 0
        self.closing: set[UpstreamConnection] = set()
        self._cells: dict[Endpoint, CellPool] = {}

    def __getitem__(self, endpoint: Endpoint) -> CellPool:
        """Give the pool of a cell of the newest snapshot.

        :raises KeyError: for any other.
        """
        return self._cells[endpoint]

    def install(self, endpoints: frozenset[Endpoint]) -> None:
        """Take the cells of a snapshot; idle connections to cells that are gone are closed.

        :param endpoints: their addresses.
        """
        old = self._cells
        self._cells = {endpoint: old.get(endpoint) or CellPool(endpoint, self) for endpoint in endpoints}
        for endpoint, cell in old.items():
            if endpoint not in endpoints:
                cell.retire()

    def sweep(self, now_s: float) -> None:
        """Close what has been idle, or closing, for too long."""
        for connection in [each for each in self.closing if each.deadline_s <= now_s]:
            self.closing.discard(connection)
            connection.abort_close()
        if self.idle_count:
            for cell in self._cells.values():
                cell.close_expired(now_s)

    def close(self) -> None:
        """Close everything that is idle, for good."""
        self.install(frozenset())


def refusal(failure: Failure) -> Refused:
    """Say why a cell could not be reached.

    :param failure: of a dial.
    """
    if failure.check(error.TimeoutError, OutOfTime, error.ConnectingCancelledError, CancelledError):
        return Refused(502, "connection_timeout", "the cell did not accept a connection in time")
    if failure.check(error.ConnectionRefusedError):
        return Refused(502, "connection_refused", "the cell refused the connection")
    if failure.check(error.DNSLookupError):
        return Refused(502, "dns_error", "the name of the cell's host was not found")
    if getattr(failure.value, "osError", None) in _OUR_LIMITS:
        return Refused(
            502, "proxy_internal_error", "the router is at a limit of its own: no connection can be made"
        )
    if failure.check(error.ConnectError, error.UserError, OSError):
        return Refused(502, "destination_ip_unroutable", "the cell's host cannot be reached")
    return Refused(502, "proxy_internal_error", "the router failed to connect to the cell")
