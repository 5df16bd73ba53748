"""The machine: its cores, and what to call it beside a table."""

import os
import platform
import re
from pathlib import Path

from attrs import frozen

from benchmarks.errors import CouldNotRun

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
"""The unit of the CPU times in /proc."""


@frozen
class Cores:
    """Who runs where.

    :param proxy: the core that the proxy has to itself.
    :param load: the core that the load and the cells share.
    """

    proxy: int
    load: int


def choose_cores() -> Cores:
    """Take the first two cores this process may use.

    :raises CouldNotRun: when there is one only; what would be measured is how they share it.
    """
    proxy, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise CouldNotRun("two cores are needed: one for the proxy, one for the load and the cells")
    return Cores(proxy, others[0])


def description() -> str:
    """Say what machine this is, in a line."""
    names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    processor = names[0].strip() if names else platform.machine()
    return (
        f"{processor}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )


def busy_s(core: int) -> float:
    """Tell how long a core has been busy since the machine started, or was taken by the machine's host."""
    fields = re.search(rf"^cpu{core} (.+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    if fields is None:
        raise CouldNotRun(f"/proc/stat does not list core {core}")
    user, nice, system, _idle, _waiting, interrupts, softirqs, stolen, *_ = map(int, fields[1].split())
    return (user + nice + system + interrupts + softirqs + stolen) / TICKS_PER_S
