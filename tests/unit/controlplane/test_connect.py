"""Whoever has become a data plane is no visitor any more."""

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.access import Access, RefusalLog
from cellrouter.controlplane.connect import ConnectResource
from cellrouter.controlplane.hub import Hub
from cellrouter.daemon import JsonRoot, QuietSite
from tests.support.web import Asked
from tests.unit.controlplane.peers import PONG
from tests.unit.controlplane.transports import SlowTransport

UPGRADE = (
    b"GET /connect HTTP/1.1\r\nHost: cp\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
EMPTY_PONG = bytes([0x80 | PONG, 0x80]) + bytes(4)


class ConnectTests(SynchronousTestCase):
    """``/connect`` at a site with room for one visitor."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.hub = Hub(self.reactor)
        root = JsonRoot()
        root.putChild(b"connect", ConnectResource(self.hub, Access(RefusalLog(self.reactor))))
        self.site = QuietSite(root, reactor=self.reactor, most_visitors=1)

    def test_visitors_and_the_minute_of_a_request_do_not_end_a_data_plane_s_connection(self) -> None:
        transport = SlowTransport()
        transport.protocol = self.site.buildProtocol(None)
        transport.protocol.makeConnection(transport)
        transport.protocol.dataReceived(UPGRADE)
        self.assertIn(b"101 Switching Protocols", transport.drain_all())
        visitors = [Asked(self.site, "/"), Asked(self.site, "/")]
        self.assertEqual([visitor.ended for visitor in visitors], [True, False])
        for _ in range(13):
            self.reactor.advance(5)
            transport.drain_all()
            transport.protocol.dataReceived(EMPTY_PONG)
        self.assertTrue(visitors[1].ended)
        self.assertEqual((self.hub.connected, transport.aborted), (1, False))
