"""A real WebSocket through a data plane."""

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint

from tests.support.engines import ProxyTestCase, config

BOUND_S = 10.0
MESSAGES = [(b"hello", False), (bytes(range(256)) * 4096, True), ("größer".encode(), False), (b"", True)]


class Echo(WebSocketServerProtocol):
    """Sends back what it gets."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class Talker(WebSocketClientProtocol):
    """Sends every message when the one before came back, then closes."""

    def onOpen(self) -> None:
        self.sendMessage(*MESSAGES[0])

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.echoed.append((payload, isBinary))
        if len(self.factory.echoed) == len(MESSAGES):
            self.sendClose(1000)
        else:
            self.sendMessage(*MESSAGES[len(self.factory.echoed)])

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.factory.closed.callback((wasClean, code))


class WebSocketTests(ProxyTestCase):
    """Autobahn at both ends."""

    async def test_messages_come_back_and_the_end_is_clean(self) -> None:
        server = WebSocketServerFactory()
        server.protocol = Echo
        port = reactor.listenTCP(0, server, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        proxy = self.proxy(config(f"http://127.0.0.1:{port.getHost().port}"))
        headers = {"X-Routing-Key": "acme"}
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{proxy.port}/chat", headers=headers)
        factory.protocol = Talker
        factory.echoed = []
        factory.closed = Deferred()
        await TCP4ClientEndpoint(reactor, "127.0.0.1", proxy.port).connect(factory)
        self.assertEqual(await factory.closed.addTimeout(BOUND_S, reactor), (True, 1000))
        self.assertEqual(factory.echoed, MESSAGES)
        (line,) = await proxy.logged()
        self.assertEqual((line["status"], line["placement"]), (101, "tier1"))
