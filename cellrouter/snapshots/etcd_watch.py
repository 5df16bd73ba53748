"""Keeps a watch of a document in etcd open, so that a change is known at once.

It says no more than that there may be something new: whoever hears it reads the document. A change that the
watch has missed is found by reading now and then, and then the watch is opened anew: nothing else tells a
watch that has gone dead from one that has nothing to say.
"""

from collections.abc import Callable
from enum import Enum

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from cellrouter.snapshots.etcd import EtcdDocument
from cellrouter.snapshots.etcd_codec import Compacted, EtcdUnusable

RETRY_S = 1.0


class WatchState(Enum):
    """Where the watch stands.

    STOPPED: it is not wanted. OPEN: etcd was asked for it, and tells of changes. WAITING: it is over, and is
    opened anew in a moment.
    """

    STOPPED = "stopped"
    OPEN = "open"
    WAITING = "waiting"


class EtcdWatch(Service):
    """Watch a document for as long as the service runs.

    :ivar state: where it stands.

    :param document: it.
    :param clock: times the attempts.
    :param since: tells the revision of the store from which on changes are of interest.
    :param changed: called when there may be something new.
    """

    log = Logger()

    def __init__(
        self,
        document: EtcdDocument,
        clock: IReactorTime,
        since: Callable[[], int],
        changed: Callable[[], object],
    ) -> None:
        self.state = WatchState.STOPPED
        self._document = document
        self._clock = clock
        self._since = since
        self._changed = changed
        self._current: Deferred[None] | None = None
        self._ended: Deferred[None] | None = None

    def startService(self) -> None:
        """Open it."""
        Service.startService(self)
        self._ended = Deferred.fromCoroutine(self._run()).addErrback(self._failed)

    def stopService(self) -> "Deferred[None] | None":
        """Close it.

        :returns: a Deferred that fires when it is closed.
        """
        Service.stopService(self)
        self._cancel()
        return self._ended

    def renew(self) -> None:
        """Open it anew: it has missed something, or nothing has come of etcd for too long."""
        if self.state is WatchState.OPEN:
            self._cancel()

    def _cancel(self) -> None:
        if self._current is not None:
            self._current.cancel()

    async def _run(self) -> None:
        while self.running:
            self.state = WatchState.OPEN
            self._current = self._document.watch(self._since(), self._changed)
            try:
                await self._current
            except Compacted:
                self._changed()
            except EtcdUnusable:
                # What can be done about it whoever reads the document says.
                self._changed()
            except CancelledError:
                # By stopService or renew: the loop ends, or opens another one.
                pass
            if self.running:
                self.state = WatchState.WAITING
                self._current = deferLater(self._clock, RETRY_S)
                await self._current
        self.state = WatchState.STOPPED

    def _failed(self, failure: Failure) -> None:
        self.state = WatchState.STOPPED
        if not failure.check(CancelledError):
            self.log.failure("watching etcd failed; changes are found by reading", failure)
