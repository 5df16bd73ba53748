"""Nobody keeps a site's connections to themselves."""

from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon import JsonResource, JsonRoot, QuietSite
from tests.support.web import Asked, ask
from tests.unit.controlplane.transports import SlowTransport


class SiteTests(SynchronousTestCase):
    """A site with room for three visitors."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        root = JsonRoot()
        root.putChild(b"it", JsonResource(lambda: (200, "yes")))
        self.site = QuietSite(root, reactor=self.reactor, most_visitors=3)

    def test_a_request_that_trickles_has_a_minute(self) -> None:
        head = b"GET /it HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        for begin in (b"", head, head + b"\r\n"):
            transport = StringTransport()
            channel = self.site.buildProtocol(None)
            channel.makeConnection(transport)
            channel.dataReceived(begin)
            for _ in range(11):
                self.reactor.advance(5)
                channel.dataReceived(b"x")
            self.assertFalse(transport.disconnecting, begin)
            self.reactor.advance(5)
            self.assertTrue(transport.disconnecting, begin)

    def test_each_request_has_a_minute_of_its_own(self) -> None:
        steady = Asked(self.site, "/it")
        for _ in range(10):
            self.reactor.advance(50)
            steady.send(b"GET /it HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertFalse(steady.ended)
        self.assertEqual(steady.answered.count(b"200 OK"), 11)
        self.reactor.advance(60)
        self.assertTrue(steady.ended)

    def test_an_answer_that_is_not_taken_is_not_kept_for_ever(self) -> None:
        transport = SlowTransport()
        transport.protocol = self.site.buildProtocol(None)
        transport.protocol.makeConnection(transport)
        transport.protocol.dataReceived(b"GET /it HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(transport.disconnecting)
        self.reactor.advance(59)
        self.assertFalse(transport.aborted)
        self.reactor.advance(1)
        self.assertTrue(transport.aborted)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_one_that_is_taken_leaves_no_timer_behind(self) -> None:
        visitor = Asked(self.site, "/it", fields={"Connection": "close"})
        visitor.leave()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_when_there_are_too_many_the_one_that_came_first_has_to_go(self) -> None:
        visitors = [Asked(self.site, "/it") for _ in range(4)]
        self.assertEqual([visitor.ended for visitor in visitors], [True, False, False, False])
        visitors[1].leave()
        visitors.append(Asked(self.site, "/it"))
        self.assertEqual([visitor.ended for visitor in visitors], [True, False, False, False, False])
        self.assertEqual(ask(self.site, "/it").status, 200)
