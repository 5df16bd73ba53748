"""The IDs of requests that bring none."""

from uuid import RFC_4122, UUID

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.proxy.ids import RequestIds


class RequestIdTests(SynchronousTestCase):
    """Random UUIDs."""

    def test_they_are_uuids_of_version_4_and_never_repeat(self) -> None:
        ids = RequestIds()
        made = [ids.new() for _ in range(1000)]
        self.assertEqual(len(set(made)), 1000)
        for each in made:
            uuid = UUID(each.decode())
            self.assertEqual((uuid.version, uuid.variant, uuid.hex.encode()), (4, RFC_4122, each))

    def test_all_other_bits_are_random(self) -> None:
        for byte in (b"\x00", b"\xff"):
            (made,) = {RequestIds(lambda size, byte=byte: byte * size).new()}
            expected = bytearray(byte * 16)
            expected[6] = expected[6] & 0x0F | 0x40
            expected[8] = expected[8] & 0x3F | 0x80
            self.assertEqual(made, expected.hex().encode())
