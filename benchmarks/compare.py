"""The measurement: rounds in which each proxy gets the same load in turn."""

import contextlib
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import define, field, frozen

from benchmarks.cells import Cells, cells
from benchmarks.errors import CouldNotRun
from benchmarks.load import Served, drive
from benchmarks.machine import Cores, busy_s
from benchmarks.peers import Peer, Started, started

WARM_UP_S = 1
QUIET = 0.05
"""The share of a core that others may take while a sample is taken; it is taken again if they took more."""
MAX_TRIES = 3
PATIENCE_S = 10.0
"""How long a sample is put off while others are busy."""
LOOK_S = 0.25


@frozen
class Workload:
    """What is asked for.

    :param path: the target of every request.
    :param connections: keep-alive connections.
    :param buffering: whether nginx may gather a response before it sends it: ``on`` or ``off``.
    """

    path: str
    connections: int
    buffering: str


@frozen
class Sample:
    """One proxy in one round.

    :param peer: the proxy's name.
    :param round_number: from 1 up.
    :param served: what it served.
    :param cpu_s: the CPU time it took for that.
    :param others: the share of its core, or of the load's if that is more, that was taken by nobody of ours.
    """

    peer: str
    round_number: int
    served: Served
    cpu_s: float
    others: float

    @property
    def quiet(self) -> bool:
        """Whether the machine was ours alone, as far as can be seen from inside."""
        return self.others <= QUIET


@define
class Measured:
    """What came of all rounds.

    :param samples: in the order they were taken.
    :param failures: for each proxy that could not run, why.
    """

    samples: list[Sample] = field(factory=list)
    failures: dict[str, str] = field(factory=dict)


@define
class Comparison:
    """Proxies that run side by side and are loaded one at a time.

    The rounds are interleaved, and every proxy stays up through all of them: a machine whose pace changes
    does so for all of a round. Those that wait for their turn cost next to nothing.

    :param workload: what is served.
    :param seconds: how long each proxy is loaded in each round.
    :param cores: who runs where.
    :param report: gets a line about each step.
    """

    workload: Workload
    seconds: int
    cores: Cores
    report: Callable[[str], object]
    measured: Measured = field(factory=Measured, init=False)

    def run(self, peers: Sequence[Peer], rounds: int) -> Measured:
        """Measure every proxy in every round; one that fails is left out from then on.

        :param peers: the proxies.
        :param rounds: how many.
        :raises CouldNotRun: when the cells do not start.
        """
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="cellrouter-benchmarks-")))
            running_cells = stack.enter_context(cells(self.cores.load, _new(folder, "cells")))
            proxies = {}
            for peer in peers:
                with self._failing(peer.name):
                    proxies[peer.name] = self._start(stack, peer, running_cells, _new(folder, peer.name))
            for number in range(1, rounds + 1):
                for name, proxy in proxies.items():
                    if name not in self.measured.failures:
                        with self._failing(name):
                            self._measure(name, proxy, running_cells, number)
        return self.measured

    @contextlib.contextmanager
    def _failing(self, name: str) -> Iterator[None]:
        """Take note of a proxy that could not run, and go on."""
        try:
            yield
        except CouldNotRun as error:
            self.measured.failures[name] = str(error)
            self.report(f"could not run: {name}: {error}")

    def _start(self, stack: contextlib.ExitStack, peer: Peer, to: Cells, folder: Path) -> Started:
        proxy = stack.enter_context(started(peer, to, self.cores.proxy, folder, self.workload.buffering))
        self._drive(proxy, WARM_UP_S)
        return proxy

    def _measure(self, name: str, proxy: Started, to: Cells, number: int) -> None:
        """Take a sample when nobody else is busy, and again if somebody was after all."""
        self._await_quiet()
        for _ in range(MAX_TRIES):
            sample = self._sample(name, proxy, to, number)
            if sample.quiet:
                break
        self.measured.samples.append(sample)
        self.report(f"round {number}: {name}: {_text(sample)}")

    def _await_quiet(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            before = [busy_s(core) for core in (self.cores.proxy, self.cores.load)]
            time.sleep(LOOK_S)
            after = [busy_s(core) for core in (self.cores.proxy, self.cores.load)]
            if all(later - earlier <= QUIET * LOOK_S for earlier, later in zip(before, after, strict=True)):
                return

    def _sample(self, name: str, proxy: Started, to: Cells, number: int) -> Sample:
        before = self._clocks(proxy, to)
        served = self._drive(proxy, self.seconds)
        passed = [later - earlier for earlier, later in zip(before, self._clocks(proxy, to), strict=True)]
        cpu_s, proxy_core_s, load_s, load_core_s = passed
        others_s = max(proxy_core_s - cpu_s, load_core_s - load_s, 0.0)
        return Sample(name, number, served, cpu_s, others_s / served.duration_s)

    def _clocks(self, proxy: Started, to: Cells) -> tuple[float, float, float, float]:
        """Read the CPU times: the proxy's, its core's, the load and the cells', and their core's."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)  # wrk is among them, once it has ended
        load_s = to.process.cpu_s() + ended.ru_utime + ended.ru_stime
        return proxy.process.cpu_s(), busy_s(self.cores.proxy), load_s, busy_s(self.cores.load)

    def _drive(self, proxy: Started, seconds: int) -> Served:
        workload = self.workload
        return drive(proxy.port, workload.path, workload.connections, seconds, self.cores.load)


def _new(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path


def _text(sample: Sample) -> str:
    served = sample.served
    disturbed = "" if sample.quiet else f", while others took {sample.others:.0%} of a core"
    return f"{served.requests} requests in {served.duration_s:.2f} s, {sample.cpu_s:.2f} s of CPU{disturbed}"
