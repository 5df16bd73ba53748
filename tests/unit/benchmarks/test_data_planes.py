"""What the simulated data planes make of a control plane's bytes."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.data_planes import KEPT_BYTES, LABELS, PING, TEXT, Frames, frame
from cellrouter.wire import encode_snapshot

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def sent(opcode: int, payload: bytes) -> bytes:
    """Make a server's frame, which has no mask."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, length)) + payload
    if length < 65536:
        return bytes((0x80 | opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + length.to_bytes(8, "big") + payload


class FramesTests(SynchronousTestCase):
    """Frames are found wherever the bytes are cut."""

    @given(st.lists(st.sampled_from([0, 1, 125, 126, 127, 65535, 65536])), st.integers(1, 70000))
    def test_every_frame_is_found_with_its_beginning(self, lengths: list[int], step: int) -> None:
        payloads = [bytes([65 + number % 26]) * length for number, length in enumerate(lengths)]
        data = UPGRADED + b"".join(sent(TEXT, payload) for payload in payloads)
        frames, found = Frames(), []
        for begin in range(0, len(data), step if len(data) < 1000 else max(step, 100)):
            found += frames.feed(
                memoryview(data)[begin : begin + (step if len(data) < 1000 else max(step, 100))]
            )
        self.assertEqual(found, [(TEXT, payload[:KEPT_BYTES]) for payload in payloads])

    def test_a_refused_handshake_says_with_what(self) -> None:
        with self.assertRaisesRegex(ConnectionError, "503 Service Unavailable"):
            Frames().feed(memoryview(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"))

    def test_the_labels_of_a_snapshot_are_in_its_beginning(self) -> None:
        message = encode_snapshot(b'{"version":"1"}', 42, "s" * 64, "sha256:" + "a" * 64)
        found = LABELS.search(message[:KEPT_BYTES])
        assert found is not None
        self.assertEqual((found[1], found[2]), (b"42", b"sha256:" + b"a" * 64))

    def test_what_is_sent_is_masked(self) -> None:
        self.assertEqual(frame(PING, b"x"), b"\x89\x81\0\0\0\0x")
        self.assertEqual(frame(TEXT, b"x" * 200)[:8], b"\x81\xfe\0\xc8\0\0\0\0")
