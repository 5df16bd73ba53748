"""Several control planes, each attempt to connect taking the next."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from cellrouter.dataplane.connection import ConnectionFactory
from cellrouter.dataplane.credentials import Way
from cellrouter.dataplane.urls import ControlPlaneUrl

FindWay = Callable[[ControlPlaneUrl], Coroutine[Any, Any, Way]]


@define
class Target:
    """One control plane.

    :ivar url: where it is.
    :ivar factory: makes the connections' protocols.
    :ivar way: how it was tried to be reached last, if it was.
    """

    url: ControlPlaneUrl
    factory: ConnectionFactory
    way: Way | None = None

    def explain(self, reason: str) -> str:
        """Say more of why the last connection failed."""
        return reason if self.way is None else self.way.explain(reason)


@implementer(IStreamClientEndpoint, IProtocolFactory)
class Rotation:
    """Several control planes as one endpoint and one factory: each attempt takes the next.

    Both in one because the protocol must fit the target; ``ClientService`` makes one attempt at a time.

    :ivar current: the control plane of the last attempt.

    :param targets: at least one.
    :param find_way: finds the way to each, anew for each attempt.
    :param failed: gets the reason of each attempt that did not connect.
    """

    def __init__(
        self, targets: Sequence[Target], find_way: FindWay, failed: Callable[[Target, Failure], object]
    ) -> None:
        self._targets = targets
        self._find_way = find_way
        self._failed = failed
        self._attempts = 0
        self.current = targets[0]

    def __repr__(self) -> str:
        """Name the next target, for the log of ``ClientService``."""
        return self._next.url.text

    @property
    def _next(self) -> Target:
        return self._targets[self._attempts % len(self._targets)]

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """Connect to the next target."""
        self.current = self._next
        self._attempts += 1
        return Deferred.fromCoroutine(self._connect(self.current, factory)).addErrback(self._tell)

    async def _connect(self, target: Target, factory: IProtocolFactory) -> IProtocol:
        target.way = None
        target.way = await self._find_way(target.url)
        target.factory.headers = dict(target.way.headers)
        connected: IProtocol = await target.way.endpoint.connect(factory)
        return connected

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """Make the protocol of the current target's connection."""
        return self.current.factory.buildProtocol(addr)

    def doStart(self) -> None:
        """Do nothing; part of the interface."""

    def doStop(self) -> None:
        """Do nothing; part of the interface."""

    def _tell(self, failure: Failure) -> Failure:
        self._failed(self.current, failure)
        return failure
