"""The command: ``python -m benchmarks all``, or one of them by its name."""

import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import click
from attrs import evolve

from benchmarks import budgets, plot
from benchmarks.errors import CouldNotRun
from benchmarks.machine import Cores, choose_cores
from benchmarks.peers import Peer
from benchmarks.result import Document, Settings, text, whole
from benchmarks.suite import BENCHMARKS, Benchmark
from cellrouter.cli.output import as_json

Command = Callable[..., None]
json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON for programs.")


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


def cores_to_use() -> Cores:
    """Choose the cores.

    :raises click.ClickException: when there are too few.
    """
    try:
        return choose_cores()
    except CouldNotRun as error:
        raise click.ClickException(f"could not run: {error}") from None


def say(line: str) -> None:
    """Report a step."""
    click.echo(line, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure what a request costs in cellrouter and in other proxies on this machine."""
    # Ended from outside, we still end our processes and remove our files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def command(benchmark: Benchmark) -> click.Command:
    """Make the command of one benchmark."""

    def run(peers: list[Peer], rounds: int, seconds: int, patience: int, json_wanted: bool) -> None:
        settings = Settings(peers, rounds, seconds, cores_to_use(), say, patience)
        found = benchmark.run(settings)
        tell(whole({benchmark.name: found}), json_wanted)
        # Nothing measured is a failure.
        sys.exit(0 if found["table"]["rows"] else 1)

    options: list[Callable[[Command], Command]] = [
        json_option,
        click.option("--rounds", type=click.IntRange(min=1), default=benchmark.rounds, show_default=True),
        click.option(
            "--seconds",
            type=click.IntRange(min=1, max=600),
            default=benchmark.seconds,
            show_default=True,
            help="How long each proxy is measured in each round.",
        ),
        click.option(
            "--patience",
            type=click.IntRange(min=0),
            default=20,
            show_default=True,
            help="Seconds, in all, to wait for others who are busy, or to measure again because they were.",
        ),
        click.option(
            "--only",
            "peers",
            metavar="NAME,...",
            callback=lambda _context, _parameter, names: choose(benchmark.peers, names),
            help=f"Measure only these: {', '.join(peer.name for peer in benchmark.peers)}.",
        ),
    ]
    decorated: Any = run
    for option in options:
        decorated = option(decorated)
    return click.command(benchmark.name, help=benchmark.help)(decorated)


for each in BENCHMARKS:
    main.add_command(command(each))


@main.command("all")
@json_option
@click.option("--quick", is_flag=True, help="One short round of each: whether everything runs.")
def all_command(json_wanted: bool, quick: bool) -> None:
    """Run every benchmark, and compare with the budgets."""
    cores = cores_to_use()
    found = {}
    for benchmark in BENCHMARKS:
        say(f"{benchmark.name}: {benchmark.help}")
        settings = Settings(benchmark.peers, benchmark.rounds, benchmark.seconds, cores, say)
        if quick:
            few = benchmark.peers[: benchmark.fewest]
            settings = evolve(settings, peers=few, rounds=1, seconds=benchmark.shortest_s, patience_s=0.0)
        found[benchmark.name] = benchmark.run(settings)
    tell(whole(found), json_wanted)


@main.command("show")
@click.argument("file", type=click.File())
def show_command(file: TextIO) -> None:
    """Print the tables of what --json has written to FILE."""
    tell(_read(file), json_wanted=False)


@main.command("plot")
@click.argument("file", type=click.File())
@click.argument("image", type=click.Path(dir_okay=False, path_type=Path))
def plot_command(file: TextIO, image: Path) -> None:
    """Draw what --json has written to FILE as bars: IMAGE is an SVG file."""
    found = _read(file)
    drawn = plot.charts(found)
    if not drawn:
        raise click.ClickException(f"{file.name}: it has no figures to draw")
    image.write_text(plot.svg(drawn, found["machine"]), encoding="utf-8")


def tell(found: Document, json_wanted: bool) -> None:
    """Print what was found."""
    if json_wanted:
        click.echo(as_json({**found, "budgets": budgets.document(found["benchmarks"])}))
        return
    tables = [text(each) for each in found["benchmarks"].values()]
    if len(tables) > 1:
        tables.append(budgets.text(found["benchmarks"]))
    click.echo("\n\n\n".join([*tables, found["machine"]]))


def _read(file: TextIO) -> Document:
    try:
        found: Document = json.load(file)
        found["benchmarks"].values(), found["machine"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise click.ClickException(f"{file.name}: not what --json writes") from None
    return found


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
