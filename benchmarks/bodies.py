"""How much a data plane holds while long bodies pass, either way, to fast readers and to slow ones."""

import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from attrs import asdict, frozen

from benchmarks.body_cell import CHUNK_BYTES, SLOW_BYTES_PER_S
from benchmarks.cells import KEY, Cells, await_answer, free_port
from benchmarks.costs import GIB, MIB
from benchmarks.errors import CouldNotRun
from benchmarks.lineup import new_folder
from benchmarks.machine import Cores
from benchmarks.peers import Started, started
from benchmarks.processes import running
from benchmarks.resident import forget_peak, peak_kib, resident_kib
from benchmarks.result import Document, Settings, document

TIMEOUT_S = 30.0
SIZE_BYTES = GIB
Transfer = Callable[[socket.socket], None]


@frozen
class Passed:
    """One body that passed.

    :param peer: the data plane's name.
    :param transfer: which way, and who was slow.
    :param round_number: from 1 up.
    :param size_bytes: the body's size.
    :param duration_s: how long it took.
    :param before_kib: resident memory before.
    :param peak_kib: the most there was meanwhile.
    """

    peer: str
    transfer: str
    round_number: int
    size_bytes: int
    duration_s: float
    before_kib: int
    peak_kib: int

    @property
    def added_mib(self) -> float:
        """How far resident memory rose above what it was before."""
        return (self.peak_kib - self.before_kib) / 1024


@frozen
class Row:
    """The figures of one way through one data plane.

    :param proxy: the data plane's name.
    :param transfer: which way, and who was slow.
    :param mib_s: how fast it went, the median.
    :param before_mib: resident memory before, the median.
    :param peak_mib: the most there was in any round.
    :param added_mib: how far it rose, the most of any round.
    """

    proxy: str
    transfer: str
    mib_s: float
    before_mib: float
    peak_mib: float
    added_mib: float

    @classmethod
    def of(cls, found: Sequence[Passed]) -> "Row":
        """Compute the figures from all rounds of it."""
        return cls(
            proxy=found[0].peer,
            transfer=found[0].transfer,
            mib_s=median(passed.size_bytes / MIB / passed.duration_s for passed in found),
            before_mib=median(passed.before_kib for passed in found) / 1024,
            peak_mib=max(passed.peak_kib for passed in found) / 1024,
            added_mib=max(passed.added_mib for passed in found),
        )


def download(connection: socket.socket, size_bytes: int, bytes_per_s: float | None = None) -> None:
    """Read a body, as fast as it comes or slower."""
    connection.sendall(f"GET /body HTTP/1.1\r\nHost: localhost\r\nX-Routing-Key: {KEY}\r\n\r\n".encode())
    taken, buffer = _read_head(connection), bytearray(CHUNK_BYTES)
    while taken < size_bytes:
        read = connection.recv_into(buffer)
        if not read:
            raise CouldNotRun(f"the body ended after {taken} bytes")
        taken += read
        if bytes_per_s is not None:
            time.sleep(read / bytes_per_s)


def upload(connection: socket.socket, size_bytes: int, target: str) -> None:
    """Send a body and await the answer."""
    head = f"PUT {target} HTTP/1.1\r\nHost: localhost\r\nX-Routing-Key: {KEY}\r\nContent-Length: {size_bytes}"
    connection.sendall(f"{head}\r\n\r\n".encode())
    chunk = b"x" * CHUNK_BYTES
    for _ in range(size_bytes // CHUNK_BYTES):
        connection.sendall(chunk)
    _read_head(connection)


def _read_head(connection: socket.socket) -> int:
    """Read the head of an answer; returns how much of the body came with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(CHUNK_BYTES)
        received += data
        if not data or not received.startswith(b"HTTP/1.1 200 "):
            raise CouldNotRun(f"an answer began with {received[:30]!r}")
    return len(received.partition(b"\r\n\r\n")[2])


def transfers(size_bytes: int) -> dict[str, Transfer]:
    """List what is tried, by what it is called."""
    return {
        "download": partial(download, size_bytes=size_bytes),
        "download, slow client": partial(download, size_bytes=size_bytes, bytes_per_s=SLOW_BYTES_PER_S),
        "upload": partial(upload, size_bytes=size_bytes, target="/"),
        "upload, slow cell": partial(upload, size_bytes=size_bytes, target="/slow"),
    }


@contextlib.contextmanager
def body_cells(cores: Cores, folder: Path, size_bytes: int) -> Iterator[Cells]:
    """Run the cells for long bodies for as long as the context lasts.

    :raises CouldNotRun: when they do not start.
    """
    ports = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.body_cell", *map(str, (*ports, size_bytes))]
    with running(command, cores.load, folder) as process:
        for port, name in zip(ports, ("tier1", "tier3"), strict=True):
            await_answer(process, port, name)
        yield Cells(*ports, process)


def measure(settings: Settings, size_bytes: int = SIZE_BYTES) -> Document:
    """Measure what data planes hold; the seconds play no part.

    :raises CouldNotRun: when the cells do not start.
    """
    found: list[Passed] = []
    failures: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="cellrouter-benchmarks-")))
        to = stack.enter_context(body_cells(settings.cores, new_folder(folder, "cells"), size_bytes))
        for peer in settings.peers:
            try:
                place = new_folder(folder, peer.name)
                with started(peer, to, settings.cores.proxy, place, "off") as proxy:
                    for number in range(1, settings.rounds + 1):
                        found += _pass_all(peer.name, proxy, number, size_bytes, settings.report)
            except CouldNotRun as error:
                failures[peer.name] = str(error)
                settings.report(f"could not run: {peer.name}: {error}")
    return write(settings, found, failures, size_bytes)


def _pass_all(
    peer: str, proxy: Started, number: int, size_bytes: int, report: Callable[[str], object]
) -> Iterator[Passed]:
    for name, transfer in transfers(size_bytes).items():
        forget_peak(proxy.process)
        before_kib, begin_s = resident_kib(proxy.process), time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", proxy.port), TIMEOUT_S) as connection:
                transfer(connection)
        except OSError as error:
            raise CouldNotRun(f"{name} failed: {error}") from None
        duration_s = time.monotonic() - begin_s
        passed = Passed(peer, name, number, size_bytes, duration_s, before_kib, peak_kib(proxy.process))
        report(f"{peer}: {name}: {duration_s:.1f} s, {passed.added_mib:.1f} MiB added")
        yield passed


def write(
    settings: Settings, found: Sequence[Passed], failures: Mapping[str, str], size_bytes: int
) -> Document:
    """Write down what came of it."""
    kinds = dict.fromkeys((passed.peer, passed.transfer) for passed in found)
    rows = [Row.of([passed for passed in found if (passed.peer, passed.transfer) == kind]) for kind in kinds]
    return document(
        f"Memory while bodies of {size_bytes // MIB:,} MiB pass",
        settings,
        ("proxy", "transfer", "MiB/s", "MiB before", "MiB at most", "MiB added"),
        map(_cells, rows),
        failures=failures,
        size_bytes=size_bytes,
        proxies=[asdict(row) for row in rows],
        samples=[asdict(passed) for passed in found],
    )


def _cells(row: Row) -> tuple[str, ...]:
    figures = (row.mib_s, row.before_mib, row.peak_mib, row.added_mib)
    return (row.proxy, row.transfer, *(f"{figure:,.1f}" for figure in figures))
