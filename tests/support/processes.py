"""Real child processes for tests: started by twistd or otherwise, watched by events, never left behind."""

import atexit
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import treq
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    ProcessExitedAlready,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.client import ResponseFailed, ResponseNeverReceived

import cellrouter

TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")
ON_LOOPBACK = "tcp:0:interface=127.0.0.1"
DEFAULT_TIMEOUT_S = 30.0
RETRY_S = 0.02
INHERITED = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
NO_ANSWER = (
    *(ConnectError, ConnectingCancelledError, ConnectionClosed),
    *(ResponseFailed, ResponseNeverReceived, CancelledError),
)
_running: "set[Child]" = set()


class EndedTooSoonError(AssertionError):
    """A process ended, or its time ran out, before it wrote what a test waits for."""


@define(eq=False)
class Child(ProcessProtocol):
    """One child process.

    :ivar stdout: everything it wrote there so far.
    :ivar stderr: everything it wrote there so far.
    :ivar status: its exit status once it ended; minus the signal's number when a signal ended it.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    status: int | None = None
    _waiters: "list[_Waiter]" = field(factory=list)
    _ended: "list[Deferred[int]]" = field(factory=list)

    @property
    def pid(self) -> int:
        """The process ID."""
        return self.transport.pid

    async def until_logged(
        self, pattern: str, times: int = 1, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> re.Match[bytes]:
        """Wait until standard error holds a regular expression.

        :param pattern: looked for in all that was written, multi-line.
        :param times: how many matches there must be.
        :param timeout_s: seconds after which the wait fails.
        :returns: the match with that number.
        :raises EndedTooSoonError: with all of its standard error.
        """
        return await self._wait("stderr", pattern, times, timeout_s)

    async def until_printed(
        self, pattern: str, times: int = 1, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> re.Match[bytes]:
        """Wait until standard output holds a regular expression; as :meth:`until_logged`."""
        return await self._wait("stdout", pattern, times, timeout_s)

    async def port(self, name: str) -> int:
        """Wait until it announces a port.

        :param name: what it calls the port, as a regular expression: ``data port`` for
            ``data port listening on 127.0.0.1:43211``.
        :returns: the port's number.
        """
        return int((await self.until_logged(rf"{name}\b.* listening on \S*:(\d+)"))[1])

    async def until_ended(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> int:
        """Wait until it has ended and its output is complete.

        :param timeout_s: seconds after which the wait fails.
        :returns: :attr:`status`.
        :raises EndedTooSoonError: when it does not end in time.
        """
        if self.status is None:
            ended: Deferred[int] = Deferred()
            self._ended.append(ended)
            ended.addTimeout(timeout_s, reactor, self._out_of_time("the end"))
            await ended
        return self.status

    def signal(self, name: str) -> None:
        """Send a signal, ``TERM`` or ``KILL`` or another; nothing happens when it has ended."""
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            return

    async def stop(self, name: str = "TERM") -> int:
        """Send a signal and wait for the end.

        :param name: which signal.
        :returns: :attr:`status`.
        """
        self.signal(name)
        return await self.until_ended()

    def connectionMade(self) -> None:
        _running.add(self)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self.stdout += data
        self._tell()

    def errReceived(self, data: bytes) -> None:
        self.stderr += data
        self._tell()

    def processEnded(self, reason: Failure) -> None:
        _running.discard(self)
        ended = reason.value
        self.status = -ended.signal if ended.signal else ended.exitCode
        for waiter in self._waiters.copy():
            waiter.found.errback(
                self._too_soon(f"it ended with {self.status}", waiter.pattern.pattern.decode())
            )
        for deferred in self._ended.copy():
            if not deferred.called:
                deferred.callback(self.status)

    async def _wait(self, stream: str, pattern: str, times: int, timeout_s: float) -> re.Match[bytes]:
        waiter = _Waiter(stream, re.compile(pattern.encode(), re.MULTILINE), times)
        self._waiters.append(waiter)
        self._tell()
        if not waiter.found.called and self.status is not None:
            raise self._too_soon(f"it ended with {self.status}", pattern)
        waiter.found.addTimeout(timeout_s, reactor, self._out_of_time(pattern))
        try:
            return await waiter.found
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _tell(self) -> None:
        for waiter in self._waiters.copy():
            match = waiter.look(getattr(self, waiter.stream))
            if match is not None:
                self._waiters.remove(waiter)
                waiter.found.callback(match)

    def _out_of_time(self, awaited: str):
        def tell(failure: Failure, timeout_s: float) -> None:
            failure.trap(CancelledError)
            raise self._too_soon(f"it ran for {timeout_s} s", awaited)

        return tell

    def _too_soon(self, what: str, awaited: str) -> EndedTooSoonError:
        stdout, stderr = (stream.decode(errors="replace") for stream in (self.stdout, self.stderr))
        return EndedTooSoonError(f"{what} before {awaited!r}\nstdout:\n{stdout[-4000:]}\nstderr:\n{stderr}")


@define(eq=False)
class _Waiter:
    """Somebody who waits for output."""

    stream: str
    pattern: re.Pattern[bytes]
    times: int
    found: "Deferred[re.Match[bytes]]" = field(factory=Deferred)

    def look(self, output: bytes) -> re.Match[bytes] | None:
        """Find the match that is waited for."""
        for number, match in enumerate(self.pattern.finditer(output), 1):
            if number == self.times:
                return match
        return None


def start(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    child: Child | None = None,
) -> Child:
    """Start a process without a terminal.

    :param arguments: the program and its arguments.
    :param folder: its working directory and its home, so that nothing of the user's is read or written.
    :param environment: variables for it; it inherits none but ``PATH`` and what coverage needs.
    :param child: takes its output, if that is not simply to be kept.
    :returns: the process; who calls this must end it (:class:`ProcessTestCase` does).
    """
    child = child or Child()
    complete = {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        # The child imports the package that the tests import, be it the checkout or an installed wheel.
        "PYTHONPATH": str(Path(cellrouter.__file__).parents[1]),
        **(environment or {}),
    }
    reactor.spawnProcess(child, arguments[0], list(arguments), env=complete, path=str(folder))
    return child


def programs(folder: Path) -> Path:
    """Make a folder with the programs that an installation has on its path, run by this Python.

    :param folder: where to make it.
    :returns: it, to be put in front of ``PATH``.
    """
    scripts = folder / "bin"
    scripts.mkdir()
    commands = {
        "python": sys.executable,
        "cellrouter": f"{sys.executable} -m cellrouter.cli",
        "twistd": f'{sys.executable} -c "from twisted.scripts.twistd import run; run()"',
    }
    for name, command in commands.items():
        (scripts / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (scripts / name).chmod(0o755)
    return scripts


async def until(condition: Callable[[], bool], timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
    """Look again and again until a condition holds that nothing tells of.

    :param condition: what must hold.
    :param timeout_s: seconds after which to give up.
    :raises EndedTooSoonError: when the time is over.
    """
    end = reactor.seconds() + timeout_s
    while not condition():
        if reactor.seconds() > end:
            raise EndedTooSoonError(f"the condition did not hold within {timeout_s} s")
        await deferLater(reactor, RETRY_S)


async def until_answers(url: str, status: int = 200, timeout_s: float = DEFAULT_TIMEOUT_S) -> bytes:
    """Ask a URL again and again until it answers as wanted.

    :param url: what to GET.
    :param status: the wanted status; any other, or no answer, means to ask again.
    :param timeout_s: seconds after which to give up.
    :returns: the body.
    :raises EndedTooSoonError: when the time is over, with the last answer.
    """
    end = reactor.seconds() + timeout_s
    while True:
        try:
            response = await treq.get(url, persistent=False, timeout=DEFAULT_TIMEOUT_S)
            body = await response.content()
            if response.code == status:
                return body
            last = f"{response.code}: {body!r}"
        except NO_ANSWER as error:
            last = repr(error)
        if reactor.seconds() > end:
            raise EndedTooSoonError(f"GET {url} did not answer {status} in {timeout_s} s; last: {last}")
        await deferLater(reactor, RETRY_S)


class ProcessTestCase(TestCase):
    """A test with a folder of its own and processes that end with it.

    :ivar folder: working directory and home of the processes; removed with the test.
    """

    timeout = 120.0

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory(prefix="cellrouter-")))

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start a process that is killed at the latest when the test ends; see :func:`start`."""
        child = start(arguments, self.folder, environment)
        self.addCleanup(lambda: Deferred.fromCoroutine(child.stop("KILL")))
        return child

    def start_daemon(
        self, name: str, *options: str, environment: Mapping[str, str] | None = None, state: str = "state"
    ) -> Child:
        """Start ``twistd -n cellrouter-dp`` or ``cellrouter-cp``.

        :param name: the daemon.
        :param options: its options; ``--port`` with :data:`ON_LOOPBACK` takes any free port.
        :param environment: its environment variables.
        :param state: the name of its state folder in :attr:`folder`; another one makes another daemon.
        :returns: the process, not yet listening: wait for :meth:`Child.port`.
        """
        arguments = (*TWISTD, "-n", "--pidfile=", name, "--state-dir", str(self.folder / state), *options)
        return self.start(*arguments, environment=environment)

    def start_data_plane(self, *options: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start a data plane with its data and its admin port on free ports of loopback."""
        ports = ("--port", ON_LOOPBACK, "--admin", ON_LOOPBACK)
        return self.start_daemon("cellrouter-dp", *ports, *options, environment=environment, state="dp")

    def start_control_plane(self, *options: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start a control plane on a free port of loopback."""
        ports = ("--port", ON_LOOPBACK)
        return self.start_daemon("cellrouter-cp", *ports, *options, environment=environment, state="cp")


@atexit.register
def _kill_what_is_left() -> None:
    """End what a test run that was cut short left running."""
    for child in _running:
        os.kill(child.pid, signal.SIGKILL)
