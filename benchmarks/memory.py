"""What an idle connection holds: resident memory before and after many were opened and used once."""

import contextlib
import resource
import socket
import time
from collections.abc import Mapping, Sequence
from statistics import median

from attrs import asdict, define, frozen

from benchmarks.cells import answer
from benchmarks.errors import CouldNotRun
from benchmarks.lineup import Lineup
from benchmarks.load import drive
from benchmarks.pacer import OK, READ_BYTES, REQUEST
from benchmarks.peers import Started
from benchmarks.resident import resident_kib
from benchmarks.result import Document, Settings, document

CONNECTIONS = 10_000
SPARE_FILES = 100
WARM_UP_S = 1
WARM_UP_CONNECTIONS = 32
TIMEOUT_S = 10.0


@frozen
class Idle:
    """What one proxy held.

    :param peer: its name.
    :param round_number: from 1 up.
    :param connections: how many were opened.
    :param before_kib: resident memory after a short load, without connections of clients.
    :param after_kib: with all of them.
    """

    peer: str
    round_number: int
    connections: int
    before_kib: int
    after_kib: int

    @property
    def kib_each(self) -> float:
        """What a connection holds."""
        return (self.after_kib - self.before_kib) / self.connections


@frozen
class Row:
    """One proxy's figures, each the median of its rounds.

    :param proxy: its name.
    :param kib_each: what a connection holds.
    :param before_mib: resident memory without them.
    :param after_mib: with them.
    """

    proxy: str
    kib_each: float
    before_mib: float
    after_mib: float

    @classmethod
    def of(cls, found: Sequence[Idle]) -> "Row":
        """Compute the figures from one proxy's rounds."""
        return cls(
            found[0].peer,
            median(idle.kib_each for idle in found),
            median(idle.before_kib for idle in found) / 1024,
            median(idle.after_kib for idle in found) / 1024,
        )


@define
class Memory:
    """Opens connections to proxies that were started for it.

    :param settings: how much is measured; the seconds are how long connections are idle.
    :param connections: how many.
    :ivar failures: for each proxy that could not run, why.
    """

    settings: Settings
    connections: int = CONNECTIONS

    def run(self, lineup: Lineup) -> list[Idle]:
        """Measure all proxies, anew in each round: memory that was held once is seldom given back.

        :param lineup: starts the proxies.
        :raises CouldNotRun: when the cells do not start, or so many files cannot be open.
        """
        allow_files(self.connections + SPARE_FILES)
        found = []
        for number in range(1, self.settings.rounds + 1):
            peers = [peer for peer in self.settings.peers if peer.name not in lineup.failures]
            with lineup.up(peers) as up:
                for name, proxy in lineup.turns(up):
                    with lineup.failing(name):
                        found.append(self._measure(name, proxy, number))
        return found

    def _measure(self, name: str, proxy: Started, number: int) -> Idle:
        # What any load makes it allocate is not the connections'.
        drive(proxy.port, "/", WARM_UP_CONNECTIONS, WARM_UP_S, self.settings.cores.load)
        time.sleep(self.settings.seconds)
        before_kib = resident_kib(proxy.process)
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(_used(proxy.port)) for _ in range(self.connections)]
            time.sleep(self.settings.seconds)
            after_kib = resident_kib(proxy.process)
            if closed := sum(not _is_open(each) for each in idle):
                raise CouldNotRun(f"{closed} of {self.connections} idle connections were closed")
        measured = Idle(name, number, self.connections, before_kib, after_kib)
        self.settings.report(f"round {number}: {name}: {measured.kib_each:.2f} KiB for each connection")
        return measured


def allow_files(count: int) -> None:
    """Let us and the programs that we start have files open, a connection being one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise CouldNotRun(f"{count} open files are needed, and the limit (ulimit -Hn) is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _used(port: int) -> socket.socket:
    """Open a connection and use it once."""
    received = b""
    try:
        connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        connection.sendall(REQUEST)
        while not received.endswith(answer("tier1").encode()):
            data = connection.recv(READ_BYTES)
            received += data
            if not data or not received.startswith(OK):
                raise CouldNotRun(f"an answer began with {received[:30]!r}")
    except OSError as error:
        raise CouldNotRun(f"a connection failed: {error}") from None
    return connection


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except OSError:  # it was not closed but reset
        return False
    return False


def measure(settings: Settings) -> Document:
    """Measure what idle connections hold.

    :raises CouldNotRun: when the cells do not start.
    """
    lineup = Lineup(settings.cores, settings.report)
    found = Memory(settings).run(lineup)
    return write(settings, found, lineup.failures)


def write(settings: Settings, found: Sequence[Idle], failures: Mapping[str, str]) -> Document:
    """Write down what came of it."""
    names = dict.fromkeys(idle.peer for idle in found)
    rows = [Row.of([idle for idle in found if idle.peer == name]) for name in names]
    rows.sort(key=lambda row: row.kib_each)
    return document(
        f"Memory of {CONNECTIONS:,} idle keep-alive connections",
        settings,
        ("proxy", "KiB each", "MiB before", "MiB with them"),
        ((row.proxy, f"{row.kib_each:.2f}", f"{row.before_mib:.1f}", f"{row.after_mib:.1f}") for row in rows),
        failures=failures,
        connections=CONNECTIONS,
        proxies=[asdict(row) for row in rows],
        samples=[asdict(idle) for idle in found],
    )
