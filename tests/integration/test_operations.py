"""The operations guide is true: every command is run in the failure it is for, and prints what is shown."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

from tests.integration.runbook import control_plane, data_planes, one_data_plane, requests
from tests.integration.runbook.fleet import Fleet
from tests.integration.runbook.walk import Walk
from tests.support.processes import ProcessTestCase
from tests.support.runbook import Section, sections

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = ("operations.rst", "failures.rst")
Scenario = Callable[[Fleet, Walk], Awaitable[None]]


def guide() -> Iterator[Section]:
    """Give the sections of the guide that have commands or lines of a log."""
    for name in GUIDE:
        yield from sections((DOCS / name).read_text())


class OperationsTests(ProcessTestCase):
    """The guide, walked through with real daemons."""

    timeout = 600.0

    async def walk(self, scenarios: Mapping[str, Scenario], fleet: Fleet) -> None:
        """Walk through sections in the order that the guide has them in.

        :param scenarios: brings about what each section is about.
        :param fleet: what it is brought about in.
        """
        for section in guide():
            if section.title in scenarios:
                walk = Walk(self, fleet, section)
                await scenarios[section.title](fleet, walk)
                self.assertEqual(walk.left, 0, f"{section.title}: commands were not run")

    async def test_the_control_plane_and_changes(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all()
        await self.walk(control_plane.SCENARIOS, fleet)

    async def test_the_fleet(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all()
        await self.walk(data_planes.SCENARIOS, fleet)

    async def test_one_data_plane(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all()
        await self.walk(one_data_plane.SCENARIOS, fleet)

    async def test_requests(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all()
        await self.walk(requests.SCENARIOS, fleet)
