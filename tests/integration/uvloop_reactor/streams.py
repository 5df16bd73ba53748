"""What is true of the connections on uvloop and is not asked by Twisted's tests."""

import os
import signal
import socket
import sys

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, ProcessProtocol, Protocol
from twisted.internet.task import deferLater
from twisted.internet.test.reactormixins import ReactorBuilder
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from cellrouter.reactor.stream import UvloopClient, UvloopServer
from cellrouter.reactor.uvloop import UvloopReactor
from tests.integration.uvloop_reactor.builder import build

MUCH = 8_000_000
"""More bytes than sockets on loopback keep."""


class Recorder(Protocol):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: Deferred[None] = Deferred()
        self._waiting: list[tuple[int, Deferred[None]]] = []

    def until(self, length: int) -> Deferred[None]:
        """Wait until this many bytes have come."""
        enough: Deferred[None] = Deferred()
        self._waiting.append((length, enough))
        self.dataReceived(b"")
        return enough

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        for waiting in list(self._waiting):
            if len(self.received) >= waiting[0]:
                self._waiting.remove(waiting)
                waiting[1].callback(None)

    def connectionLost(self, reason) -> None:
        self.lost.callback(None)


class PausedAtFirst(Recorder):
    """Wants no data before it says so."""

    def connectionMade(self) -> None:
        self.transport.pauseProducing()


class Faulty(Recorder):
    """Cannot receive."""

    def dataReceived(self, data: bytes) -> None:
        raise ZeroDivisionError


class Hasty(Recorder):
    """Writes by both means before the socket is uvloop's."""

    def connectionMade(self) -> None:
        self.transport.write(b"1")
        self.transport.writeSomeData(b"2")
        self.transport.writeSequence([b"3", b"4"])


@implementer(IPushProducer)
class Counter:
    """Notes how often it is paused and resumed."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


class Accepting(Factory):
    """Keeps the protocols that it makes."""

    noisy = False

    def __init__(self, protocol: type[Recorder]) -> None:
        self.protocol = protocol
        self.accepted: list[Recorder] = []

    def buildProtocol(self, addr) -> Recorder:
        self.accepted.append(self.protocol())
        return self.accepted[-1]


class StreamTests(ReactorBuilder, SynchronousTestCase):
    """Two connected protocols on one reactor."""

    reactorFactory = build

    def drive(self, test, server: type[Recorder] = Recorder) -> None:
        """Run a reactor, and on it a coroutine function that gets it and both sides of a connection."""
        reactor = self.buildReactor()
        failures = []

        async def main() -> None:
            factory = Accepting(server)
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            client = await endpoint.connect(Factory.forProtocol(Recorder))
            while not factory.accepted:
                await deferLater(reactor, 0.001)
            await test(reactor, client, factory.accepted[0])
            await port.stopListening()

        def begin() -> None:
            done = Deferred.fromCoroutine(main())
            done.addErrback(failures.append)
            done.addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        self.runReactor(reactor)
        for failure in failures:
            failure.raiseException()

    def test_both_sides_are_on_uvloop(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            self.assertIsInstance(client.transport, UvloopClient)
            self.assertIsInstance(server.transport, UvloopServer)
            self.assertEqual(reactor.streams, {client.transport, server.transport})
            client.transport.loseConnection()
            await server.lost
            await client.lost
            self.assertEqual(reactor.streams, set())

        self.drive(test)

    def test_so_are_the_connections_of_a_port_that_was_passed_on(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            factory = Accepting(Recorder)
            with socket.create_server(("127.0.0.1", 0)) as listening:
                listening.setblocking(False)
                port = reactor.adoptStreamPort(listening.fileno(), socket.AF_INET, factory)
                endpoint = TCP4ClientEndpoint(reactor, *listening.getsockname())
                await endpoint.connect(Factory.forProtocol(Recorder))
            while not factory.accepted:
                await deferLater(reactor, 0.001)
            self.assertIsInstance(factory.accepted[0].transport, UvloopServer)
            await port.stopListening()

        self.drive(test)

    def test_small_packets_are_held_back_unless_the_protocol_says_otherwise(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            for transport in (client.transport, server.transport):
                self.assertFalse(transport.getTcpNoDelay())
                transport.setTcpNoDelay(True)
                self.assertTrue(transport.getTcpNoDelay())

        self.drive(test)

    def test_a_protocol_that_pauses_at_once_gets_nothing_until_it_resumes(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            client.transport.write(b"early")
            await deferLater(reactor, 0.05)
            self.assertEqual(server.received, b"")
            server.transport.resumeProducing()
            await server.until(5)
            self.assertEqual(server.received, b"early")

        self.drive(test, PausedAtFirst)

    def test_what_is_written_before_uvloop_has_the_socket_arrives_in_order(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            await client.until(4)
            self.assertEqual(client.received, b"1234")

        self.drive(test, Hasty)

    def test_a_producer_is_paused_when_much_is_unsent_and_resumed_when_all_is_sent(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            for write in (client.transport.write, client.transport.writeSomeData):
                producer = Counter()
                server.transport.pauseProducing()
                server.received = b""
                client.transport.registerProducer(producer, True)
                write(b"x" * MUCH)
                await deferLater(reactor, 0.02)
                self.assertEqual(producer.told, ["pause"])
                self.assertIn(client.transport, reactor.getWriters())
                server.transport.resumeProducing()
                await server.until(MUCH)
                await deferLater(reactor, 0.02)
                self.assertEqual(producer.told, ["pause", "resume"])
                self.assertNotIn(client.transport, reactor.getWriters())
                client.transport.unregisterProducer()

        self.drive(test)

    def test_what_waits_is_sent_before_the_connection_ends(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            client.transport.writeSomeData(b"x" * MUCH)
            client.transport.loseConnection()
            await server.lost
            self.assertEqual(len(server.received), MUCH)

        self.drive(test)

    def test_an_error_in_one_protocol_ends_its_connection_only(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", server.transport.getHost().port)
            other = await endpoint.connect(Factory.forProtocol(Recorder))
            client.transport.write(b"x")
            await client.lost
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertFalse(other.lost.called)

        self.drive(test, Faulty)

    def test_a_child_process_is_noticed_to_end_and_a_signal_handler_set_before_stays(self) -> None:
        async def test(reactor: UvloopReactor, client: Recorder, server: Recorder) -> None:
            ended: Deferred[None] = Deferred()

            class Child(ProcessProtocol):
                def processEnded(self, reason) -> None:
                    ended.callback(None)

            reactor.spawnProcess(Child(), sys.executable, [sys.executable, "-c", "pass"], env={})
            await ended
            told: Deferred[None] = Deferred()
            signal.signal(signal.SIGUSR1, lambda *_: reactor.callFromThread(told.callback, None))
            self.addCleanup(signal.signal, signal.SIGUSR1, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGUSR1)
            await told

        self.drive(test)


class TimeTests(ReactorBuilder, SynchronousTestCase):
    """Calls that are to be made later."""

    reactorFactory = build

    def test_a_call_without_delay_is_made_after_what_is_due_in_the_same_turn(self) -> None:
        reactor = self.buildReactor()
        order = []

        def first() -> None:
            reactor.callLater(0, order.append, "later")
            order.append("first")

        reactor.callWhenRunning(reactor.loop.call_soon, first)
        reactor.callWhenRunning(reactor.loop.call_soon, order.append, "second")
        reactor.callLater(0.01, reactor.stop)
        self.runReactor(reactor)
        self.assertEqual(order, ["first", "second", "later"])

    def test_calls_are_made_in_order_and_never_early(self) -> None:
        reactor = self.buildReactor()
        early = []
        delays_s = [0.0301, 0.0004, 0.0119, 0.0203]
        made = []

        def call(due_s: float, delay_s: float) -> None:
            if reactor.seconds() < due_s:
                early.append(delay_s)
            made.append(delay_s)
            if len(made) == len(delays_s):
                reactor.stop()

        def begin() -> None:
            for delay_s in delays_s:
                reactor.callLater(delay_s, call, reactor.seconds() + delay_s, delay_s)

        reactor.callWhenRunning(begin)
        self.runReactor(reactor)
        self.assertEqual(made, sorted(delays_s))
        self.assertEqual(early, [])

    def test_a_call_that_is_moved_sooner_is_made_sooner(self) -> None:
        reactor = self.buildReactor()
        call = reactor.callLater(3600, reactor.stop)
        reactor.callWhenRunning(call.reset, 0.001)
        self.runReactor(reactor, timeout=60)
        self.assertFalse(call.active())

    def test_a_waiting_timer_does_not_keep_the_loop_busy(self) -> None:
        reactor = self.buildReactor()
        turns = []
        reactor.callLater(0.2, reactor.stop)
        make_calls = reactor.runUntilCurrent
        self.patch(reactor, "runUntilCurrent", lambda: (turns.append(None), make_calls()))
        self.runReactor(reactor)
        self.assertLess(len(turns), 10)
