"""The load: wrk, and what it says."""

import json
import shutil
import subprocess

from attrs import frozen

from benchmarks.cells import KEY
from benchmarks.errors import CouldNotRun
from benchmarks.processes import pinned
from benchmarks.templates import FILES

PATIENCE_S = 15.0
_ERRORS = ("connect", "read", "write", "timeout", "status")


@frozen
class Served:
    """What a proxy served in one run.

    :param requests: requests answered.
    :param received_bytes: bytes that came back, of answers cut off by the run's end too.
    :param duration_s: how long it went on.
    :param p50_ms: the median latency, at full load.
    :param p99_ms: what one request in a hundred took longer than, at full load.
    """

    requests: int
    received_bytes: int
    duration_s: float
    p50_ms: float
    p99_ms: float


def drive(port: int, path: str, connections: int, seconds: int, core: int, *, tenants: int = 0) -> Served:
    """Send as many requests as are answered.

    :param port: the proxy's, on loopback.
    :param path: what to ask for.
    :param connections: keep-alive connections.
    :param seconds: how long.
    :param core: where wrk runs.
    :param tenants: how many routing keys the requests go through in turn; 0: all have the same.
    :raises CouldNotRun: when wrk does not run, or any request failed.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise CouldNotRun("wrk is not installed")
    script = FILES / ("tenants.lua" if tenants else "totals.lua")
    command = [
        *(wrk, "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(script)),
        *("-H", f"X-Routing-Key: {KEY}", f"http://127.0.0.1:{port}{path}", "--", str(tenants)),
    ]
    try:
        done = subprocess.run(
            pinned(command, core), capture_output=True, text=True, check=False, timeout=seconds + PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        raise CouldNotRun("wrk did not end in time") from None
    if done.returncode != 0:
        raise CouldNotRun(f"wrk ended with status {done.returncode}: {done.stderr.strip()}")
    return parse(done.stdout)


def parse(output: str) -> Served:
    """Read what ``files/totals.lua`` has wrk print, the last line.

    :raises CouldNotRun: when it is not there, nothing was served, or any request failed: what a failure
        costs is not what is measured.
    """
    try:
        totals = json.loads(output.strip().splitlines()[-1])
        errors = {name: totals[name] for name in _ERRORS if totals[name]}
        served = Served(
            requests=totals["requests"],
            received_bytes=totals["bytes"],
            duration_s=totals["duration_us"] / 1e6,
            p50_ms=totals["p50_us"] / 1e3,
            p99_ms=totals["p99_us"] / 1e3,
        )
    except (ValueError, KeyError, IndexError, TypeError):
        raise CouldNotRun(f"wrk said something else than its totals: {output[-200:]!r}") from None
    if errors:
        listed = ", ".join(f"{count} {name}" for name, count in errors.items())
        raise CouldNotRun(f"requests failed: {listed}, of {served.requests}")
    if served.requests == 0:
        raise CouldNotRun("no request was answered")
    return served
