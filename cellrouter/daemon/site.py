"""The sites of both daemons: a request has a minute to arrive, and no more visitors come than fit."""

import resource
from typing import Any, cast

from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Site

MOST_VISITORS = 10_000

LINGER_S = 60.0


class PunctualChannel(HTTPChannel):
    """A connection on which each request has a minute to arrive as a whole, and the last answer to leave.

    By itself twisted.web begins that minute anew with each byte, so that a byte a minute would do; and who
    asks for the connection to be closed after an answer, and does not take that, keeps both for ever.
    """

    site: "QuietSite"
    _lingering: IDelayedCall | None = None

    def resetTimeout(self) -> None:
        """Go on with the minute that has begun."""

    def connectionMade(self) -> None:
        """Begin."""
        HTTPChannel.connectionMade(self)
        self.site.came(self)

    def loseConnection(self) -> None:
        """End once everything has left, or a minute is over."""
        if self._lingering is None:
            self._lingering = self.callLater(LINGER_S, self._give_up)
        HTTPChannel.loseConnection(self)

    def _give_up(self) -> None:
        self._lingering = None
        cast(ITCPTransport, self.transport).abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End."""
        self.site.left(self)
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        HTTPChannel.connectionLost(self, reason)


class QuietSite(Site):
    """A site that writes no access log, which health checks would fill, and has room for whoever comes next.

    When too many have come, whoever has been connected the longest has to go: so nobody can occupy every
    file descriptor by doing nothing, and keep others out.

    :param resource: the root.
    :param reactor: times connections.
    :param most_visitors: how many connections there may be; None for half of what the system lets us have, at
        most 10,000.
    """

    noisy = False
    # As Twisted itself does.
    protocol = PunctualChannel  # type: ignore[assignment]

    def __init__(self, resource: IResource, *, reactor: Any, most_visitors: int | None = None) -> None:
        super().__init__(resource, reactor=reactor)
        self._most_visitors = most_visitors or min(MOST_VISITORS, _files() // 2)
        self._visitors: dict[PunctualChannel, None] = {}

    def log(self, request: object) -> None:
        """Write nothing."""

    def came(self, visitor: PunctualChannel) -> None:
        """Take note of a connection, and end another one if need be."""
        self._visitors[visitor] = None
        if len(self._visitors) > self._most_visitors:
            longest = next(iter(self._visitors))
            del self._visitors[longest]
            cast(ITCPTransport, longest.transport).abortConnection()

    def left(self, visitor: PunctualChannel) -> None:
        """Take note that a connection has ended, or is no longer the site's."""
        self._visitors.pop(visitor, None)


def _files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
