"""Processes on a core of their own: started, asked for their CPU time, and ended."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.machine import TICKS_PER_S

STOP_TIMEOUT_S = 5.0
MAX_SAID_CHARS = 200
# Fields of /proc/PID/stat, counted from the one after the command's name, which may hold anything.
_GROUP, _UTIME, _STIME = 2, 11, 12


@frozen
class Running:
    """A program that runs, with the processes it started.

    :param process: the process that was started; it leads a process group of its own.
    :param errors: the file with its stderr.
    """

    process: "subprocess.Popen[bytes]"
    errors: Path

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self.process.poll() is not None

    def cpu_s(self) -> float:
        """Tell the CPU time, user and system, of all its processes and threads until now."""
        # The kernel scales the two so that their sum is the exact run time, cut to ticks of 10 ms.
        return sum(ticks for _, group, ticks in _processes() if group == self.process.pid) / TICKS_PER_S

    def pids(self) -> list[int]:
        """List its processes."""
        return [pid for pid, group, _ in _processes() if group == self.process.pid]

    def last_words(self) -> str:
        """Give the last line that it wrote to stderr."""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip()[:MAX_SAID_CHARS] if lines else "it said nothing"


def _processes() -> Iterator[tuple[int, int, int]]:
    """Give each process, its group and its CPU time in ticks."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        yield int(path.parent.name), int(fields[_GROUP]), int(fields[_UTIME]) + int(fields[_STIME])


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Make a command run on one core, and end when this process does, even if that is killed."""
    return ["taskset", "-c", str(core), "setpriv", "--pdeathsig", "TERM", *command]


@contextlib.contextmanager
def running(
    command: Sequence[str], core: int, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a program on one core for as long as the context lasts.

    :param command: the program and its arguments.
    :param core: where it runs.
    :param folder: where its output goes: ``stdout`` and ``stderr``.
    :param environment: variables on top of our own.
    """
    errors = folder / "stderr"
    with (folder / "stdout").open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            pinned(command, core),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **(environment or {})},
            # To the scheduler a session is a group of its own, and "nice" counts within a group only.
            process_group=0,
        )
    try:
        yield Running(process, errors)
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    # The leader is gone, or about to be: nobody of its group may outlive it.
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
