"""Runs functions in child processes, so that no work of theirs keeps the event loop waiting.

A thread would not do: reading and writing JSON holds Python's lock for as long as a document is long.
"""

import os
import pickle
import sys
from collections.abc import Callable
from typing import Any, cast

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IProcessTransport, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

TIMEOUT_S = 60.0
"""How long a call may take; checking the largest config that is allowed by default takes a tenth of it."""

MAX_WAITING = 20
MAX_COMPLAINT_BYTES = 4096
COMMAND = (sys.executable, "-P", "-m", "cellrouter.daemon.child")

InChild = Callable[..., "Deferred[Any]"]
"""Run a function of a module with its arguments in a child process: a Deferred of its result."""


class ChildReactor(IProcessTransport, IReactorProcess, IReactorTime):
    """What is needed of a reactor."""


class ChildFailed(Exception):
    """A child process ended without an answer; the message says how."""


class CannotStart(ChildFailed):
    """There is no child process; the message says why."""


class Stopping(ChildFailed):
    """The daemon is stopping, and its children with it."""

    def __init__(self) -> None:
        super().__init__("the daemon is stopping")


class Busy(ChildFailed):
    """Too many are waiting already."""


def turn(line: DeferredLock, limit: int, what: str) -> DeferredLock:
    """Get in a line that is not to grow: each who waits keeps in memory what it came with.

    :param line: whoever holds it has its turn.
    :param limit: how many may wait.
    :param what: what waits there.
    :returns: the line, for ``async with``.
    :raises Busy: when it is too long.
    """
    if len(line.waiting) >= limit:
        raise Busy(f"{limit} {what} are waiting already; try again")
    return line


class Children(Service):
    """Run functions in child processes, one at a time and in the order in which they are asked for.

    Each call has a process of its own: nothing is left behind by one, neither memory nor a broken state.

    :param reactor: starts the processes.
    :param command: the program, which does as :mod:`~cellrouter.daemon.child` does.
    """

    def __init__(self, reactor: ChildReactor, command: tuple[str, ...] = COMMAND) -> None:
        self._reactor = reactor
        self._command = command
        self._lock = DeferredLock()
        self._current: _Child | None = None

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> "Deferred[Any]":
        """Call a function.

        :param function: one that can be imported.
        :param arguments: what can be pickled.
        :returns: a Deferred of what it returns or raises, whose cancelling ends the process; it fails with
            :exc:`ChildFailed` when the process does neither, and
            :exc:`Busy` when too many others are waiting.
        """
        return Deferred.fromCoroutine(self._run(function, arguments))

    def stopService(self) -> None:
        """End the child that runs; its call and those that wait fail."""
        Service.stopService(self)
        if self._current is not None:
            self._current.kill(Stopping())

    async def _run(self, function: Callable[..., Any], arguments: tuple[object, ...]) -> Any:
        async with turn(self._lock, MAX_WAITING, "calls"):
            if not self.running:
                raise Stopping
            self._current = child = _Child(pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL))
            too_long = ChildFailed(f"it took longer than {TIMEOUT_S:g} s")
            timeout = self._reactor.callLater(TIMEOUT_S, child.kill, too_long)
            try:
                self._reactor.spawnProcess(child, self._command[0], self._command, env=_environment())
                answer = await child.ended
            except OSError as error:
                raise CannotStart(f"a child process cannot be started: {error.strerror}") from None
            except CancelledError:
                child.kill(ChildFailed("nobody waits for it any more"))
                await child.gone
                raise
            finally:
                self._current = None
                _cancel(timeout)
        returned, value = _read_answer(answer)
        if not returned:
            raise value
        return value


def _read_answer(answer: bytes) -> tuple[bool, Any]:
    try:
        returned, value = pickle.loads(answer)
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise ChildFailed(f"its answer cannot be read: {error}") from None
    return returned, value


def _environment() -> dict[str, str]:
    """Let the child import what we import, and nothing from the folder it happens to run in."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _cancel(call: IDelayedCall) -> None:
    if call.active():
        call.cancel()


@define(eq=False)
class _Child(ProcessProtocol):
    """One process.

    :ivar ended: fires with what it wrote, or fails with :exc:`ChildFailed`.
    :ivar gone: fires when it is gone, after the other.

    :param question: what it is sent.
    """

    question: bytes
    ended: "Deferred[bytes]" = field(factory=Deferred)
    gone: "Deferred[None]" = field(factory=Deferred)
    _answer: list[bytes] = field(factory=list)
    _complaint: bytes = b""
    _killed_because: ChildFailed | None = None

    @property
    def _process(self) -> IProcessTransport:
        return cast(IProcessTransport, self.transport)

    def connectionMade(self) -> None:
        """Send the question."""
        transport = self._process
        transport.write(self.question)
        transport.closeStdin()
        self.question = b""

    def outReceived(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self._answer.append(data)

    def errReceived(self, data: bytes) -> None:
        """Take what only a defect has it say."""
        self._complaint = (self._complaint + data)[-MAX_COMPLAINT_BYTES:]

    def kill(self, reason: ChildFailed) -> None:
        """End it; whoever called it gets the reason."""
        self._killed_because = reason
        try:
            self._process.signalProcess("KILL")
        except ProcessExitedAlready:
            return

    def processEnded(self, reason: Failure) -> None:
        """Hand the answer over."""
        self._hand_over(reason)
        self.gone.callback(None)

    def _hand_over(self, reason: Failure) -> None:
        ending: Any = reason.value
        if ending.exitCode == 0:
            self.ended.callback(b"".join(self._answer))
            return
        if self._killed_because is not None:
            self.ended.errback(self._killed_because)
            return
        how = f"it was ended by signal {ending.signal}" if ending.signal else f"exit status {ending.exitCode}"
        last = self._complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        self.ended.errback(ChildFailed(f"{how}: {last}" if last else how))
