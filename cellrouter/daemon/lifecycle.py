"""How a daemon starts and ends: its place in twistd, the signals, the order of stopping."""

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from twisted.application.service import IServiceCollection, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from cellrouter.daemon.logs import LineLog
from cellrouter.daemon.options import DaemonOptions

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class DaemonService(MultiService):
    """A daemon's services under one roof.

    Services start in the order in which they were added and stop in the reverse order, each when the one
    before it has stopped. The first SIGTERM or SIGINT stops them, after which the program ends with status
    0; a second ends it at once.

    :param options: say where to log.
    :param reactor: is stopped by the signals.
    :param exit_now: ends the process without further ado.
    """

    log = Logger()

    def __init__(
        self, options: DaemonOptions, reactor: Any, exit_now: Callable[[int], object] = os._exit
    ) -> None:
        MultiService.__init__(self)
        self._logs_to_stderr = options.logs_to_stderr
        self._reactor = reactor
        self._exit_now = exit_now
        self._stopping = False

    def setServiceParent(self, parent: IServiceCollection) -> None:
        """Join twistd's application, and give it our log unless the operator chose another."""
        if self._logs_to_stderr and isinstance(parent, Componentized):
            Componentized.setComponent(parent, ILogObserver, LineLog())
        MultiService.setServiceParent(self, parent)

    def privilegedStartService(self) -> None:
        """Start what needs privileges."""
        # While it starts, the reactor puts handlers of its own into place, which make twistd end with another
        # status than 0. A signal that comes before ours are there waits for them.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._reactor.callWhenRunning(self._take_signals)
        MultiService.privilegedStartService(self)

    def stopService(self) -> "Deferred[None]":
        """Stop every service.

        :returns: a Deferred that fires when all have stopped; what went wrong with one is logged.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        # What MultiService does and Service does not need: all that is left of both here is the flag.
        self.running = 0
        for service in reversed(list(self)):
            try:
                await maybeDeferred(service.stopService)
            except Exception:
                # The others are to be stopped all the same.
                self.log.failure("stopping {service} failed", service=service)

    def _take_signals(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._signalled)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            self._exit_now(128 + number)
            return
        self._stopping = True
        self._reactor.callFromThread(self._begin_stop, number)

    def _begin_stop(self, number: int) -> None:
        self.log.info("{signal}: stopping; a second signal ends at once", signal=signal.Signals(number).name)
        self._reactor.stop()
