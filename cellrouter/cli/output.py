"""How the tool prints."""

import json
from collections.abc import Iterable, Sequence

import click

from cellrouter.daemon.text import escaped

GAP = "  "


def as_json(document: object) -> str:
    """Write a document for programs, and still readable."""
    return json.dumps(document, indent=2)


def say(text: str, err: bool = False) -> None:
    """Print something.

    :param text: what.
    :param err: whether it belongs on standard error.
    :raises click.ClickException: when it cannot be printed, for example on a disk that is full.
    """
    try:
        click.echo(text, err=err)
    except OSError as error:
        raise click.ClickException(f"it cannot be printed: {error.strerror}") from None


def harmless(text: str) -> str:
    """Escape what could drive a terminal; lines stay lines."""
    return "\n".join(map(escaped, text.split("\n")))


def table(headings: Sequence[str] | None, rows: Iterable[Iterable[object]]) -> str:
    """Set rows in aligned columns.

    :param headings: what the columns are, or None for rows that explain themselves.
    :param rows: the cells; None shows as a dash, and control characters are escaped.
    :returns: lines, without a line feed at the end.
    """
    lines = [[_text(cell) for cell in row] for row in rows]
    if headings is not None:
        lines.insert(0, [heading.upper() for heading in headings])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        GAP.join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _text(cell: object) -> str:
    if cell is None:
        return "-"
    text = str(cell) if not isinstance(cell, dict | list | bool) else json.dumps(cell)
    return escaped(text)
