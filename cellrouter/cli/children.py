"""Child processes that announce their ports, leave their output in log files, and are stopped together."""

import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
KEPT_LOG_CHARS = 65_536
_ANNOUNCED = re.compile(r"  (\w[\w -]*) listening on \S*:(\d+)\n")


class ChildFailedError(Exception):
    """A child ended, or took too long, before its port was open; the message has what it said."""


@define(eq=False)
class Child(ProcessProtocol):
    """One child process.

    :param name: what people call it.
    :param logs: the folder where its output goes: ``<name>.log`` its log, ``<name>.out`` its standard output.
    :ivar pid: its process ID.
    :ivar ending: how it ended, in words; None while it runs.
    """

    name: str
    logs: Path
    pid: int = 0
    ending: str | None = None
    _transport: IProcessTransport | None = None
    _log: str = ""
    _ports: list[tuple[str, "Deferred[int]"]] = field(factory=list)
    _ends: list["Deferred[Child]"] = field(factory=list)

    def port(self, name: str, reactor: Any) -> "Deferred[int]":
        """Wait until it listens.

        :param name: what it calls the port, for example ``data port``.
        :param reactor: measures the time.
        :returns: fires with the port's number, or fails with :exc:`ChildFailedError`.
        """
        opened: Deferred[int] = Deferred()
        self._ports.append((name, opened))
        self._tell()
        return opened.addTimeout(START_TIMEOUT_S, reactor, self._too_late)

    def until_ended(self) -> "Deferred[Child]":
        """Wait for its end.

        :returns: fires with the child.
        """
        ended: Deferred[Child] = Deferred()
        if self.ending is None:
            self._ends.append(ended)
        else:
            ended.callback(self)
        return ended

    def signal(self, name: str) -> None:
        """Send a signal, for example ``TERM``; nothing happens when it has ended."""
        if self._transport is None:
            return
        try:
            self._transport.signalProcess(name)
        except ProcessExitedAlready:
            return

    def makeConnection(self, process: IProcessTransport) -> None:
        """Take note of the started process."""
        self._transport = process
        self.pid = process.pid

    def errReceived(self, data: bytes) -> None:
        """Keep its log, which also says where it listens."""
        text = data.decode("utf-8", "replace")
        with (self.logs / f"{self.name}.log").open("a") as file:
            file.write(text)
        self._log = (self._log + text)[-KEPT_LOG_CHARS:]
        self._tell()

    def processEnded(self, reason: Failure) -> None:
        """Tell everybody who waits."""
        ended: Any = reason.value
        self.ending = signal.Signals(ended.signal).name if ended.signal else f"status {ended.exitCode}"
        self._tell()
        for end in self._ends:
            end.callback(self)

    def _tell(self) -> None:
        ports = {name: int(port) for name, port in _ANNOUNCED.findall(self._log)}
        for waiter in self._ports.copy():
            name, opened = waiter
            if name in ports:
                self._ports.remove(waiter)
                opened.callback(ports[name])
            elif self.ending is not None:
                self._ports.remove(waiter)
                opened.errback(self._failed(f"ended with {self.ending}"))

    def _too_late(self, result: int | Failure, timeout_s: float) -> int:
        if not isinstance(result, Failure):
            return result
        result.trap(CancelledError)
        raise self._failed(f"did not listen within {timeout_s:g} s")

    def _failed(self, what: str) -> ChildFailedError:
        return ChildFailedError(f"{self.name} {what}: {self._log.strip() or 'it said nothing'}")


class Children:
    """The child processes of one program.

    :param reactor: starts and stops them.
    :param logs: the folder for their output.
    :param stop_timeout_s: seconds that they get to end before they are killed.
    """

    def __init__(self, reactor: Any, logs: Path, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self._reactor = reactor
        self._logs = logs
        self._stop_timeout_s = stop_timeout_s
        self._all: list[Child] = []
        self._stopping = False

    def start(self, name: str, arguments: Sequence[str]) -> Child:
        """Start one.

        :param name: what people call it.
        :param arguments: the program and its arguments.
        :returns: it.
        """
        child = Child(name, self._logs)
        self._all.append(child)
        with (self._logs / f"{name}.out").open("ab") as out:
            # Its input is a pipe that nobody writes to; its log is a pipe that we read.
            descriptors: Mapping[int, int | str] = {0: "w", 1: out.fileno(), 2: "r"}
            self._reactor.spawnProcess(
                child, arguments[0], list(arguments), env=os.environ, childFDs=descriptors
            )
        return child

    async def watch(self, report: Callable[[Child], object]) -> None:
        """Wait for ever, while children end by themselves.

        :param report: gets each that does.
        """
        for child in self._all:
            child.until_ended().addCallback(lambda ended: self._stopping or report(ended))
        await Deferred[None]()

    async def stop(self) -> None:
        """End them all: with SIGTERM, and what is left after the time they get with SIGKILL."""
        self._stopping = True
        killing = self._reactor.callLater(self._stop_timeout_s, self._signal, "KILL")
        self._signal("TERM")
        await gatherResults([child.until_ended() for child in self._all])
        if killing.active():
            killing.cancel()

    def _signal(self, name: str) -> None:
        for child in self._all:
            child.signal(name)
