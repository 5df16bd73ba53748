"""What the sections say."""

import re
from functools import partial
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from cellrouter.controlplane import reports
from cellrouter.controlplane.convergence import Expected
from cellrouter.controlplane.page.documents import MAX_DATA_PLANES, Documents, tidy
from cellrouter.controlplane.page.sections import SECTIONS
from cellrouter.controlplane.proposals import Proposal
from cellrouter.wire import Status
from tests.support.documents import text
from tests.unit.controlplane.page.pages import PageTestCase, Seen

HOSTILE = "<img src=x onerror=alert(1)>\"'&</section><script>alert(2)</script>\u202e"


class SectionTestCase(PageTestCase):
    """Helpers."""

    def words(self, name: str, documents: Documents | None = None) -> str:
        """Give the text of a section."""
        return re.sub(r"\s+", " ", Seen(self.section(name, documents)).text)

    def rows(self, name: str, documents: Documents | None = None) -> list[str]:
        """Give the text of each row of a section's tables."""
        html = self.section(name, documents)
        return [Seen(row).text for row in re.findall("<tr.*?</tr>", html)[1:]]

    def take_file(self, content: bytes) -> None:
        """Let the file say something else."""
        self.desk.path.write_bytes(content)
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.poll()

    def apply(self, version: str, actor: str = "ann", reason: str = "", **more: Any) -> None:
        """Make a change."""
        content = text(version, routingTable={f"c{number}": "tier1" for number in range(100)}, **more)
        proposal = Proposal(content=content, actor=actor, reason=reason)
        self.successResultOf(Deferred.fromCoroutine(self.desk.changes.propose(proposal)))


class OverviewTests(SectionTestCase):
    """The verdict, the active config, what needs attention, the last changes."""

    def test_a_fleet_that_has_converged_is_well(self) -> None:
        self.assertIn("No data plane has connected yet", self.words("verdict"))
        node = self.join("dp-1")
        self.assertIn("Waiting for 1 data plane to run revision 1", self.words("verdict"))
        self.ack(node)
        self.assertIn("✓ The one data plane runs revision 1", self.words("verdict"))
        self.ack(self.join("dp-2"))
        self.assertIn("All 2 data planes run revision 1", self.words("verdict"))

    def test_those_that_are_not_expected_are_not_said_to_run_it(self) -> None:
        self.ack(self.join("dp-1"))
        self.ack(self.join("dp-2"))
        stray = self.join("stray")
        desk = self.desk
        report = partial(reports.fleet, desk.hub, desk.intake, desk.rollouts, desk.traffic, self.clock)

        def verdict() -> str:
            fleet = tidy(report(Expected(names=("dp-1", "dp-2"))))
            return self.words("verdict", evolve(self.documents(), fleet=fleet))

        self.assertIn("All that are expected run revision 1; 1 other data plane does not", verdict())
        desk.hub.fleet.left(stray)
        self.assertIn("✓ All 2 data planes run revision 1", verdict())

    def test_a_refusal_comes_first_and_is_bad(self) -> None:
        self.ack(self.join("dp-1"))
        self.nack(self.join("dp-2"), "no")
        self.assertIn("✕ 1 data plane refused what it should run", self.words("verdict"))
        self.assertIn('class="pill bad"', self.section("verdict"))

    def test_the_active_config_is_named_with_its_whole_hash_and_who_made_it_so(self) -> None:
        self.apply("1.0.1", "ann", "a new port", port=9002)
        self.clock.advance(90)
        active = self.desk.changes.active
        assert active is not None
        words = self.words("active")
        for part in ("revision 2", "1.0.1", active.hash, "ann", "a new port", "(1 min ago)"):
            self.assertIn(part, words)
        self.assertIn(str(self.desk.path), words)

    def test_without_a_config_it_says_why(self) -> None:
        self.desk.hub.current = None
        self.join("dp-1")
        self.assertIn("No config has been accepted yet", self.words("verdict"))
        self.assertIn("no config has been accepted yet", self.words("attention"))
        self.assertIn("dp-1", self.words("fleet"))
        self.assertIn("Nothing is active", self.words("active"))

    def test_a_held_change_says_what_is_too_much_and_how_it_is_released(self) -> None:
        self.take_file(text("1.0.1", routingTable={"c1": "tier1"}))
        words = self.words("attention")
        for part in (
            "A change is held: version 1.0.1",
            "99 of 100 routes are removed: 99.0%",
            "cellrouter apply --override REASON",
            "put back what was there before",
        ):
            self.assertIn(part, words)
        self.assertIn("a change is held", self.words("verdict"))

    def test_a_file_that_is_refused_says_why(self) -> None:
        self.take_file(b'{"version": 3}')
        self.assertIn("The config file is refused", self.words("attention"))
        self.assertIn("/version", self.words("attention"))
        self.assertIn("is refused", self.words("active"))

    def test_of_very_many_problems_the_first_are_listed(self) -> None:
        routes = {f"c{number}": "nowhere" for number in range(50)}
        self.take_file(text("1.0.1", routingTable=routes))
        html = self.section("attention")
        self.assertEqual(html.count("<li>"), 11)
        self.assertIn('40 more: <a href="health">', html)

    def test_a_file_that_was_set_aside_is_pointed_out(self) -> None:
        self.apply("1.0.1", port=9002)
        self.take_file(self.config())
        self.assertTrue(self.documents().health["file_differs"])
        self.assertIn("says something else than what is active", self.words("attention"))

    def test_when_there_is_nothing_to_do_it_says_so(self) -> None:
        self.assertIn("Nothing is held, and there are no warnings", self.words("attention"))

    def test_warnings_of_the_fleet_are_shown(self) -> None:
        documents = self.documents()
        warning = {
            "kind": "default_share",
            "since": "2027-01-15T07:59:00.000Z",
            "message": "12 % went astray",
        }
        documents.fleet["warnings"] = [warning]
        words = self.words("attention", documents)
        for part in ("12 % went astray", "Default share", "(1 min ago)"):
            self.assertIn(part, words)
        self.assertIn("1 warning", self.words("verdict", documents))

    def test_a_key_of_etcd_stands_in_the_place_of_the_file(self) -> None:
        documents = self.documents()
        source = {"kind": "etcd", "key": "cellrouter", "connected": True, "state": "active", "problems": []}
        health = {**documents.health, "file": None, "source": source}
        documents = evolve(documents, health=health)
        self.assertIn("Config keycellrouter ✓ says what is active", self.words("active", documents))
        self.assertIn("Nothing is held", self.words("attention", documents))
        source.update(connected=False, problems=["no answer from http://etcd:2379"])
        self.assertIn("The config key cannot be watched", self.words("attention", documents))
        self.assertIn("no answer from http://etcd:2379", self.words("attention", documents))

    def test_the_last_changes_say_who_and_why(self) -> None:
        self.apply("1.0.1", "ann", "a new port", port=9002)
        rows = self.rows("changes")
        self.assertEqual(len(rows), 2)
        for part in (
            "2 ✓ active",
            "1.0.1",
            "2027-01-15 08:00:00 UTC",
            "ann",
            "placements: 1 changed",
            "a new port",
        ):
            self.assertIn(part, rows[0])


class FleetTests(SectionTestCase):
    """Data planes, their traffic, their placements."""

    def test_the_worst_are_listed_first_and_all_are_counted(self) -> None:
        self.ack(self.join("acked"))
        gone = self.join("gone")
        self.ack(gone)
        self.desk.hub.fleet.left(gone)
        self.join("behind")
        self.nack(self.join("refusing"), "it is too large")
        rows = self.rows("fleet")
        found = [re.match("refusing|behind|gone|acked", row)[0] for row in rows]
        self.assertEqual(found, ["refusing", "behind", "gone", "acked"])
        counts = self.words("fleet")
        for part in ("1 nacked", "1 behind", "1 departed", "1 acked"):
            self.assertIn(part, counts)

    def test_a_refusal_is_shown_with_its_reasons(self) -> None:
        self.nack(self.join("dp-1"), "one", "two", "three", "four", "five")
        (row,) = self.rows("fleet")
        for part in ("nacked", "/placements/t out_of_range: one", "three", "2 more", "nack of 1"):
            self.assertIn(part, row)
        self.assertNotIn("four", row)

    def test_a_name_that_several_give_is_pointed_out(self) -> None:
        self.join("dp-1")
        self.ack(self.join("dp-1", 1))
        self.assertIn("Waiting for 1 data plane", self.words("verdict"))
        (row,) = self.rows("fleet")
        self.assertIn("2 connections give this name", row)

    def test_a_fleet_of_thousands_stays_small(self) -> None:
        for number in range(3000):
            self.ack(self.join(f"dp-{number:04}", number))
        self.nack(self.join("dp-bad", 3001), *["x" * 1000] * 50)
        rows = self.rows("fleet")
        self.assertEqual(len(rows), MAX_DATA_PLANES)
        self.assertIn("dp-bad", rows[0])
        words = self.words("fleet")
        self.assertIn("3,000 acked", words)
        self.assertIn("200 of 3,001 are listed, the worst first", words)
        self.assertLess(len(self.page()), 200_000)

    def test_without_a_config_all_are_counted_too(self) -> None:
        for number in range(3):
            self.join(f"dp-{number}", number)
        documents = self.documents()
        unknown = {each: documents.fleet[each] for each in ("connected", "data_planes")}
        fleet = {**unknown, "active": None, "connected": 5000}
        self.assertIn("3 of 5,000 are listed", self.words("fleet", evolve(documents, fleet=fleet)))

    def test_traffic_is_shown_when_it_is_known(self) -> None:
        self.ack(self.join("dp-1"))
        self.assertIn("No data plane has told of any traffic yet", self.words("traffic"))
        documents = self.documents()
        figures = {"window_s": 30.0, "requests_per_s": 120.5, "share_5xx": 0.001, "share_default": 0.02}
        figures |= {"p50_ms": 1.2, "p99_ms": 12.3}
        documents.fleet["traffic"] = documents.fleet["data_planes"][0]["traffic"] = figures
        words = self.words("traffic", documents)
        for part in ("120 /s", "0.1 %", "2 %", "1.2 ms", "12.3 ms", "30 s"):
            self.assertIn(part, words)
        self.assertIn("120 /s0.1 % 5xxp99 12.3 ms", self.rows("fleet", documents)[0])

    def test_of_one_that_has_no_requests_the_rate_is_shown(self) -> None:
        self.ack(self.join("dp-1"))
        documents = self.documents()
        nothing = dict.fromkeys(("share_5xx", "share_default", "p50_ms", "p99_ms"))
        documents.fleet["data_planes"][0]["traffic"] = {"window_s": 30.0, "requests_per_s": 0.0, **nothing}
        (row,) = self.rows("fleet", documents)
        self.assertIn("0 /s", row)
        self.assertNotIn("p99", row)

    def test_placements_are_shown_the_least_healthy_first(self) -> None:
        documents = self.documents()
        documents.fleet["placements"] = {
            "fine": {
                "data_planes": 5,
                "checked": 4,
                "healthy": 4,
                "circuits": {"closed": 5},
                "in_flight": 12,
                "share": 0.4,
            },
            "broken": {"checked": 4, "healthy": 1, "circuits": {"closed": 1, "open": 4}},
            "unchecked": {"in_flight": 1},
        }
        rows = self.rows("placements", documents)
        self.assertIn("1/4 healthy1 closed, 4 open", rows[0])
        self.assertEqual([re.match("[a-z]+", row)[0] for row in rows], ["broken", "fine", "unchecked"])
        self.assertIn("✓ 4/4 healthy5 closed1240 %", rows[1])
        self.assertIn("not checked", rows[2])


class RolloutTests(SectionTestCase):
    """A rollout in steps."""

    steps = "1,25%,100%"

    def setUp(self) -> None:
        super().setUp()
        self.nodes = [self.join(f"dp-{number}", number) for number in range(8)]
        for node in self.nodes:
            self.ack(node)
        self.desk.rollouts.startService()
        self.addCleanup(self.desk.rollouts.stopService)

    def member(self) -> Any:
        rollout = self.desk.rollouts.rollout
        assert rollout is not None
        return next(node for node in self.nodes if node.name in rollout.members)

    def test_without_one_it_says_how_the_next_will_go(self) -> None:
        self.assertIn("The next change goes by 1, 25%, 100%, each watched for 60 s", self.words("rollout"))

    def test_it_says_which_step_it_is_at_and_for_whom_it_waits(self) -> None:
        self.apply("1.0.1", port=9002)
        member = self.member()
        words = self.words("rollout")
        for part in ("waiting for acks", "1 now", "25% next", f"Not acked yet{member.name}", "revision 1"):
            self.assertIn(part, words)
        self.ack(member)
        self.clock.advance(20)
        words = self.words("rollout")
        for part in ("being watched", "watched for 1 s of 60 s", "cellrouter rollout abort"):
            self.assertIn(part, words)
        self.assertIn("being rolled out: baking, step 1 of 3", self.words("verdict"))

    def test_while_it_is_watched_only_its_own_section_changes(self) -> None:
        self.apply("1.0.1", port=9002)
        self.ack(self.member())
        self.clock.advance(5)
        before = self.documents()
        self.clock.advance(3)
        after = self.documents()
        changed = [each.name for each in SECTIONS if each.mark(before) != each.mark(after)]
        self.assertEqual(changed, ["rollout"])

    def test_one_that_goes_back_is_not_to_be_steered(self) -> None:
        self.apply("1.0.1", port=9002)
        documents = self.documents()
        self.assertIn("cellrouter rollout promote", self.words("rollout", documents))
        documents.rollout["rollout"]["phase"] = "halting"
        self.assertNotIn("cellrouter rollout promote", self.words("rollout", documents))

    def test_one_that_was_halted_says_why(self) -> None:
        self.apply("1.0.1", port=9002)
        self.nack(self.member(), "no such thing")
        self.clock.advance(1)
        words = self.words("rollout")
        self.assertIn("halted, and taken back", words)
        self.assertIn("no such thing", words)
        self.assertIn("not taken", words)


class HostileTests(SectionTestCase):
    """Everybody lies."""

    def hostile(self) -> Documents:
        """Make everything hostile that can be: every text, every name of a member of the fleet's maps."""
        node = self.join("dp-1")
        self.nack(node, HOSTILE)
        self.take_file(text("1.0.1", routingTable={"c1": "tier1"}))
        documents = self.documents()
        warning = {"kind": HOSTILE, "since": "2027-01-15T07:59:00.000Z", "message": HOSTILE}
        more = {"warnings": [warning], "placements": {HOSTILE: {"circuits": {HOSTILE: 3}}}}
        return Documents(
            documents.at,
            tidy(_poisoned(documents.health)),
            tidy({**_poisoned(documents.fleet), **more}),
            documents.rollout,
            tidy(_poisoned(documents.versions)),
        )

    def test_no_text_of_anybody_becomes_an_element_or_an_attribute(self) -> None:
        harmless = Seen("".join(self.section(each.name) for each in SECTIONS)).tags()
        documents = self.hostile()
        html = "".join(self.section(each.name, documents) for each in SECTIONS)
        seen = Seen(html)
        self.assertEqual(seen.tags() & {"img", "script"}, set())
        self.assertLessEqual(seen.tags(), harmless | {"h3", "article", "li", "ul", "strong", "table", "div"})
        names = {name for _, attributes in seen.elements for name in attributes}
        self.assertEqual({name for name in names if name.startswith("on")}, set())
        self.assertGreater(seen.text.count("<img src=x onerror=alert(1)>"), 10)
        self.assertEqual(html.count("</section>"), len(SECTIONS) - 1)
        self.assertNotIn("\u202e", html)

    def test_a_status_of_any_shape_does_no_harm(self) -> None:
        node = self.join(HOSTILE[:200].replace("\u202e", ""))
        self.desk.hub.fleet.reported(node, Status({HOSTILE: {"healthy": [HOSTILE]}}, {"total": HOSTILE}))
        self.assertNotIn("<img", self.page())


class MarkTests(SectionTestCase):
    """How it is told that there is something new."""

    def test_as_time_passes_everything_stays_as_it_is(self) -> None:
        self.nack(self.join("dp-1"), "no")
        before = self.documents()
        self.clock.advance(3)
        self.desk.hub.fleet.reported(self.desk.hub.fleet.nodes()[0], Status({}, {}))
        after = self.documents()
        self.assertNotEqual(before.fleet, after.fleet)
        for section in SECTIONS:
            self.assertEqual(section.mark(before), section.mark(after), section.name)

    def test_traffic_is_news_but_nothing_urgent(self) -> None:
        before = self.documents()
        after = evolve(before, fleet={**before.fleet, "traffic": {"requests_per_s": 3}})
        (section,) = [each for each in SECTIONS if each.name == "traffic"]
        self.assertEqual(section.facts(before), section.facts(after))
        self.assertNotEqual(section.mark(before), section.mark(after))

    def test_the_health_of_a_placement_is_urgent_whatever_its_name_is(self) -> None:
        (section,) = [each for each in SECTIONS if each.name == "placements"]
        for name in ("tier1", "traffic", "last_seen"):
            well, ill, busy = (
                evolve(self.documents(), fleet={"placements": {name: {"checked": 1, **more}}})
                for more in ({"healthy": 1}, {"healthy": 0}, {"healthy": 1, "in_flight": 5})
            )
            self.assertNotEqual(section.facts(well), section.facts(ill), name)
            self.assertEqual(section.facts(well), section.facts(busy), name)
            self.assertNotEqual(section.mark(well), section.mark(ill), name)

    def test_a_refusal_is_urgent(self) -> None:
        node = self.join("dp-1")
        before = self.documents()
        self.nack(node, "no")
        after = self.documents()
        changed = {each.name for each in SECTIONS if each.facts(before) != each.facts(after)}
        self.assertEqual(changed, {"verdict", "fleet"})


class PageTests(SectionTestCase):
    """The page as a whole."""

    def test_it_has_every_section_once_and_nothing_inline(self) -> None:
        seen = Seen(self.page())
        ids = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual({each.name for each in SECTIONS}, set(ids))
        for tag, attributes in seen.elements:
            self.assertNotIn("style", attributes)
            self.assertEqual([name for name in attributes if name.startswith("on")], [])
            self.assertNotEqual(tag, "style")
        self.assertEqual(
            [attributes for tag, attributes in seen.elements if tag == "script"],
            [{"src": "status.js", "defer": "defer"}],
        )

    def test_it_has_landmarks_and_tables_have_headings(self) -> None:
        self.ack(self.join("dp-1"))
        seen = Seen(self.page())
        self.assertLessEqual({"header", "main", "footer", "nav", "h1", "h2", "caption"}, seen.tags())
        scopes = {attributes.get("scope") for tag, attributes in seen.elements if tag == "th"}
        self.assertEqual(scopes, {"row", "col"})


def _poisoned(value: Any) -> Any:
    """Put something hostile in place of each text that is not a time or a word of ours."""
    match value:
        case dict():
            return {name: each if name in _OURS else _poisoned(each) for name, each in value.items()}
        case list():
            return [_poisoned(each) for each in value]
        case str():
            return HOSTILE
    return value


_OURS = ("state", "file_state", "states", "departed", "since", "at", "accepted_at", "last_seen")
