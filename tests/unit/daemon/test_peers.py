"""Who is at the other end."""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.peers import as_text, is_local, is_loopback


class LocalTests(SynchronousTestCase):
    """Whether it is this machine."""

    def test_loopback_and_sockets_of_the_file_system_are_this_machine(self) -> None:
        for address in (
            IPv4Address("TCP", "127.0.0.1", 1),
            IPv4Address("TCP", "127.8.8.8", 1),
            IPv6Address("TCP", "::1", 1),
            IPv6Address("TCP", "::ffff:127.0.0.1", 1),
            UNIXAddress("/run/cp.sock"),
        ):
            self.assertTrue(is_local(address), address)

    def test_nothing_else_is(self) -> None:
        for address in (
            IPv4Address("TCP", "10.0.0.1", 1),
            IPv4Address("TCP", "0.0.0.0", 1),
            IPv6Address("TCP", "fe80::1%eth0", 1),
            IPv6Address("TCP", "::ffff:10.0.0.1", 1),
            object(),
            None,
        ):
            self.assertFalse(is_local(address), address)

    def test_of_names_only_localhost_is_taken_for_this_machine(self) -> None:
        self.assertTrue(is_loopback("localhost"))
        for name in ("localhost.example", "127.0.0.1.example", ""):
            self.assertFalse(is_loopback(name), name)


class TextTests(SynchronousTestCase):
    """An address as people write it."""

    def test_host_and_port(self) -> None:
        self.assertEqual(as_text(IPv4Address("TCP", "10.0.0.1", 80)), "10.0.0.1:80")
        self.assertEqual(as_text(IPv6Address("TCP", "::1", 80)), "[::1]:80")
        self.assertIn("/run/cp.sock", as_text(UNIXAddress("/run/cp.sock")))
