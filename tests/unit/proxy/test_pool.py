"""Connections that wait for their next request."""

import errno
import socket

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as OutOfTime
from twisted.internet.error import getConnectError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config.endpoint import Endpoint, parse_endpoint
from cellrouter.proxy import ProxySettings
from cellrouter.proxy.pool import CellPool, Pools, refusal
from cellrouter.proxy.transport import Turn
from cellrouter.proxy.upstream import UpstreamConnection
from tests.unit.proxy.wires import WireReactor

FIRST = parse_endpoint("http://127.0.0.1:9001")
SECOND = parse_endpoint("http://127.0.0.1:9002")


class Idle:
    """A connection that only knows whether it was closed."""

    def __init__(self) -> None:
        self.deadline_s = 0.0
        self.closed = False

    def close(self) -> None:
        self.closed = True


class PoolTestCase(SynchronousTestCase):
    """Pools for two cells."""

    def setUp(self) -> None:
        self.reactor = WireReactor()
        settings = ProxySettings(max_idle_upstreams=3, upstream_idle_timeout_s=4.0)
        self.pools = Pools(self.reactor, settings, Turn(self.reactor), self.reactor.seconds)
        self.pools.install(frozenset({FIRST, SECOND}))
        self.first, self.second = self.pools[FIRST], self.pools[SECOND]

    def idle(self, pool: CellPool, count: int) -> list[Idle]:
        """Give a pool connections, one second after the other."""
        connections = [Idle() for _ in range(count)]
        for connection in connections:
            pool.give_back(connection)
            self.reactor.advance(1)
        return connections

    def take(self, pool: CellPool) -> UpstreamConnection | None:
        """Take a connection now."""
        return pool.take(self.reactor.seconds())


class PoolTests(PoolTestCase):
    """What is kept, and for how long."""

    def test_the_one_used_last_is_used_next(self) -> None:
        connections = self.idle(self.first, 3)
        self.assertEqual([self.take(self.first) for _ in range(4)], [*reversed(connections), None])
        self.assertEqual(self.pools.idle_count, 0)

    def test_a_cell_s_connections_are_its_own(self) -> None:
        self.idle(self.first, 1)
        self.assertIsNone(self.take(self.second))

    def test_all_cells_share_one_limit(self) -> None:
        kept = [*self.idle(self.first, 2), *self.idle(self.second, 1)]
        self.assertEqual([each.closed for each in [*kept, *self.idle(self.second, 1)]], [False] * 3 + [True])
        self.take(self.first)
        self.assertFalse(self.idle(self.second, 1)[0].closed)

    def test_what_was_idle_for_too_long_is_not_used_even_before_it_is_swept(self) -> None:
        (connection,) = self.idle(self.first, 1)
        self.reactor.advance(3)
        self.assertIsNone(self.take(self.first))
        self.assertEqual((connection.closed, self.pools.idle_count), (True, 0))

    def test_sweeping_closes_what_was_idle_for_too_long(self) -> None:
        connections = self.idle(self.first, 3)
        self.reactor.advance(1.5)
        self.pools.sweep(self.reactor.seconds())
        self.assertEqual([each.closed for each in connections], [True, False, False])
        self.assertEqual((self.pools.idle_count, self.first.idle), (2, connections[1:]))

    def test_a_connection_that_ended_is_forgotten_once(self) -> None:
        connections = self.idle(self.first, 2)
        self.first.forget(connections[0])
        self.first.forget(connections[0])
        self.assertEqual((self.first.idle, self.pools.idle_count), (connections[1:], 1))

    def test_a_snapshot_closes_what_leads_to_cells_that_are_gone(self) -> None:
        (gone,), (kept,) = self.idle(self.first, 1), self.idle(self.second, 1)
        self.pools.install(frozenset({SECOND}))
        self.assertEqual((gone.closed, kept.closed, self.pools.idle_count), (True, False, 1))
        self.assertIs(self.pools[SECOND], self.second)
        self.assertRaises(KeyError, self.pools.__getitem__, FIRST)

    def test_what_comes_back_to_a_cell_that_is_gone_is_closed(self) -> None:
        self.pools.install(frozenset({SECOND}))
        (late,) = self.idle(self.first, 1)
        self.assertEqual((late.closed, self.pools.idle_count), (True, 0))
        self.pools.install(frozenset({FIRST}))
        self.assertIsNot(self.pools[FIRST], self.first)

    def test_closing_closes_everything(self) -> None:
        connections = [*self.idle(self.first, 1), *self.idle(self.second, 1)]
        self.pools.close()
        self.assertEqual([each.closed for each in connections], [True, True])


class DialTests(PoolTestCase):
    """New connections."""

    def dial(self, host: str) -> "Deferred[UpstreamConnection]":
        """Dial a cell."""
        endpoint = Endpoint(f"http://{host}:80", host, 80)
        self.pools.install(frozenset({endpoint}))
        return self.pools[endpoint].dial()

    def test_a_refusal_is_told_at_once(self) -> None:
        for number, host in enumerate(("127.0.0.1", "::1")):
            dialled = self.dial(host)
            address, port, factory, *_ = self.reactor.tcpClients[number]
            self.assertEqual((address, port), (host, 80))
            factory.clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
            self.failureResultOf(dialled, error.ConnectionRefusedError)

    def test_cancelling_ends_the_attempt(self) -> None:
        dialled = self.dial("127.0.0.1")
        dialled.cancel()
        self.assertEqual(refusal(self.failureResultOf(dialled)).error, "connection_timeout")
        self.assertTrue(self.reactor.connectors[0].stoppedConnecting)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_failures_have_their_words(self) -> None:
        for cause, expected in (
            (error.TimeoutError(), "connection_timeout"),
            (OutOfTime(), "connection_timeout"),
            (CancelledError(), "connection_timeout"),
            (error.ConnectingCancelledError(None), "connection_timeout"),
            (getConnectError((errno.ECONNREFUSED, "")), "connection_refused"),
            (getConnectError((errno.EHOSTUNREACH, "")), "destination_ip_unroutable"),
            (getConnectError((errno.ENETUNREACH, "")), "destination_ip_unroutable"),
            (getConnectError((errno.EMFILE, "")), "proxy_internal_error"),
            (getConnectError(socket.gaierror(8, "")), "destination_ip_unroutable"),
            (error.DNSLookupError(), "dns_error"),
            (OSError(), "destination_ip_unroutable"),
            (ValueError(), "proxy_internal_error"),
        ):
            refused = refusal(Failure(cause))
            self.assertEqual((refused.status, refused.error), (502, expected), cause)
