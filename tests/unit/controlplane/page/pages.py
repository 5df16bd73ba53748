"""A status page in memory, over a control plane's inside."""

from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Revision, Violation
from cellrouter.controlplane import reports, rollout_reports
from cellrouter.controlplane.access import Access, RefusalLog
from cellrouter.controlplane.bodies import BoundedSite
from cellrouter.controlplane.convergence import ALL_SEEN
from cellrouter.controlplane.fleet import Node
from cellrouter.controlplane.page.documents import MAX_DATA_PLANES, Documents, Gatherer
from cellrouter.controlplane.page.live import Live
from cellrouter.controlplane.page.resources import add_page
from cellrouter.controlplane.page.sections import SECTIONS, html_of, whole_page
from cellrouter.daemon import JsonRoot
from cellrouter.wire import Ack, Hello, Nack
from tests.support.documents import text
from tests.unit.controlplane.desks import Desk

AT_S = 1_800_000_000
"""2027-01-15T08:00:00Z, when everything begins."""


class PageTestCase(SynchronousTestCase):
    """A control plane with a config, and its page.

    :ivar steps: by which changes get to the data planes.
    """

    steps = "all"

    def setUp(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory()))
        self.clock = Clock()
        self.clock.advance(AT_S)
        self.desk = desk = Desk(folder, self.clock, self.steps)
        desk.path.write_bytes(self.config())
        desk.intake.load_blocking()
        more = (desk.hub, desk.intake, desk.rollouts, desk.traffic, self.clock, ALL_SEEN)
        self.gatherer = Gatherer(
            lambda: reports.health(desk.hub, desk.intake, desk.changes, desk.rollouts)[1],
            lambda: reports.fleet(*more, most=MAX_DATA_PLANES),
            lambda: rollout_reports.status(desk.rollouts),
            *(desk.history, self.clock),
        )
        self.gathered = 0
        self.live = Live(self.gather_for_live, self.clock)
        self.live.startService()
        root = JsonRoot()
        add_page(root, self.live)
        self.site = BoundedSite(root, 10_000, self.clock, Access(RefusalLog(self.clock)))

    def config(self) -> bytes:
        return text("1.0.0", routingTable={f"c{number}": "tier1" for number in range(100)})

    async def gather_for_live(self) -> Documents:
        self.gathered += 1
        return await self.gatherer.gather()

    def wait(self, coroutine: Any) -> Any:
        """Give what a coroutine returns that has nothing to wait for."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def documents(self) -> Documents:
        return self.wait(self.gatherer.gather())

    def section(self, name: str, documents: Documents | None = None) -> str:
        """Give the HTML of a section."""
        (section,) = [each for each in SECTIONS if each.name == name]
        return self.wait(html_of(section.tag(documents or self.documents()))).decode()

    def page(self) -> str:
        return self.wait(whole_page(self.documents())).decode()

    def join(self, name: str, number: int = 0) -> Node:
        """Let a data plane say hello."""
        arrived = self.desk.hub.fleet.arrived(f"10.0.{number // 250}.{number % 250}:50000")
        return self.desk.hub.fleet.said_hello(arrived, Hello(name, "1.0"))

    def ack(self, node: Node) -> None:
        """Let a data plane run what is active."""
        active = self.desk.changes.active
        assert active is not None
        self.desk.hub.fleet.acked(node, Ack(active.version, active.revision, active.hash, 1.0))

    def nack(self, node: Node, *messages: str) -> None:
        """Let a data plane refuse what is active."""
        active = self.desk.changes.active
        assert active is not None
        errors = tuple(Violation("/placements/t", "out_of_range", message) for message in messages)
        self.desk.hub.fleet.nacked(node, Nack("1.0.0", Revision(active.revision), active.hash, errors))


class Seen(HTMLParser):
    """What a browser makes of HTML: the elements, with their attributes, and the text.

    :param html: it.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self) -> set[str]:
        """Name the elements there are."""
        return {tag for tag, _ in self.elements}
