"""What a benchmark is told, and what it found: a document for programs that people's table is in, too."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from benchmarks.machine import Cores, description
from benchmarks.peers import Peer, version
from cellrouter.cli.output import table

Document = dict[str, Any]
"""JSON values. In that of every benchmark: ``title``, ``table`` (``headings`` and ``rows``), ``notes``,
``could_not_run`` (names and reasons), ``settings`` and ``versions``."""


@frozen
class Settings:
    """How much a benchmark measures.

    :param peers: whom.
    :param rounds: how often.
    :param seconds: how long each time.
    :param cores: who runs where.
    :param report: gets a line about each step.
    :param patience_s: how long in all it waits for others who are busy, or measures again because they were.
    """

    peers: Sequence[Peer]
    rounds: int
    seconds: int
    cores: Cores
    report: Callable[[str], object]
    patience_s: float = 20.0


def document(
    title: str,
    settings: Settings,
    headings: Sequence[str],
    rows: Iterable[Sequence[str | None]],
    *,
    notes: Iterable[str] = (),
    failures: Mapping[str, str] | None = None,
    **more: object,
) -> Document:
    """Write down what a benchmark found.

    :param title: what it measures, a line.
    :param settings: how much it measured.
    :param headings: of its table.
    :param rows: of its table.
    :param notes: what a reader must know before believing it, a line each.
    :param failures: for each proxy that could not run, why.
    :param more: its figures, and what they come from.
    """
    return {
        "title": title,
        "table": {"headings": list(headings), "rows": [list(row) for row in rows]},
        "notes": list(notes),
        "could_not_run": dict(failures or {}),
        "settings": {"rounds": settings.rounds, "seconds": settings.seconds},
        "versions": {peer.name: version(peer) for peer in settings.peers},
        **more,
    }


def text(found: Document) -> str:
    """Write what a benchmark found as people read it."""
    lines = [found["title"], ""]
    if found["table"]["rows"]:
        lines.append(table(found["table"]["headings"], found["table"]["rows"]))
    lines += (f"could not run: {name}: {reason}" for name, reason in found["could_not_run"].items())
    lines += found["notes"]
    settings = found["settings"]
    named = ", ".join(f"{name} {number}" for name, number in found["versions"].items() if number)
    rounds = "1 round" if settings["rounds"] == 1 else f"{settings['rounds']} rounds"
    lines.append(f"{rounds} of {settings['seconds']} s{'; ' if named else ''}{named}")
    return "\n".join(lines)


def whole(benchmarks: Mapping[str, Document]) -> Document:
    """Put what several benchmarks found together, with the machine that they ran on."""
    return {"machine": description(), "benchmarks": dict(benchmarks)}
