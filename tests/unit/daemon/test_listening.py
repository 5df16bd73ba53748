"""Listening, and the one line that says why it is impossible."""

import errno
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.listening import ListenerService
from tests.support.logs import CapturedLog


class BusyReactor(MemoryReactor):
    """Every port is taken."""

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> Any:
        raise CannotListenError(interface, port, OSError(errno.EADDRINUSE, "Address already in use"))


def listener(reactor: MemoryReactor, description: str = "tcp:8080:interface=127.0.0.1") -> ListenerService:
    """Make the service of a data port."""
    return ListenerService(reactor, description, Factory(), "data port", "--port", "cellrouter-dp")


class ListenerTests(SynchronousTestCase):
    """A port as a service."""

    def test_it_listens_when_it_is_started_and_says_where(self) -> None:
        log = CapturedLog(self)
        reactor = MemoryReactor()
        service = listener(reactor)
        self.assertIsNone(service.address)
        service.privilegedStartService()
        self.assertEqual(len(reactor.tcpServers), 1)
        self.assertIsNotNone(service.address)
        self.assertIn("data port listening on ", log.text)

    def test_many_clients_may_wait_unless_the_endpoint_says_otherwise(self) -> None:
        for description, backlog in (("tcp:8080", 1024), ("tcp:8080:backlog=7", 7)):
            reactor = MemoryReactor()
            listener(reactor, description).privilegedStartService()
            self.assertEqual(reactor.tcpServers[0][2], backlog)

    def test_a_port_that_is_taken_is_one_line(self) -> None:
        service = listener(BusyReactor())
        exit_ = self.assertRaises(SystemExit, service.privilegedStartService)
        self.assertEqual(
            exit_.code,
            "cellrouter-dp: --port: cannot listen on tcp:8080:interface=127.0.0.1: Address already in use",
        )

    def test_a_bad_endpoint_is_one_line_before_anything_listens(self) -> None:
        for description in (
            "tcp:x",
            "nonsense:1",
            "tcp:80:bogus=1",
            "systemd:domain=INET:index=0",
            "ssl:443:privateKey=/does/not/exist",
        ):
            exit_ = self.assertRaises(SystemExit, listener, MemoryReactor(), description)
            self.assertIn(f"cellrouter-dp: --port: {description} is not a usable endpoint: ", str(exit_.code))

    def test_stopping_closes_the_port_once(self) -> None:
        service = listener(MemoryReactor())
        service.privilegedStartService()
        self.successResultOf(service.stopService())
        self.assertIsNone(service.address)
        self.successResultOf(service.stopService())
