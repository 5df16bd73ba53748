"""The end of a data plane: finish what is in flight, take nothing new."""

from contextlib import suppress
from enum import Enum
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as OutOfTime
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger


class Phase(Enum):
    """How far the drain is. It only ever goes forward."""

    ACCEPTING = "accepting"
    """Everything is served."""

    ANNOUNCED = "announced"
    """Everything is served still, while ``/readyz`` tells load balancers to send no more."""

    FINISHING = "finishing"
    """The port is closed; exchanges in flight go on."""

    DONE = "done"
    """Nothing is in flight."""


class Drainable(Protocol):
    """What is drained: the proxy engine."""

    @property
    def in_flight(self) -> int:
        """How many exchanges are in flight."""

    def begin_drain(self) -> None:
        """Let every connection end with the exchange it is in."""

    def drained(self) -> "Deferred[None]":
        """Fire when nothing is in flight."""

    def abort_all(self) -> int:
        """Abort what is in flight; return how many exchanges that were."""


class Port(Protocol):
    """The data port."""

    def privilegedStartService(self) -> None:
        """Listen."""

    def startService(self) -> None:
        """Begin."""

    def stopService(self) -> "Deferred[None]":
        """Close the port; connections that were accepted go on."""


class Drain(Service):
    """The data port as a service that drains when it is stopped.

    :ivar phase: how far it is.

    :param listener: the data port.
    :param engine: what is in flight.
    :param clock: measures.
    :param delay_s: seconds between the announcement and the closing of the port.
    :param timeout_s: seconds that exchanges in flight get from then on.
    """

    log = Logger()

    def __init__(
        self, listener: Port, engine: Drainable, clock: IReactorTime, delay_s: float, timeout_s: float
    ) -> None:
        self.phase = Phase.ACCEPTING
        self._listener = listener
        self._engine = engine
        self._clock = clock
        self._delay_s = delay_s
        self._timeout_s = timeout_s

    def privilegedStartService(self) -> None:
        """Listen."""
        Service.privilegedStartService(self)
        self._listener.privilegedStartService()

    def startService(self) -> None:
        """Begin."""
        Service.startService(self)
        self._listener.startService()

    def stopService(self) -> "Deferred[None]":
        """Drain.

        :returns: a Deferred that fires when nothing is in flight.
        """
        Service.stopService(self)
        return Deferred.fromCoroutine(self._drain())

    async def _drain(self) -> None:
        self.phase = Phase.ANNOUNCED
        if self._delay_s:
            self.log.info("draining: the data port closes in {delay} s", delay=self._delay_s)
            await deferLater(self._clock, self._delay_s)
        await self._listener.stopService()
        self.phase = Phase.FINISHING
        self._engine.begin_drain()
        if self._engine.in_flight:
            self.log.info(
                "draining: {count} exchanges in flight get {timeout} s",
                count=self._engine.in_flight,
                timeout=self._timeout_s,
            )
        # Also with none in flight: the last answers may still be on their way to slow clients.
        await self._wait()
        aborted = self._engine.abort_all()
        if aborted:
            self.log.warn("drained: {count} exchanges were aborted", count=aborted)
        else:
            self.log.info("drained: nothing is in flight")
        self.phase = Phase.DONE

    async def _wait(self) -> None:
        drained = self._engine.drained()
        drained.addTimeout(self._timeout_s, self._clock)
        with suppress(OutOfTime):
            await drained
