"""The connection to the control planes: which one, when to try again, and how it stands."""

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen
from twisted.application.internet import ClientService, backoffPolicy
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

import cellrouter
from cellrouter.daemon.text import escaped
from cellrouter.daemon.work import Worker
from cellrouter.dataplane.applier import Answer, Applier
from cellrouter.dataplane.complaints import Complaints
from cellrouter.dataplane.connection import ConnectionFactory, ControlPlaneConnection
from cellrouter.dataplane.delivery import Delivery
from cellrouter.dataplane.rotation import FindWay, Rotation, Target
from cellrouter.dataplane.urls import ControlPlaneUrl
from cellrouter.wire import Hello, Status

STATUS_DELAY_S = 1.0
"""How long after a change the status is told, so that many changes are one message."""

FIRST_DELAY_S = 1.0
MAX_DELAY_S = 60.0

MAX_REASON_CHARS = 400

SOFTWARE = f"cellrouter/{cellrouter.__version__}"


class Backoff:
    """How long to wait before the next attempt: 1, 2, 4 ... 60 seconds, up to half as much more at random.

    At least it is up to a second more, so that a fleet that has lost its control plane does not come back at
    the same moment; and the longer the wait, the more that many attempts would otherwise meet.

    ``ClientService`` counts from the last connection that was made. This counts from the last that delivered
    a snapshot, so that a control plane that accepts connections and closes them is not called every second.

    :param jitter: gives a share of the longest that may be added, 0 to 1.
    """

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._policy = backoffPolicy(FIRST_DELAY_S, MAX_DELAY_S, factor=2.0, jitter=lambda: 0.0)
        self._jitter = jitter
        self._fruitless = 0

    def __call__(self, attempt: int) -> float:
        """Return the seconds to wait; a ``retryPolicy`` of ``ClientService``.

        :param attempt: what ``ClientService`` has counted, which is not used.
        """
        delay_s = self._policy(self._fruitless)
        self._fruitless += 1
        return delay_s + self._jitter() * max(1.0, delay_s / 2)

    def reset(self) -> None:
        """Begin at one second again."""
        self._fruitless = 0


@frozen
class ControlPlaneStatus:
    """How the connection stands.

    :ivar connected: whether there is one.
    :ivar url: the control plane it is to, or the last one tried.
    :ivar since: since when it is so, in seconds since the epoch.
    :ivar last_error: why the last attempt or connection ended, if one did.
    """

    connected: bool
    url: str
    since: float
    last_error: str | None


class Node(Protocol):
    """The data plane, as control planes get to know it."""

    def hello(self) -> Hello:
        """Say who we are and what we run."""

    def status(self) -> Status:
        """Say how we are."""


class ControlPlaneClient(Service):
    """Stay connected to one of the control planes and hand its snapshots on.

    It is the owner of its connections, in the sense of :class:`~cellrouter.dataplane.connection.Owner`.

    :param urls: the control planes, at least one.
    :param find_way: finds the way to each, anew for each attempt.
    :param clock: drives keep-alive and new attempts.
    :param work: reads messages.
    :param limit_bytes: the longest message.
    :param applier: takes the snapshots.
    :param complaints: log what a control plane does wrong.
    :param node: speaks for the data plane.
    :param backoff: decides when to try again.
    """

    log = Logger()

    def __init__(
        self,
        urls: Sequence[ControlPlaneUrl],
        find_way: FindWay,
        clock: IReactorTime,
        work: Worker,
        limit_bytes: int,
        applier: Applier,
        complaints: Complaints,
        node: Node,
        backoff: Backoff | None = None,
    ) -> None:
        self.clock = clock
        self.work = work
        self.limit_bytes = limit_bytes
        self.complaints = complaints
        self.hello = node.hello
        self.status = node.status
        self._applier = applier
        self._backoff = backoff or Backoff()
        self._connection: ControlPlaneConnection | None = None
        self._before: ControlPlaneConnection | None = None
        self._status_due: IDelayedCall | None = None
        self.state = ControlPlaneStatus(False, urls[0].text, self.clock.seconds(), None)
        targets = [Target(url, ConnectionFactory(url.text, SOFTWARE, self)) for url in urls]
        self._rotation = Rotation(targets, find_way, self._attempt_failed)
        self._client = ClientService(self._rotation, self._rotation, self._backoff, self.clock)

    def startService(self) -> None:
        """Begin to connect."""
        Service.startService(self)
        self._client.startService()

    def stopService(self) -> "Deferred[None]":
        """Disconnect and finish the snapshot under way."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._connection is not None:
            self._connection.go_away()
            self._connection.forget()
        self._forget_before()
        await self._client.stopService()
        await self._applier.finish()

    def opened(self, connection: ControlPlaneConnection) -> None:
        """Take note of a connection whose handshake is complete.

        What the one before has brought, and is still being read, must not be applied after what this one
        brings.
        """
        self._forget_before()
        self._connection = connection
        url = connection.factory.url
        self.state = ControlPlaneStatus(True, url, self.clock.seconds(), self.state.last_error)
        self.log.info("connected to {url}", url=url)

    def _forget_before(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            before.forget()

    def status_changed(self) -> None:
        """Tell the control plane how we are within a second, not only at the next regular time."""
        if self._connection is not None and self._status_due is None:
            self._status_due = self.clock.callLater(STATUS_DELAY_S, self._tell_status)

    def _tell_status(self) -> None:
        self._status_due = None
        if self._connection is not None:
            self._connection.send(self.status())

    def delivered(self, snapshot: Delivery, answer: Answer) -> None:
        """Hand a snapshot on; the control plane that sent it is worth returning to soon."""
        self._backoff.reset()
        self._applier.submit(snapshot, answer)

    def ended(self, connection: ControlPlaneConnection, reason: str) -> None:
        """Take note of the end of a connection, opened or not."""
        reason = self._rotation.current.explain(reason)
        self._note_failure(connection.factory.url, reason, connection is self._connection)
        self._before, self._connection = self._connection or self._before, None
        if self._status_due is not None:
            self._status_due.cancel()
            self._status_due = None

    def _attempt_failed(self, target: Target, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._note_failure(target.url.text, failure.getErrorMessage(), False)

    def _note_failure(self, url: str, reason: str, was_connected: bool) -> None:
        reason = escaped(reason[:MAX_REASON_CHARS]).rstrip(".")
        since = self.clock.seconds() if self.state.connected else self.state.since
        self.state = ControlPlaneStatus(False, url, since, reason)
        if self.running:
            what = "connection to {url} lost" if was_connected else "cannot connect to {url}"
            self.log.warn(what + ": {reason}; the active config stays", url=url, reason=reason)
