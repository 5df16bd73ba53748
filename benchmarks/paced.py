"""The load at a constant rate, driven from outside: started, waited for, and what its latencies were."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from attrs import frozen

from benchmarks.errors import CouldNotRun
from benchmarks.processes import pinned

PATIENCE_S = 20.0


@frozen
class Paced:
    """What came of one run.

    :param begin_s: when the first request was due, by the monotonic clock.
    :param per_s: requests in a second.
    :param late_us: for each request how long after it was due it was sent.
    :param latency_us: for each its latency: see :mod:`benchmarks.pacer`.
    """

    begin_s: float
    per_s: float
    late_us: Sequence[int]
    latency_us: Sequence[int]

    def worst_ms(self, from_s: float, to_s: float) -> float:
        """Tell the longest latency of the requests that were due in a window of time.

        :param from_s: when it begins, by the monotonic clock.
        :param to_s: when it ends.
        :raises CouldNotRun: when none was due in it.
        """
        first, last = (max(0, round((at - self.begin_s) * self.per_s)) for at in (from_s, to_s))
        if not self.latency_us[first:last]:
            raise CouldNotRun("no request was due in the time that is looked at")
        return max(self.latency_us[first:last]) / 1e3


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of all values does not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


@contextlib.contextmanager
def pacing(
    port: int, per_s: int, seconds: int, connections: int, core: int
) -> Iterator["subprocess.Popen[str]"]:
    """Run the load while the context lasts; it may be over before.

    :param port: the proxy's, on loopback.
    :param per_s: requests in a second.
    :param seconds: how long.
    :param connections: kept connections.
    :param core: where it runs.
    """
    numbers = map(str, (port, per_s, seconds, connections))
    command = pinned([sys.executable, "-m", "benchmarks.pacer", *numbers], core)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
        try:
            yield load
        finally:
            load.kill()


def outcome(load: "subprocess.Popen[str]", patience_s: float) -> Paced:
    """Wait for the end of a load.

    :param load: as :func:`pacing` gives it.
    :param patience_s: how long at most.
    :raises CouldNotRun: when it does not end in time, or any request failed.
    """
    try:
        said, errors = load.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        raise CouldNotRun("the load at a constant rate did not end in time") from None
    if load.returncode != 0:
        lines = errors.strip().splitlines() or ["it said nothing"]
        raise CouldNotRun(f"the load at a constant rate failed: {lines[-1]}")
    return Paced(**json.loads(said))


def pace(port: int, per_s: int, seconds: int, connections: int, core: int) -> Paced:
    """Run the load and wait for its end; parameters and errors are those of the two above."""
    with pacing(port, per_s, seconds, connections, core) as load:
        return outcome(load, seconds + PATIENCE_S)
