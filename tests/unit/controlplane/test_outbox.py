"""A data plane that reads slowly costs bounded memory and gets the newest snapshot."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.outbox import SLICE_BYTES, Outbox, OutboxState, cut
from tests.unit.controlplane.transports import SlowTransport


class PlainFrames:
    """Frames as readable bytes on a slow transport."""

    def __init__(self) -> None:
        self.transport = SlowTransport()

    def sendPing(self, payload: bytes | None = None) -> None:
        self.transport.write(b"<ping>")

    def sendPong(self, payload: bytes | None = None) -> None:
        self.transport.write(b"<pong %s>" % (payload or b""))

    def sendCloseFrame(self, code: int, reasonUtf8: bytes) -> None:
        self.transport.write(b"<close %d %s>" % (code, reasonUtf8))


class OutboxTests(SynchronousTestCase):
    """An outbox on a transport whose peer reads only when told to."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.frames = PlainFrames()
        self.transport = self.frames.transport
        self.stalled = 0
        self.pings: list[float] = []
        self.outbox = Outbox(
            self.frames,
            self.transport,
            self.clock,
            30.0,
            on_stalled=self.count_stall,
            on_ping=lambda: self.pings.append(self.clock.seconds()),
        )

    def count_stall(self) -> None:
        self.stalled += 1

    def test_a_frame_is_written_at_once(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.assertEqual(self.transport.value(), b"one")
        self.assertIs(self.outbox.state, OutboxState.SENDING)

    def test_it_is_idle_again_when_everything_has_left(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.transport.drain()
        self.assertIs(self.outbox.state, OutboxState.IDLE)
        self.assertIsNone(self.transport.producer)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_of_the_frames_that_wait_only_the_newest_is_sent(self) -> None:
        for frame in (b"one", b"two", b"three", b"four"):
            self.outbox.send_frame(cut(frame))
        self.assertEqual(self.transport.drain_all(), b"onefour")

    def test_a_large_frame_is_with_the_transport_one_slice_at_a_time(self) -> None:
        frame = bytes(range(256)) * (SLICE_BYTES // 256 * 3) + b"end"
        self.outbox.send_frame(cut(frame))
        received = b""
        while self.outbox.state is OutboxState.SENDING:
            self.assertLessEqual(len(self.transport.value()), SLICE_BYTES)
            received += self.transport.drain()
        self.assertEqual(received, frame)

    def test_those_that_wait_share_the_slices(self) -> None:
        frame = cut(b"x" * (SLICE_BYTES + 1))
        self.assertEqual([len(piece) for piece in frame], [SLICE_BYTES, 1])
        written: list[bytes] = []
        self.patch(self.transport, "write", written.append)
        self.outbox.send_frame(frame)
        self.assertIs(written[0], frame[0])

    def test_nothing_is_written_into_the_middle_of_a_frame(self) -> None:
        frame = b"x" * (SLICE_BYTES + 1)
        self.outbox.send_frame(cut(frame))
        self.outbox.send_ping()
        self.outbox.send_pong(b"1")
        self.outbox.send_frame(cut(b"two"))
        self.assertEqual(self.transport.drain_all(), frame + b"<pong 1><ping>two")

    def test_a_peer_that_pings_and_never_reads_is_owed_one_pong(self) -> None:
        for number in range(10_000):
            self.outbox.send_pong(b"%d" % number)
        self.assertEqual(self.transport.drain_all(), b"<pong 0><pong 9999>")

    def test_a_ping_is_reported_when_it_is_written(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.outbox.send_ping()
        self.outbox.send_ping()
        self.assertEqual(self.pings, [])
        self.clock.advance(5)
        self.assertEqual(self.transport.drain_all(), b"one<ping>")
        self.assertEqual(self.pings, [5.0])

    def test_a_peer_that_does_not_read_for_30_seconds_has_stalled(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.clock.advance(29)
        self.assertEqual(self.stalled, 0)
        self.clock.advance(1)
        self.assertEqual(self.stalled, 1)

    def test_newer_frames_give_a_stalled_peer_no_more_time(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.clock.advance(29)
        self.outbox.send_frame(cut(b"two"))
        self.clock.advance(1)
        self.assertEqual(self.stalled, 1)

    def test_reading_a_byte_now_and_then_gives_no_more_time(self) -> None:
        self.outbox.send_frame(cut(b"x" * SLICE_BYTES * 100))
        for _ in range(30):
            self.transport.drain()
            self.clock.advance(1)
        self.assertEqual(self.stalled, 1)

    def test_each_frame_has_its_own_30_seconds(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.clock.advance(29)
        self.outbox.send_frame(cut(b"two"))
        self.transport.drain()
        self.clock.advance(29)
        self.assertEqual(self.stalled, 0)

    def test_closing_replaces_what_waits_and_is_the_last_word(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.outbox.send_frame(cut(b"two"))
        self.outbox.close(1001, "bye")
        self.outbox.send_frame(cut(b"three"))
        self.assertEqual(self.transport.drain_all(), b"one<close 1001 bye>")
        self.outbox.send_frame(cut(b"four"))
        self.assertEqual(self.transport.drain_all(), b"")
        self.assertIs(self.outbox.state, OutboxState.ENDED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_lost_connection_ends_it(self) -> None:
        self.outbox.send_frame(cut(b"one"))
        self.outbox.stopProducing()
        self.assertIs(self.outbox.state, OutboxState.ENDED)
        self.assertEqual(self.clock.getDelayedCalls(), [])
