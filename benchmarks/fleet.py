"""What a control plane does for thousands of data planes: changes, rest, and all coming back at once."""

import contextlib
import json
import os
import signal
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from attrs import asdict, define, field, frozen

from benchmarks.cells import START_TIMEOUT_S, free_port
from benchmarks.errors import CouldNotRun
from benchmarks.health import Asking, ask
from benchmarks.lineup import new_folder
from benchmarks.memory import SPARE_FILES, allow_files
from benchmarks.peers import PYTHON, TWISTD
from benchmarks.processes import Running, running
from benchmarks.quiet import Patience
from benchmarks.resident import forget_peak, peak_kib
from benchmarks.result import Document, Settings, document
from benchmarks.tables import tenants
from benchmarks.templates import render

PATIENCE_S = 120.0
"""How long at most all data planes take to come, or to ack."""

LOOK_S = 0.01
SETTLE_S = 0.5
DATA_PLANES = str(Path(__file__).with_name("data_planes.py"))
"""Run as a file, which is found wherever the suite is, installed or not."""

NOT_USED = 9
"""The port of cells, which nobody asks."""

CONNECT, REST, CHANGE, RESTART, STALLED = "connect", "rest", "change", "restart", "change, 1 stalled"
NOTES = (
    "change: from when a revision was accepted until its acks had arrived; these data planes ack at once",
    "restart: from when the control plane was killed until all were back and had acked; CPU with its start",
    "CPU s: of the control plane and its checking process until the last ack, or for the time of the rest",
    "MiB: the peaks of resident memory of these processes; /health ms: the longest answer meanwhile",
)


@frozen
class Size:
    """How large a fleet is.

    :param data_planes: how many there are.
    :param routes: how many routes their config has.
    """

    data_planes: int
    routes: int

    @classmethod
    def of(cls, name: str) -> "Size":
        """Read it from a name: ``1000x100000``.

        :raises CouldNotRun: when it is something else.
        """
        try:
            data_planes, routes = map(int, name.split("x"))
        except ValueError:
            raise CouldNotRun(f"{name} is not the size of a fleet") from None
        return cls(data_planes, routes)

    def __str__(self) -> str:
        return f"{self.data_planes}x{self.routes}"


@frozen
class Settled:
    """All data planes run one revision; the times are those of the machine's steady clock.

    :param revision: it.
    :param cpu_s: what the data planes have spent so far.
    :param opened_s: when each connection was opened.
    :param acked_s: when each data plane sent its ack.
    """

    revision: int
    cpu_s: float
    opened_s: Sequence[float]
    acked_s: Sequence[float]


@frozen
class Event:
    """What happened to a fleet once.

    :param size: the fleet.
    :param what: what happened.
    :param median_s: when half of the data planes were done; None where nobody had anything to do.
    :param last_s: when all were.
    :param cpu_s: what the control plane spent.
    :param peak_mib: the most memory that its processes held.
    :param health_ms: the longest that ``/health`` took.
    :param connects_per_s: the most connections opened in a second, where they were.
    :param load_cpu_s: what the data planes spent.
    """

    size: str
    what: str
    median_s: float | None
    last_s: float | None
    cpu_s: float
    peak_mib: float
    health_ms: float
    connects_per_s: int | None
    load_cpu_s: float


@define
class Crowd:
    """The simulated data planes.

    :param process: they.
    :param folder: has what they say.
    """

    process: Running
    folder: Path
    _read: int = field(init=False, default=0)

    def await_settled(self, revision: int) -> Settled:
        """Wait until all have acked a revision since this was called last.

        :raises CouldNotRun: when they do not in time.
        """
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and not self.process.ended:
            lines = (self.folder / "stdout").read_text().split("\n")[:-1]
            for line in lines[self._read :]:
                self._read += 1
                settled = Settled(**json.loads(line))
                if settled.revision >= revision:
                    return settled
            time.sleep(LOOK_S)
        raise CouldNotRun(f"not all have acked revision {revision}: {self.process.last_words()}")

    def cpu_s(self) -> float:
        """Tell what they have spent."""
        return self.process.cpu_s()

    def stall(self) -> None:
        """Let one of them read nothing any more."""
        os.kill(self.process.process.pid, signal.SIGUSR1)


@define
class Trial:
    """One fleet, and what happens to it.

    :param settings: how much is measured; the seconds are how long it rests.
    :param size: how large it is.
    :param folder: for files.
    """

    settings: Settings
    size: Size
    folder: Path
    _port: int = field(init=False, factory=free_port)
    _version: int = field(init=False, default=0)
    _starts: int = field(init=False, default=0)

    def run(self) -> Iterator[Event]:
        """Let everything happen.

        :raises CouldNotRun: when something does not start, or not all data planes come or ack in time.
        """
        patience = Patience(self.settings.cores, self.settings.patience_s)
        allow_files(self.size.data_planes + SPARE_FILES)
        self._write().rename(self.folder / "routing.json")
        with contextlib.ExitStack() as stack:
            control = contextlib.ExitStack()
            stack.enter_context(control)
            process = control.enter_context(self._control_plane())
            self._await_health(process)
            crowd = stack.enter_context(self._crowd())
            yield self._connect(process, crowd)
            patience.await_quiet()
            yield self._rest(process, crowd)
            for _ in range(self.settings.rounds):
                patience.await_quiet()
                yield self._change(CHANGE, process, crowd)
            patience.await_quiet()
            killed_s, before_s = time.monotonic(), crowd.cpu_s()
            process.process.kill()
            control.close()
            process = control.enter_context(self._control_plane())
            yield self._restart(process, crowd, killed_s, before_s)
            crowd.stall()
            for _ in range(self.settings.rounds):
                yield self._change(STALLED, process, crowd)

    def _connect(self, process: Running, crowd: Crowd) -> Event:
        began_s, before_s = time.monotonic(), process.cpu_s()
        forget_peak(process)
        with Asking(self._port) as asking:
            settled = crowd.await_settled(1)
        return self._event(
            CONNECT,
            process,
            since_s=began_s,
            done_s=settled.acked_s,
            cpu_s=process.cpu_s() - before_s,
            asking=asking,
            opened_s=settled.opened_s,
            load_cpu_s=settled.cpu_s,
        )

    def _rest(self, process: Running, crowd: Crowd) -> Event:
        before_s, crowd_before_s = process.cpu_s(), crowd.cpu_s()
        forget_peak(process)
        with Asking(self._port) as asking:
            time.sleep(self.settings.seconds)
        cpu_s, load_cpu_s = process.cpu_s() - before_s, crowd.cpu_s() - crowd_before_s
        return self._event(REST, process, cpu_s=cpu_s, asking=asking, load_cpu_s=load_cpu_s)

    def _change(self, what: str, process: Running, crowd: Crowd) -> Event:
        following = self._write()
        before_s, crowd_before_s = process.cpu_s(), crowd.cpu_s()
        forget_peak(process)
        with Asking(self._port) as asking:
            following.rename(self.folder / "routing.json")
            settled = crowd.await_settled(self._version)
            ask(self._port, "/health")
            cpu_s, load_cpu_s = process.cpu_s() - before_s, crowd.cpu_s() - crowd_before_s
        accepted_s, acked_s = self._acks(settled)
        return self._event(
            what,
            process,
            since_s=accepted_s,
            done_s=acked_s,
            cpu_s=cpu_s,
            asking=asking,
            load_cpu_s=load_cpu_s,
        )

    def _restart(self, process: Running, crowd: Crowd, killed_s: float, before_s: float) -> Event:
        with Asking(self._port) as asking:
            settled = crowd.await_settled(self._version)
            ask(self._port, "/health")
            cpu_s, load_cpu_s = process.cpu_s(), crowd.cpu_s() - before_s
        return self._event(
            RESTART,
            process,
            since_s=killed_s,
            done_s=settled.acked_s,
            cpu_s=cpu_s,
            asking=asking,
            opened_s=settled.opened_s,
            load_cpu_s=load_cpu_s,
        )

    def _event(
        self,
        what: str,
        process: Running,
        *,
        cpu_s: float,
        asking: Asking,
        load_cpu_s: float,
        since_s: float = 0.0,
        done_s: Sequence[float] = (),
        opened_s: Sequence[float] = (),
    ) -> Event:
        event = Event(
            size=str(self.size),
            what=what,
            median_s=median(done_s) - since_s if done_s else None,
            last_s=max(done_s) - since_s if done_s else None,
            cpu_s=cpu_s,
            peak_mib=peak_kib(process) / 1024,
            health_ms=asking.longest_s * 1000,
            connects_per_s=most_in_a_second(opened_s) if opened_s else None,
            load_cpu_s=load_cpu_s,
        )
        self.settings.report(f"{event.size}: {' '.join(each or '-' for each in _cells(event)[1:])}")
        return event

    def _acks(self, settled: Settled) -> tuple[float, list[float]]:
        """Ask when the revision was accepted, and when each ack was there: in seconds since the epoch."""
        time.sleep(SETTLE_S)
        revision = settled.revision
        entry = ask(self._port, f"/config/versions/{revision}")
        acks = [node["last_ack"] for node in ask(self._port, "/fleet")["data_planes"] if node["last_ack"]]
        times = [_seconds(ack["at"]) for ack in acks if ack["revision"] == revision]
        if len(times) < len(settled.acked_s):
            raise CouldNotRun(f"{len(times)} acks of {len(settled.acked_s)} have arrived")
        return _seconds(entry["accepted_at"]), times

    def _write(self) -> Path:
        """Write the next config, whose version is its number."""
        self._version += 1
        version = f"benchmark-{self._version}"
        more = {"version": version, "tenants": tenants(self.size.routes - 2)}
        return render("routing.json", new_folder(self.folder, version), NOT_USED, NOT_USED, **more)

    def _await_health(self, process: Running) -> None:
        end = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end and not process.ended:
            with contextlib.suppress(OSError, HTTPException, ValueError):
                ask(self._port, "/health")
                return
            time.sleep(LOOK_S)
        raise CouldNotRun(f"the control plane did not start: {process.last_words()}")

    def _control_plane(self) -> "contextlib.AbstractContextManager[Running]":
        self._starts += 1
        environment = {
            "PORT": f"tcp:{self._port}:interface=127.0.0.1",
            "CONFIG_PATH": str(self.folder / "routing.json"),
            "STATE_DIR": str(self.folder / "state"),
            "POLL_INTERVAL": "200ms",
        }
        place = new_folder(self.folder, f"control-plane-{self._starts}")
        return running([PYTHON, *TWISTD, "cellrouter-cp"], self.settings.cores.proxy, place, environment)

    @contextlib.contextmanager
    def _crowd(self) -> Iterator[Crowd]:
        place = new_folder(self.folder, "data-planes")
        # Whoever asks for the health has to be on time; they share a core with that.
        command = ["nice", "-n", "5", PYTHON, DATA_PLANES]
        command += [str(self._port), str(self.size.data_planes)]
        with running(command, self.settings.cores.load, place) as process:
            yield Crowd(process, place)


def most_in_a_second(times_s: Sequence[float]) -> int:
    """Count the events of the second that had most."""
    ordered = sorted(times_s)
    return max(bisect_left(ordered, begin + 1.0) - index for index, begin in enumerate(ordered))


def measure(settings: Settings) -> Document:
    """Measure fleets, one after another."""
    found: list[Event] = []
    failures: dict[str, str] = {}
    for peer in settings.peers:
        try:
            with TemporaryDirectory(prefix="cellrouter-benchmarks-") as folder:
                found += Trial(settings, Size.of(peer.name), Path(folder)).run()
        except (CouldNotRun, OSError, HTTPException, ValueError) as error:
            failures[peer.name] = str(error)
            settings.report(f"could not run: {peer.name}: {error}")
    return write(settings, found, failures)


def write(settings: Settings, found: Sequence[Event], failures: Mapping[str, str]) -> Document:
    """Write down what came of it."""
    kinds = dict.fromkeys((event.size, event.what) for event in found)
    rows = [summary([event for event in found if (event.size, event.what) == kind]) for kind in kinds]
    return document(
        "A control plane and its fleet: data planes x routes",
        settings,
        (
            *("fleet", "what", "median s", "last s", "CPU s", "MiB", "/health ms", "connects/s"),
            "data planes' CPU s",
        ),
        map(_cells, rows),
        notes=NOTES,
        failures=failures,
        events=[asdict(row) for row in rows],
        samples=[asdict(event) for event in found],
    )


def summary(events: Sequence[Event]) -> Event:
    """Make one of what happened several times: medians, and the worst of memory and health."""

    def middle(figure: Callable[[Event], float | None]) -> float | None:
        known = [value for value in map(figure, events) if value is not None]
        return median(known) if known else None

    first = events[0]
    return Event(
        size=first.size,
        what=first.what,
        median_s=middle(lambda event: event.median_s),
        last_s=middle(lambda event: event.last_s),
        cpu_s=median(event.cpu_s for event in events),
        peak_mib=max(event.peak_mib for event in events),
        health_ms=max(event.health_ms for event in events),
        connects_per_s=first.connects_per_s,
        load_cpu_s=median(event.load_cpu_s for event in events),
    )


def _cells(event: Event) -> tuple[str | None, ...]:
    return (
        event.size,
        event.what,
        None if event.median_s is None else f"{event.median_s:.2f}",
        None if event.last_s is None else f"{event.last_s:.2f}",
        f"{event.cpu_s:.2f}",
        f"{event.peak_mib:.0f}",
        f"{event.health_ms:.0f}",
        None if event.connects_per_s is None else f"{event.connects_per_s:,}",
        f"{event.load_cpu_s:.2f}",
    )


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
