"""The pieces that sections of the status page are put together from, as tags of twisted.web.template."""

from collections.abc import Iterable, Sequence

from attrs import frozen
from twisted.web.template import Flattenable, Tag, tags

from cellrouter.controlplane.page import words


@frozen
class Mark:
    """How a state is told: by its name and a sign, beside the colour.

    :ivar level: ``good``, ``busy``, ``bad`` or ``gone``, which the style sheet knows.
    :ivar sign: a character of its own.
    """

    level: str
    sign: str


GOOD, BUSY, WARN = Mark("good", "✓"), Mark("busy", "…"), Mark("busy", "!")
BAD, GONE = Mark("bad", "✕"), Mark("gone", "○")

NONE = "-"
"""A cell with nothing in it; a card leaves it out."""


def pill(mark: Mark, text: str) -> Tag:
    """Show a state."""
    sign = tags.span(mark.sign, **{"aria-hidden": "true"})
    return tags.span(sign, " ", text, class_=f"pill {mark.level}")


def when(timestamp: str, now: float) -> Tag:
    """Show a time, in UTC and as an age, which ``status.js`` keeps right."""
    age = tags.span(f"({words.age_of(timestamp, now)})", class_="age")
    return tags.time(tags.span(words.utc(timestamp)), " ", age, datetime=timestamp)


def code(text: str, title: str = "") -> Tag:
    """Show something that is typed or compared: a hash, a path, a command."""
    return tags.code(text, **({"title": title} if title else {}))


def facts(pairs: Iterable[tuple[str, Flattenable]], class_: str = "facts") -> Tag:
    """List names with what they stand for."""
    return tags.dl([tags.div(tags.dt(name), tags.dd(value)) for name, value in pairs], class_=class_)


def bullets(lines: Sequence[Flattenable], more: Flattenable = "") -> Tag:
    """List lines, and say what is left out."""
    return tags.ul([tags.li(line) for line in lines], tags.li(more) if more else "")


def note(*parts: Flattenable) -> Tag:
    """Say something that is less important than what stands beside it."""
    return tags.p(*parts, class_="note")


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Flattenable]]) -> Tag:
    """Make a table that a narrow screen shows as a card for each row.

    The roles are what the tags mean anyway; browsers forget that when a style sheet makes cards of rows.

    :param caption: what it lists, for those who do not see where it stands.
    :param columns: their headings.
    :param rows: a cell for each column; the first names the row.
    """
    head = tags.tr([tags.th(name, scope="col", role="columnheader") for name in columns], role="row")
    return tags.table(
        tags.caption(caption, class_="unseen"),
        tags.thead(head, role="rowgroup"),
        tags.tbody([_row(columns, cells) for cells in rows], role="rowgroup"),
        role="table",
    )


def _row(columns: Sequence[str], cells: Sequence[Flattenable]) -> Tag:
    first, *others = cells
    return tags.tr(
        tags.th(first, scope="row", role="rowheader"),
        [_cell(name, cell) for name, cell in zip(columns[1:], others, strict=True)],
        role="row",
    )


def _cell(name: str, content: Flattenable) -> Tag:
    none = {"class": "none"} if content == NONE else {}
    return tags.td(tags.div(content), role="cell", **{"data-label": name}, **none)
