"""Who may change anything."""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from cellrouter.controlplane.operators import NotAuthorised, authorise


class AuthoriseTests(SynchronousTestCase):
    """Requests from anywhere."""

    def authorise(self, address: object, **fields: str) -> None:
        request = DummyRequest([b""])
        request.client = address
        for name, value in fields.items():
            request.requestHeaders.addRawHeader(name, value)
        authorise(request)

    def test_this_machine_may(self) -> None:
        for address in (
            IPv4Address("TCP", "127.0.0.1", 1),
            IPv4Address("TCP", "127.8.9.10", 1),
            IPv6Address("TCP", "::1", 1),
            UNIXAddress("/run/cellrouter"),
        ):
            self.authorise(address)

    def test_no_other_may(self) -> None:
        for address in (
            IPv4Address("TCP", "10.0.0.7", 1),
            IPv6Address("TCP", "2001:db8::1", 1),
            IPv6Address("TCP", "fe80::1%eth0", 1),
            IPv4Address("TCP", "", 1),
            object(),
        ):
            refused = self.assertRaises(NotAuthorised, self.authorise, address)
            self.assertEqual(refused.status, 403)

    def test_no_browser_may(self) -> None:
        local = IPv4Address("TCP", "127.0.0.1", 1)
        for origin in ("http://127.0.0.1:8081", "null", ""):
            self.assertRaises(NotAuthorised, self.authorise, local, origin=origin)
