"""The sections of the status page, and how they become HTML."""

import hashlib
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from attrs import frozen
from twisted.web.iweb import IRequest
from twisted.web.template import Element, Flattenable, Tag, XMLString, flattenString, renderer, tags

from cellrouter import __version__
from cellrouter.controlplane.page import overview, planes, progress, words
from cellrouter.controlplane.page.documents import AGES, FIGURES, Documents, Json, without
from cellrouter.daemon.times import utc_timestamp

DOCTYPE = b"<!DOCTYPE html>\n"


@frozen
class Section:
    """A part of the page that is drawn, and sent, as a whole.

    :ivar name: its id in the page.
    :ivar title: its heading.
    :ivar draw: draws it.
    :ivar select: takes from the documents what it shows.
    """

    name: str
    title: str
    draw: Callable[[Documents], Flattenable]
    select: Callable[[Documents], Any]

    def facts(self, documents: Documents) -> str:
        """Write what has to be shown at once when it changes."""
        return json.dumps(without(self.select(documents), AGES | FIGURES))

    def mark(self, documents: Documents) -> str:
        """Name what is shown, whatever the ages in it are: another name means that there is something new."""
        shown = json.dumps(without(self.select(documents), AGES))
        return hashlib.sha256(shown.encode()).hexdigest()[:16]

    def tag(self, documents: Documents) -> Tag:
        """Draw it with its frame."""
        title = f"{self.name}-title"
        names = {"aria-labelledby": title, "data-mark": self.mark(documents)}
        heading = tags.h2(self.title, id=title)
        return tags.section(heading, self.draw(documents), id=self.name, **names)


class Verdict(Section):
    """The line at the top: no heading, and read out when it changes."""

    def tag(self, documents: Documents) -> Tag:
        """Draw it."""
        _, text = overview.judged(documents)
        names = {"data-mark": self.mark(documents), "data-title": f"{text} - cellrouter"}
        return tags.div(self.draw(documents), id=self.name, role="status", **names)


def _part(document: Json, *members: str) -> Json:
    return {name: document.get(name) for name in members}


SECTIONS: tuple[Section, ...] = (
    Verdict("verdict", "", overview.verdict, lambda documents: overview.judged(documents)[1]),
    Section(
        *("attention", "Attention", overview.attention),
        select=lambda documents: [
            _part(documents.health, "held", "file", "source", "reasons"),
            _part(documents.fleet, "warnings"),
        ],
    ),
    Section(
        *("active", "Active config", overview.active),
        select=lambda documents: [
            _part(documents.health, "file", "source"),
            _part(documents.fleet, "active"),
            documents.versions,
        ],
    ),
    Section("rollout", "Rollout", progress.rollout, lambda documents: documents.rollout),
    Section(
        *("fleet", "Fleet", planes.fleet),
        select=lambda documents: _part(documents.fleet, "connected", "states", "departed", "data_planes"),
    ),
    Section(
        *("traffic", "Traffic", planes.traffic),
        select=lambda documents: _part(documents.fleet, "traffic"),
    ),
    Section(
        *("placements", "Placements", planes.placements),
        # In pairs: a placement may have the name of a member that is left out.
        select=lambda documents: list(map(list, (documents.fleet.get("placements") or {}).items())),
    ),
    Section("changes", "Last changes", overview.changes, lambda documents: documents.versions),
)


class Page(Element):
    """The whole page.

    :param documents: what it shows.
    """

    loader = XMLString(files(__package__).joinpath("page.xml").read_bytes())

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self._documents = documents

    @renderer
    def page(self, request: IRequest | None, tag: Tag) -> Tag:
        """Fill the template."""
        now = utc_timestamp(self._documents.at)
        drawn = {section.name: section.tag(self._documents) for section in SECTIONS}
        title = drawn["verdict"].attributes["data-title"]
        return tag.fillSlots(now=now, at=words.utc(now), release=__version__, title=title, **drawn)


async def html_of(content: Flattenable) -> bytes:
    """Write HTML."""
    return await flattenString(None, content)


async def whole_page(documents: Documents) -> bytes:
    """Write the page."""
    return DOCTYPE + await html_of(Page(documents))
