"""Resident memory of a program, its processes taken together."""

import re
from pathlib import Path

from benchmarks.errors import CouldNotRun
from benchmarks.processes import Running

_RESET_PEAK = "5"
"""See proc(5), /proc/pid/clear_refs."""


def resident_kib(program: Running) -> int:
    """Tell how much memory it holds now."""
    return _sum(program, "VmRSS")


def peak_kib(program: Running) -> int:
    """Tell the most that each of its processes held since :func:`forget_peak`."""
    return _sum(program, "VmHWM")


def forget_peak(program: Running) -> None:
    """Begin to look for the peak anew.

    :raises CouldNotRun: when that is not permitted.
    """
    for pid in program.pids():
        try:
            Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)
        except OSError as error:
            raise CouldNotRun(f"the peak of its memory cannot be reset: {error.strerror}") from None


def _sum(program: Running, name: str) -> int:
    try:
        statuses = [Path(f"/proc/{pid}/status").read_text() for pid in program.pids()]
    except OSError:
        raise CouldNotRun(f"it ended: {program.last_words()}") from None
    values = (re.search(rf"^{name}:\s*(\d+) kB", status, re.MULTILINE) for status in statuses)
    # A process that has just ended, and whose parent has not yet noticed, has none.
    return sum(int(value[1]) for value in values if value is not None)
