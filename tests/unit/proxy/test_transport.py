"""Writing at the end of the turn: nothing is lost, doubled, or sent out of order."""

from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.proxy.transport import MOST_PENDING_BYTES, Turn, Writer
from tests.unit.proxy.rigs import CLIENT
from tests.unit.proxy.wires import Wire, WireReactor


class Producer:
    """Remember what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pauseProducing(self) -> None:
        self.asked.append("pause")

    def resumeProducing(self) -> None:
        self.asked.append("resume")

    def stopProducing(self) -> None:
        self.asked.append("stop")


class WriterTests(SynchronousTestCase):
    """On Twisted's TCP transport."""

    def setUp(self) -> None:
        self.reactor = WireReactor()
        self.turn = Turn(self.reactor)
        self.wire = Wire(self.reactor, Protocol(), CLIENT)
        self.socket = self.wire.peer_socket
        self.producer = Producer()
        self.wire.registerProducer(self.producer, True)
        self.writer = Writer(self.turn, self.wire)

    def end_turn(self) -> None:
        self.reactor.advance(0)

    def test_what_is_written_in_a_turn_is_sent_at_its_end_without_asking_the_poller(self) -> None:
        self.writer.write(b"a")
        self.writer.write(b"b")
        self.assertEqual((self.socket.sent, self.writer.untouched), (b"", True))
        self.end_turn()
        self.assertEqual((self.socket.sent, self.writer.untouched), (b"ab", False))
        self.assertEqual(self.reactor.writers, set())

    def test_the_turn_after_that_is_like_the_first(self) -> None:
        for _ in range(3):
            self.writer.write(b"a")
            self.end_turn()
        self.assertEqual((self.socket.sent, self.reactor.getDelayedCalls()), (b"aaa", []))

    def test_what_the_socket_does_not_take_follows_in_order(self) -> None:
        self.socket.room = 2
        self.writer.write(b"abc")
        self.end_turn()
        self.writer.write(b"def")
        self.end_turn()
        self.assertEqual(self.socket.sent, b"ab")
        self.socket.room = None
        self.writer.write(b"ghi")
        self.end_turn()
        self.assertEqual(self.socket.sent, b"ab")
        self.reactor.settle()
        self.assertEqual(self.socket.sent, b"abcdefghi")

    def test_a_socket_that_takes_nothing(self) -> None:
        self.socket.room = 0
        self.writer.write(b"abc")
        self.end_turn()
        self.socket.room = None
        self.reactor.settle()
        self.assertEqual(self.socket.sent, b"abc")

    def test_what_waits_in_the_transport_goes_first(self) -> None:
        self.wire.write(b"first")
        self.writer.write(b"second")
        self.end_turn()
        self.reactor.settle()
        self.assertEqual(self.socket.sent, b"firstsecond")

    def test_what_the_transport_has_begun_to_send_goes_first(self) -> None:
        self.socket.room = 1
        self.wire.write(b"first")
        self.reactor.settle()
        self.assertEqual(self.socket.sent, b"f")
        self.socket.room = None
        self.writer.write(b"second")
        self.end_turn()
        self.reactor.settle()
        self.assertEqual(self.socket.sent, b"firstsecond")

    def test_a_slow_reader_pauses_the_producer(self) -> None:
        self.socket.room = 0
        self.writer.write(b"x" * 100_000)
        self.end_turn()
        self.assertEqual(self.producer.asked, ["pause"])
        self.socket.room = None
        self.reactor.settle()
        self.assertEqual((self.producer.asked, len(self.socket.sent)), (["pause", "resume"], 100_000))

    def test_much_does_not_wait_for_the_end_of_the_turn(self) -> None:
        self.socket.room = 0
        for _ in range(2 * MOST_PENDING_BYTES // 1024 + 2):
            self.writer.write(b"x" * 1024)
        self.assertEqual(self.producer.asked[:1], ["pause"])
        self.socket.room = None
        self.end_turn()
        self.reactor.settle()
        self.assertEqual(len(self.socket.sent), 2 * MOST_PENDING_BYTES + 2048)

    def test_a_broken_connection_is_found_out_by_the_reactor(self) -> None:
        self.socket.broken = True
        self.writer.write(b"abc")
        self.end_turn()
        self.assertFalse(self.wire.gone)
        self.reactor.settle()
        self.assertTrue(self.wire.gone)

    def test_nothing_is_sent_on_a_connection_that_is_gone(self) -> None:
        self.writer.write(b"abc")
        self.socket.ended = True
        self.reactor._turn(self.wire)
        self.end_turn()
        self.assertEqual(self.socket.sent, b"")

    def test_nothing_is_sent_after_the_end_of_writing(self) -> None:
        self.wire.loseWriteConnection()
        self.reactor.settle()
        self.writer.write(b"abc")
        self.end_turn()
        self.reactor.settle()
        self.assertEqual(self.socket.sent, b"")

    def test_flushing_before_a_close(self) -> None:
        self.writer.write(b"abc")
        self.writer.flush()
        self.writer.flush()
        self.wire.unregisterProducer()
        self.wire.loseConnection()
        self.reactor.settle()
        self.assertEqual((self.socket.sent, self.wire.gone), (b"abc", True))

    def test_connections_are_written_one_after_the_other(self) -> None:
        wires = [Wire(self.reactor, Protocol(), CLIENT) for _ in range(3)]
        writers = [Writer(self.turn, wire) for wire in wires]
        for writer in writers:
            writer.write(b"a")
        self.assertEqual(len(self.reactor.getDelayedCalls()), 1)
        self.end_turn()
        self.assertEqual([bytes(wire.peer_socket.sent) for wire in wires], [b"a"] * 3)


class OtherTransportTests(SynchronousTestCase):
    """On any other transport."""

    def test_it_gets_everything_at_once(self) -> None:
        transport = StringTransport()
        writer = Writer(Turn(WireReactor()), transport)
        writer.write(b"a")
        writer.write(b"b")
        self.assertEqual((transport.value(), writer.untouched), (b"ab", False))
        writer.flush()
        self.assertEqual(transport.value(), b"ab")

    def test_tls_that_was_started_on_a_tcp_connection_is_such_a_one(self) -> None:
        reactor = WireReactor()
        wire = Wire(reactor, Protocol(), CLIENT)
        wire.TLS = True
        written: list[bytes] = []
        wire.write = written.append
        Writer(Turn(reactor), wire).write(b"a")
        self.assertEqual(written, [b"a"])
