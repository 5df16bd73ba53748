"""The operations guide is true: every command is run in the failure it is for, and prints what is shown."""

import re
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest

import cellrouter
from cellrouter.snapshots.active import Source
from tests.integration.runbook import (
    access,
    control_plane,
    data_planes,
    every_day,
    on_etcd,
    one_data_plane,
    requests,
    rollouts,
)
from tests.integration.runbook.fleet import Fleet
from tests.integration.runbook.walk import Walk
from tests.support.etcd import Etcd, demand_etcd
from tests.support.processes import ProcessTestCase, until_answers
from tests.support.runbook import Section, sections

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = ("operations.rst", "failures.rst")
PACKAGE = Path(cellrouter.__file__).parent
SCENARIOS = tuple(
    module.SCENARIOS
    for module in (every_day, control_plane, on_etcd, data_planes, one_data_plane, requests, rollouts, access)
)
ERROR = re.compile(r'(?:Refused\(\s*\d+,\s*|abort\(|self\.error = CLIENT_CLOSED_REQUEST, )"(\w+)"')
METRIC = re.compile(r"(cellrouter_\w+)({[^}]*})?")
OF_ETCD = "cellrouter_source_"
LABEL = re.compile(r'(\w+)=~?"([^"]*)"')
Metrics = dict[str, list[dict[str, str]]]
"""The labels of each, by name."""

Scenario = Callable[[Fleet, Walk], Awaitable[None]]


def guide() -> Iterator[Section]:
    """Give the sections of the guide that have commands or lines of a log."""
    for name in GUIDE:
        yield from sections((DOCS / name).read_text())


def alerts() -> list[dict[str, Any]]:
    """Give the rules of the alerts."""
    (group,) = yaml.safe_load((DOCS / "alerts.yaml").read_text())["groups"]
    return group["rules"]


async def metrics_of(*daemons: str) -> Metrics:
    """Ask daemons, by their URLs, for what they tell Prometheus."""
    told: Metrics = {}
    for url in daemons:
        for family in text_string_to_metric_families((await until_answers(f"{url}/metrics")).decode()):
            for sample in family.samples:
                told.setdefault(sample.name, []).append(sample.labels)
    return told


def may_match(matcher: str, told: list[dict[str, str]]) -> bool:
    """Tell whether there can be a metric that a matcher like ``{state="held"}`` finds.

    :param told: the labels of those there are.
    """
    for label, values in LABEL.findall(matcher):
        known = {labels.get(label) for labels in told}
        if label == "source":
            # What is served comes from one of several at a time.
            known = {source.value for source in Source}
        if not known.issuperset(values.split("|")):
            return False
    return True


class GuideTestCase(ProcessTestCase):
    """Knows what the guide says of alerts."""

    def assert_told(self, told: Metrics, of_etcd: bool) -> None:
        """Check that alerts are about what Prometheus is told.

        :param told: that.
        :param of_etcd: whether those metrics are meant that are told with etcd only, or the others.
        """
        for alert in alerts():
            for name, matcher in METRIC.findall(alert["expr"]):
                if name.startswith(OF_ETCD) is of_etcd:
                    self.assertIn(name, told, alert["alert"])
                    self.assertTrue(may_match(matcher, told[name]), alert["alert"])


class PagesTests(GuideTestCase):
    """What the pages say that no command shows."""

    def test_every_section_has_a_scenario_and_every_scenario_a_section(self) -> None:
        titles = [section.title for section in guide()]
        self.assertEqual(len(titles), len(set(titles)))
        self.assertEqual(sorted(titles), sorted(title for each in SCENARIOS for title in each))

    def test_every_word_for_an_error_is_explained(self) -> None:
        sources = [
            file.read_text() for layer in ("proxy", "http1") for file in (PACKAGE / layer).glob("*.py")
        ]
        words = {word for source in sources for word in ERROR.findall(source)}
        table = (DOCS / "failures.rst").read_text().partition("``error``  ")[2].partition("**Do not**")[0]
        self.assertEqual(set(re.findall(r"^``(\w+)``", table, re.MULTILINE)), words)

    def test_every_alert_is_in_the_table_and_leads_to_a_section(self) -> None:
        table = re.findall(
            r"^(Cellrouter\w+) +(\w+) +(\S.*)$", (DOCS / "operations.rst").read_text(), re.MULTILINE
        )
        said = [(each["alert"], each["labels"]["severity"], each["annotations"]["see"]) for each in alerts()]
        self.assertEqual(said, table)
        failures = {section.title for section in sections((DOCS / "failures.rst").read_text())}
        self.assertLessEqual({see for _, _, see in said}, failures)

    async def test_every_alert_is_about_what_daemons_tell_prometheus(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all()
        told = await metrics_of(fleet.environment["CONTROL_PLANE"], fleet.environment["DATA_PLANE"])
        self.assert_told(told, of_etcd=False)


class OperationsTests(GuideTestCase):
    """The guide, walked through with real daemons."""

    timeout = 600.0

    def setUp(self) -> None:
        if shutil.which("curl") is None:
            raise SkipTest("curl is not installed")
        super().setUp()

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

    async def test_days_on_which_nothing_fails(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all()
        await self.walk(every_day.SCENARIOS, fleet)

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

    async def test_etcd(self) -> None:
        demand_etcd()
        fleet, etcd = Fleet(self), Etcd(self.folder)
        self.addCleanup(lambda: Deferred.fromCoroutine(etcd.stop("KILL")))
        await on_etcd.start(fleet, etcd)
        self.assert_told(await metrics_of(fleet.environment["CONTROL_PLANE"]), of_etcd=True)
        await self.walk(on_etcd.SCENARIOS, fleet)

    async def test_rollouts(self) -> None:
        fleet = Fleet(self)
        await fleet.start_all(rollouts.OPTIONS)
        await self.walk(rollouts.SCENARIOS, fleet)

    async def test_access(self) -> None:
        fleet = Fleet(self)
        access.write_tokens(fleet)
        await fleet.start_all(access.OPTIONS, access.TOKEN)
        await self.walk(access.SCENARIOS, fleet)
