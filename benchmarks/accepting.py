"""How long a control plane keeps others waiting while it accepts a large change.

``python -m benchmarks.accepting --routes 100000 --changes 10`` starts a control plane, changes its file again
and again, asks ``/health`` all the time, and prints how long the answers took.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.errors import CouldNotRun

TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=")
LISTENING = re.compile(r"control plane listening on \S+:(\d+)")
START_TIMEOUT_S = 30.0
CHANGE_TIMEOUT_S = 60.0
PAUSE_S = 0.001


def document(routes: int, number: int) -> bytes:
    """Make a config of which one route in a hundred differs from that with another number."""
    moving = {f"customer-{each:08}": f"tier{number % 2 + 1}" for each in range(0, routes, 100)}
    table = {f"customer-{each:08}": "tier1" for each in range(routes)} | moving
    return json.dumps(
        {
            "version": str(number),
            "routingTable": table,
            "cellEndpoints": {f"tier{each}": f"http://127.0.0.1:900{each}" for each in (1, 2, 3)},
        }
    ).encode()


@contextmanager
def control_plane(folder: Path) -> Iterator[int]:
    """Run a control plane that watches ``routing.json``; give its port."""
    log = folder / "log"
    options = ("--port", "tcp:0:interface=127.0.0.1", "--config", str(folder / "routing.json"))
    command = (*TWISTD, "cellrouter-cp", *options, "--state-dir", str(folder), "--poll-interval", "200ms")
    with log.open("wb") as stderr, subprocess.Popen(command, stderr=stderr) as process:
        try:
            end = time.monotonic() + START_TIMEOUT_S
            while (found := LISTENING.search(log.read_text())) is None:
                if process.poll() is not None or time.monotonic() > end:
                    raise CouldNotRun(f"the control plane did not start: {log.read_text()}")
                time.sleep(PAUSE_S)
            yield int(found[1])
        finally:
            process.terminate()


def measure(folder: Path, routes: int, changes: int) -> list[float]:
    """Ask while changes are accepted; return how many seconds each answer took, the shortest first."""
    (folder / "routing.json").write_bytes(document(routes, 1))
    took = []
    with control_plane(folder) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CHANGE_TIMEOUT_S)
        for number in range(2, changes + 2):
            (folder / "draft").write_bytes(document(routes, number))
            (folder / "draft").rename(folder / "routing.json")
            revision, end = 0, time.monotonic() + CHANGE_TIMEOUT_S
            while revision < number:
                began = time.perf_counter()
                connection.request("GET", "/health")
                revision = json.loads(connection.getresponse().read())["revision"]
                took.append(time.perf_counter() - began)
                if time.monotonic() > end:
                    raise CouldNotRun(f"change {number} was not accepted")
                time.sleep(PAUSE_S)
        connection.close()
    return sorted(took)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--routes", type=int, default=100_000, help="default %(default)s")
    parser.add_argument("--changes", type=int, default=10, help="default %(default)s")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="cellrouter-") as folder:
        took = measure(Path(folder), options.routes, options.changes)
    median, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    print(f"{options.changes} changes of {options.routes} routes, {len(took)} answers of /health:")
    print(f"median {median:.1f} ms, 99% within {p99:.1f} ms, longest {took[-1] * 1000:.1f} ms")


if __name__ == "__main__":
    main()
