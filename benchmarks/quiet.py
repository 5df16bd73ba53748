"""Whether the machine is ours alone, and waiting until it is."""

import resource
import time

from attrs import define, frozen

from benchmarks.cells import Cells
from benchmarks.machine import Cores, busy_s
from benchmarks.peers import Started

QUIET = 0.05
"""The share of a core that others may take while a sample is taken; it is taken again if they took more."""
MAX_TRIES = 3
MAX_WAIT_S = 10.0
LOOK_S = 0.25


@frozen
class Spent:
    """What was spent while a sample was taken.

    :param cpu_s: the proxy's CPU time.
    :param others_s: the time that its core, or the load's if that is more, was taken by nobody of ours.
    """

    cpu_s: float
    others_s: float


class Watch:
    """Watches the CPU time from when it is made.

    :param proxy: who is measured.
    :param to: the cells; they run where the load does.
    :param cores: who runs where.
    """

    def __init__(self, proxy: Started, to: Cells, cores: Cores) -> None:
        self._proxy = proxy
        self._to = to
        self._cores = cores
        self._before = self._clocks()

    def spent(self) -> Spent:
        """Tell what was spent until now; a load counts from its end on."""
        passed = [later - earlier for earlier, later in zip(self._before, self._clocks(), strict=True)]
        cpu_s, proxy_core_s, load_s, load_core_s = passed
        return Spent(cpu_s, max(proxy_core_s - cpu_s, load_core_s - load_s, 0.0))

    def _clocks(self) -> tuple[float, float, float, float]:
        """Read the CPU times: the proxy's, its core's, the load and the cells', and their core's."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)  # the load is among them, once it has ended
        load_s = self._to.process.cpu_s() + ended.ru_utime + ended.ru_stime
        return self._proxy.process.cpu_s(), busy_s(self._cores.proxy), load_s, busy_s(self._cores.load)


@define
class Patience:
    """The time that a benchmark has for others: bounded as a whole, so that its own length is.

    :param cores: the cores that should be quiet.
    :param left_s: how long samples may still be put off, or be taken again.
    """

    cores: Cores
    left_s: float

    def await_quiet(self) -> None:
        """Wait until nobody is busy, for as long as patience lasts."""
        begin = time.monotonic()
        end = begin + min(MAX_WAIT_S, self.left_s)
        while not self._is_quiet() and time.monotonic() < end:
            pass
        self.left_s -= time.monotonic() - begin - LOOK_S

    def has(self, seconds: float) -> bool:
        """Take time for another try, if there is enough."""
        if self.left_s < seconds:
            return False
        self.left_s -= seconds
        return True

    def _is_quiet(self) -> bool:
        cores = (self.cores.proxy, self.cores.load)
        before = [busy_s(core) for core in cores]
        time.sleep(LOOK_S)
        after = [busy_s(core) for core in cores]
        return all(later - earlier <= QUIET * LOOK_S for earlier, later in zip(before, after, strict=True))
