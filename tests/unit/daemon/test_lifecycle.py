"""How a daemon starts and ends."""

import signal

from twisted.application.service import Application, Service
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.lifecycle import SIGNALS, DaemonService
from cellrouter.daemon.logs import LineLog
from tests.unit.daemon.test_options import Parent, read


class Reactor(MemoryReactorClock):
    """Remember that it was stopped, and call from threads at once."""

    stops = 0

    def stop(self) -> None:
        self.stops += 1

    def callFromThread(self, callable_: object, *arguments: object) -> None:
        callable_(*arguments)  # type: ignore[operator]  # as the interface has it


class Part(Service):
    """A service that stops when it is told."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.part = name
        self.diary = diary
        self.stopped: Deferred[None] = Deferred()

    def startService(self) -> None:
        self.diary.append(f"{self.part} starts")

    def stopService(self) -> "Deferred[None]":
        self.diary.append(f"{self.part} stops")
        return self.stopped


class DaemonServiceTests(SynchronousTestCase):
    """The top of a daemon's services."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.exits: list[int] = []
        self.daemon = self.make(Parent(nodaemon=1))
        for number in SIGNALS:
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def make(self, parent: Parent) -> DaemonService:
        return DaemonService(read(parent=parent), self.reactor, self.exits.append)

    def test_parts_stop_one_after_the_other_the_last_first(self) -> None:
        diary: list[str] = []
        first, second = Part("first", diary), Part("second", diary)
        first.setServiceParent(self.daemon)
        second.setServiceParent(self.daemon)
        self.daemon.startService()
        stopping = self.daemon.stopService()
        self.assertEqual(diary, ["first starts", "second starts", "second stops"])
        second.stopped.callback(None)
        self.assertEqual(diary[-1], "first stops")
        self.assertNoResult(stopping)
        first.stopped.callback(None)
        self.successResultOf(stopping)

    def test_a_part_that_fails_to_stop_is_logged_and_the_others_stop(self) -> None:
        diary: list[str] = []
        first, second = Part("first", diary), Part("second", diary)
        first.setServiceParent(self.daemon)
        second.setServiceParent(self.daemon)
        stopping = self.daemon.stopService()
        second.stopped.errback(ZeroDivisionError())
        first.stopped.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def run_reactor(self) -> None:
        # As Twisted's reactors do while they start.
        signal.signal(signal.SIGTERM, lambda number, frame: self.exits.append(-number))
        for run, arguments, keywords in self.reactor.whenRunningHooks:
            run(*arguments, **keywords)

    def start(self) -> None:
        self.addCleanup(signal.pthread_sigmask, signal.SIG_UNBLOCK, SIGNALS)
        self.daemon.privilegedStartService()
        self.run_reactor()

    def test_the_first_signal_stops_the_reactor(self) -> None:
        self.start()
        signal.raise_signal(signal.SIGTERM)
        self.assertEqual((self.reactor.stops, self.exits), (1, []))

    def test_the_second_signal_ends_at_once(self) -> None:
        self.start()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        self.assertEqual((self.reactor.stops, self.exits), (1, [128 + signal.SIGINT]))

    def test_a_signal_before_the_reactor_runs_counts_too(self) -> None:
        self.addCleanup(signal.pthread_sigmask, signal.SIG_UNBLOCK, SIGNALS)
        self.daemon.privilegedStartService()
        signal.raise_signal(signal.SIGTERM)
        self.assertEqual(self.reactor.stops, 0)
        self.run_reactor()
        self.assertEqual((self.reactor.stops, self.exits), (1, []))

    def test_the_application_logs_our_way(self) -> None:
        application = Application("x")
        self.daemon.setServiceParent(application)
        self.assertIsInstance(application.getComponent(ILogObserver), LineLog)

    def test_the_application_logs_as_the_operator_chose(self) -> None:
        application = Application("x")
        self.make(Parent(nodaemon=1, logfile="x.log")).setServiceParent(application)
        self.assertIsNone(application.getComponent(ILogObserver, None))
