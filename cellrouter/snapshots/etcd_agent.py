"""Sends HTTP requests to etcd, or to whoever is where etcd should be.

Twisted's own ``Agent`` is used rather than treq: what treq adds to it (redirects, cookies, unpacking) is what
nobody wants of a peer that is not trusted. What it leaves open is how long the head of an answer may be.
"""

from typing import TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime, ITCPTransport
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.client import Agent, HTTPConnectionPool, _HTTP11ClientFactory
from twisted.web.iweb import IResponse

MAX_HEAD_BYTES = 64 * 1024

T = TypeVar("T")


def bounded_agent(reactor: IReactorTime) -> Agent:
    """Make an agent that opens a connection for each request, and logs none of them.

    :param reactor: connects.
    """
    pool = HTTPConnectionPool(reactor, persistent=False)
    pool._factory = _QuietFactory
    return Agent(reactor, pool=pool)


class _BoundedProtocol(HTTP11ClientProtocol):
    """Gives up when the head of an answer, or what is sent instead of one, does not end."""

    _answered = False
    _head_bytes = 0

    def request(self, request: Request) -> "Deferred[IResponse]":
        """Send a request."""
        answer: Deferred[IResponse] = super().request(request)
        return answer.addBoth(self._done)

    def dataReceived(self, data: bytes) -> None:
        """Take a piece of the answer."""
        if not self._answered and self._head_bytes > MAX_HEAD_BYTES:
            cast(ITCPTransport, self.transport).abortConnection()
            return
        # A piece may have the end of the head in it, and much of the body.
        self._head_bytes += len(data)
        super().dataReceived(data)

    def _done(self, result: T) -> T:
        self._answered = True
        return result


class _QuietFactory(_HTTP11ClientFactory):
    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> HTTP11ClientProtocol:
        return _BoundedProtocol(self._quiescentCallback)
