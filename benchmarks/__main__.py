"""The command: ``python -m benchmarks compare`` and ``python -m benchmarks stream``."""

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from benchmarks.compare import Comparison, Workload
from benchmarks.errors import CouldNotRun
from benchmarks.machine import choose_cores, description
from benchmarks.peers import BASELINE, PEERS, STREAM_PEERS, Peer, version
from benchmarks.report import BYTES, REQUESTS, Figures, document, rows, text
from cellrouter.cli.output import as_json

Command = Callable[..., None]
SMALL = Workload(path="/", connections=32, buffering="on")
BIG = Workload(path="/big", connections=8, buffering="off")


def choose(peers: Sequence[Peer], names: str | None) -> list[Peer]:
    """Read ``--only``.

    :param peers: all there are.
    :param names: what was given.
    :raises click.BadParameter: for a name that is nobody's.
    """
    known = {peer.name: peer for peer in peers}
    if names is None:
        return list(peers)
    wanted = dict.fromkeys(name.strip() for name in names.split(","))
    for name in wanted:
        if name not in known:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(known)}")
    return [known[name] for name in wanted]


def options(peers: Sequence[Peer]) -> Callable[[Command], Command]:
    """Give a command the options that all have.

    :param peers: whom it can measure.
    """
    return lambda command: _with_options(command, peers)


def _with_options(command: Command, peers: Sequence[Peer]) -> Command:
    for option in (
        click.option("--json", "json_wanted", is_flag=True, help="Print JSON for programs."),
        click.option("--rounds", type=click.IntRange(min=1), default=10, show_default=True),
        click.option(
            "--seconds",
            type=click.IntRange(min=1, max=600),
            default=2,
            show_default=True,
            help="How long each proxy is measured in each round.",
        ),
        click.option(
            "--only",
            "peers",
            metavar="NAME,...",
            callback=lambda _context, _parameter, names: choose(peers, names),
            help=f"Measure only these: {', '.join(peer.name for peer in peers)}.",
        ),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure what a request costs in cellrouter and in other proxies on this machine."""
    # Ended from outside, we still end our processes and remove our files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@main.command("compare")
@options(PEERS)
def compare_command(**settings: Any) -> None:
    """Small answers: CPU time for each request, and requests per second on one core."""
    run(SMALL, REQUESTS, **settings)


@main.command("stream")
@options(STREAM_PEERS)
def stream_command(**settings: Any) -> None:
    """Answers of 10 MiB: CPU time for each GiB."""
    run(BIG, BYTES, **settings)


def run(
    workload: Workload, figures: Figures, peers: list[Peer], rounds: int, seconds: int, json_wanted: bool
) -> None:
    """Measure and print; the exit status is 1 when nothing could be measured."""
    try:
        cores = choose_cores()
        comparison = Comparison(workload, seconds, cores, report=lambda line: click.echo(line, err=True))
        measured = comparison.run(peers, rounds)
    except CouldNotRun as error:
        raise click.ClickException(f"could not run: {error}") from None
    found = rows(measured.samples, figures, BASELINE)
    versions = {peer.name: version(peer) for peer in peers}
    if json_wanted:
        about = {
            "machine": description(),
            "rounds": rounds,
            "seconds": seconds,
            "path": workload.path,
            "connections": workload.connections,
        }
        click.echo(as_json(document(found, figures, measured, versions, about)))
    else:
        click.echo(text(found, figures, BASELINE, measured))
        named = ", ".join(f"{name} {number}" for name, number in versions.items() if number)
        click.echo(f"\n{description()}\n{rounds} rounds of {seconds} s; {named}")
    sys.exit(0 if found else 1)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
