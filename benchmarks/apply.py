"""How long requests stand still while a data plane applies a large snapshot from its control plane."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from attrs import asdict, define, frozen

from benchmarks.cells import START_TIMEOUT_S, Cells, cells
from benchmarks.control_plane import ControlPlane, control_plane, fed_by
from benchmarks.errors import CouldNotRun
from benchmarks.lineup import new_folder
from benchmarks.paced import PATIENCE_S, outcome, pacing
from benchmarks.peers import Peer, started
from benchmarks.quiet import Patience
from benchmarks.result import Document, Settings, document
from benchmarks.tables import tenants
from benchmarks.templates import render

ROUTES = 100_000
PER_S = 1000
CONNECTIONS = 64
"""So many that a request need not wait for the one before it: at 1,000 in a second, 64 ms long."""

SETTLE_S = 1
"""How long the load has run before anything counts."""


@frozen
class Applied:
    """One snapshot that was applied.

    :param peer: the data plane's name.
    :param round_number: from 1 up.
    :param ack_s: from the change of the operator's file until the control plane had the ack.
    :param apply_ms: the data plane's own figure: from the message it had decoded until it served by it.
    :param worst_ms: the longest latency of a request while that happened.
    :param calm_ms: the same in a window as long just before, in which nothing happened.
    """

    peer: str
    round_number: int
    ack_s: float
    apply_ms: float
    worst_ms: float
    calm_ms: float


@frozen
class Row:
    """One data plane's figures.

    :param proxy: its name.
    :param worst_ms: the longest latency of all rounds while a snapshot was applied.
    :param each_ms: the longest of each round.
    :param calm_ms: the longest of all rounds in the windows before.
    :param ack_s: from the change to the ack, the median.
    :param apply_ms: the data plane's own figure, the median.
    """

    proxy: str
    worst_ms: float
    each_ms: tuple[float, ...]
    calm_ms: float
    ack_s: float
    apply_ms: float

    @classmethod
    def of(cls, found: Sequence[Applied]) -> "Row":
        """Compute the figures from one data plane's snapshots."""
        return cls(
            proxy=found[0].peer,
            worst_ms=max(applied.worst_ms for applied in found),
            each_ms=tuple(applied.worst_ms for applied in found),
            calm_ms=max(applied.calm_ms for applied in found),
            ack_s=median(applied.ack_s for applied in found),
            apply_ms=median(applied.apply_ms for applied in found),
        )


@define
class Applying:
    """Snapshots that one data plane applies one after another under a light load.

    :param settings: how much is measured; the seconds are how long both windows are.
    :param routes: how many routes a snapshot has.
    """

    settings: Settings
    routes: int = ROUTES

    def run(self, peer: Peer) -> list[Applied]:
        """Apply a snapshot in each round.

        :param peer: the data plane.
        :raises CouldNotRun: when something does not start, or a snapshot is not applied in its window.
        """
        cores, found = self.settings.cores, []
        patience = Patience(cores, self.settings.patience_s)
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="cellrouter-benchmarks-")))
            to = stack.enter_context(cells(cores.load, new_folder(folder, "cells")))
            config = self._write(new_folder(folder, "config"), to, 0)
            place = new_folder(folder, "control-plane")
            control = stack.enter_context(control_plane(config, cores.load, place))
            fed = fed_by(peer, control.port)
            place = new_folder(folder, "data-plane")
            data = stack.enter_context(started(fed, to, cores.proxy, place, "on"))
            control.await_ack(1, START_TIMEOUT_S)
            following = new_folder(folder, "following")
            for number in range(1, self.settings.rounds + 1):
                patience.await_quiet()
                change = (self._write(following, to, number), config)
                found.append(self._apply(peer.name, data.port, control, number, change))
        return found

    def _write(self, folder: Path, to: Cells, number: int) -> Path:
        """Write a routing config whose version is its number."""
        more = {"version": f"benchmark-{number}", "tenants": tenants(self.routes)}
        return render("routing.json", folder, to.cell, to.default_cell, **more)

    def _apply(
        self, name: str, port: int, control: ControlPlane, number: int, change: tuple[Path, Path]
    ) -> Applied:
        """Load the data plane, and change the config in the middle of it."""
        following, config = change
        window_s = self.settings.seconds
        load_s = SETTLE_S + 2 * window_s + SETTLE_S
        revision, _ = control.last_ack()
        with pacing(port, PER_S, load_s, CONNECTIONS, self.settings.cores.load) as load:
            time.sleep(SETTLE_S + window_s)
            changed_s = time.monotonic()
            following.replace(config)
            apply_ms = control.await_ack(revision + 1, window_s)
            ack_s = time.monotonic() - changed_s
            paced = outcome(load, load_s + PATIENCE_S)
        windows = ((changed_s, changed_s + window_s), (changed_s - window_s, changed_s))
        worst_ms, calm_ms = (paced.worst_ms(*window) for window in windows)
        applied = Applied(name, number, ack_s, apply_ms, worst_ms, calm_ms)
        self.settings.report(f"round {number}: {name}: {_text(applied)}")
        return applied


def _text(applied: Applied) -> str:
    return (
        f"acked after {applied.ack_s:.2f} s, worst latency {applied.worst_ms:.1f} ms,"
        f" {applied.calm_ms:.1f} ms in the window before"
    )


def measure(settings: Settings) -> Document:
    """Measure how long requests stand still."""
    found: list[Applied] = []
    failures: dict[str, str] = {}
    for peer in settings.peers:
        try:
            found += Applying(settings).run(peer)
        except CouldNotRun as error:
            failures[peer.name] = str(error)
            settings.report(f"could not run: {peer.name}: {error}")
    return write(settings, found, failures)


def write(settings: Settings, found: Sequence[Applied], failures: Mapping[str, str]) -> Document:
    """Write down what came of it."""
    names = dict.fromkeys(applied.peer for applied in found)
    rows = [Row.of([applied for applied in found if applied.peer == name]) for name in names]
    return document(
        f"The longest latency while a snapshot of {ROUTES:,} routes is applied, at {PER_S:,} requests/s",
        settings,
        ("data plane", "worst ms", "in each round", "worst ms before", "change to ack s", "apply ms"),
        map(_cells, rows),
        failures=failures,
        proxies=[asdict(row) for row in rows],
        samples=[asdict(applied) for applied in found],
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.proxy,
        f"{row.worst_ms:.1f}",
        " ".join(f"{worst_ms:.0f}" for worst_ms in row.each_ms),
        f"{row.calm_ms:.1f}",
        f"{row.ack_s:.2f}",
        f"{row.apply_ms:.0f}",
    )
