"""Who stands beside whom: the cells and all proxies, up at the same time and loaded one after another."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import define, field, frozen

from benchmarks.cells import Cells, cells
from benchmarks.errors import CouldNotRun
from benchmarks.machine import Cores
from benchmarks.peers import Peer, Started, started


@frozen
class Up:
    """What is up.

    :param to: the cells.
    :param proxies: those that started, by name, in order.
    """

    to: Cells
    proxies: dict[str, Started]


@define
class Lineup:
    """Starts all, and takes note of those that fail.

    :param cores: who runs where.
    :param report: gets a line about each failure.
    :ivar failures: for each proxy that could not run, why.
    """

    cores: Cores
    report: Callable[[str], object]
    failures: dict[str, str] = field(factory=dict, init=False)

    @contextlib.contextmanager
    def up(self, peers: Sequence[Peer], buffering: str = "on") -> Iterator[Up]:
        """Keep the cells and the proxies up for as long as the context lasts.

        Those that wait for their turn cost next to nothing.

        :param peers: the proxies.
        :param buffering: whether nginx may gather a response before it sends it: ``on`` or ``off``.
        :raises CouldNotRun: when the cells do not start.
        """
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="cellrouter-benchmarks-")))
            to = stack.enter_context(cells(self.cores.load, new_folder(folder, "cells")))
            proxies = {}
            for peer in peers:
                with self.failing(peer.name):
                    place = new_folder(folder, peer.name)
                    context = started(peer, to, self.cores.proxy, place, buffering)
                    proxies[peer.name] = stack.enter_context(context)
            yield Up(to, proxies)

    @contextlib.contextmanager
    def failing(self, name: str) -> Iterator[None]:
        """Take note of a proxy that could not run, and go on without it."""
        try:
            yield
        except CouldNotRun as error:
            self.failures[name] = str(error)
            self.report(f"could not run: {name}: {error}")

    def turns(self, up: Up) -> Iterator[tuple[str, Started]]:
        """Give each proxy that has not failed so far."""
        for name, proxy in up.proxies.items():
            if name not in self.failures:
                yield name, proxy


def new_folder(folder: Path, name: str) -> Path:
    """Make an empty folder in another."""
    path = folder / name
    path.mkdir()
    return path
