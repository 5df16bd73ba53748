"""The names in a document: what they may be made of, and what they must lead to."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.documents import document
from tests.unit.config.refusals import refusals, violations

URL = "http://127.0.0.1:9002"


def chain(**fallbacks: str | None) -> dict[str, object]:
    """Make placements with fallbacks."""
    return {
        key: {"url": URL} if fallback is None else {"url": URL, "fallback": fallback}
        for key, fallback in fallbacks.items()
    }


class KeyTests(SynchronousTestCase):
    """Routing keys and placement keys."""

    def test_routing_keys_that_a_header_field_carries_unchanged(self) -> None:
        for key in ("a", "customer-123", "A/b~c", "!\"#$%&'()*+-./:;<=>?@[]^_`{|}~", "k" * 256):
            self.assertEqual(refusals(document(routingTable={key: "tier1"})), [], key)

    def test_routing_keys_that_it_does_not(self) -> None:
        for key in ("", " ", "a b", " a", "a\t", "a,b", "é", "\x7f", "\x00", "a\n", "k" * 257):
            ((_, code),) = refusals(document(routingTable={key: "tier1"}))
            self.assertEqual(code, "invalid_routing_key", key)

    def test_placement_keys(self) -> None:
        for name, value in (("cellEndpoints", URL), ("placements", {"url": URL})):
            for key in ("a", "a,b", "p" * 128):
                fields = {**document().get(name, {}), key: value}
                self.assertEqual(refusals(document(**{name: fields})), [], key)
            for key in ("", " ", "a b", "é", "a\r\nX: y", "p" * 129):
                fields = {**document().get(name, {}), key: value}
                ((path, code),) = refusals(document(**{name: fields}))
                self.assertEqual(code, "invalid_placement_key", key)
                self.assertTrue(path.startswith(f"/{name}/"))

    def test_a_placement_in_both_maps(self) -> None:
        (violation,) = violations(document(placements={"tier3": {"url": URL}}))
        self.assertEqual((violation.path, violation.code), ("/cellEndpoints/tier3", "duplicate_key"))
        self.assertIn('"placements" too', violation.message)


class ReferenceTests(SynchronousTestCase):
    """Who names a placement."""

    def test_routes(self) -> None:
        routes = {"a": "tier1", "b": "tier4", "c": "tier3", "d": "TIER1", "e": ""}
        self.assertEqual(
            refusals(document(routingTable=routes)),
            [(f"/routingTable/{key}", "unknown_placement") for key in "bde"],
        )

    def test_routes_that_are_no_names(self) -> None:
        routes = {"a": None, "b": 1, "c": ["tier1"], "d": {}, "e": True}
        self.assertEqual(
            refusals(document(routingTable=routes)),
            [(f"/routingTable/{key}", "wrong_type") for key in routes],
        )

    def test_the_default_placement(self) -> None:
        (violation,) = violations(document(defaultPlacement="tier4"))
        self.assertEqual((violation.path, violation.code), ("/defaultPlacement", "unknown_placement"))
        self.assertIn('there is no placement "tier4"; did you mean "tier', violation.message)

    def test_fallbacks_may_cross_from_one_map_to_the_other(self) -> None:
        self.assertEqual(refusals(document(placements=chain(tier2="tier3"))), [])

    def test_fallbacks(self) -> None:
        self.assertEqual(
            refusals(document(placements=chain(tier2="tier4"))),
            [("/placements/tier2/fallback", "unknown_placement")],
        )

    def test_names_are_looked_for_among_broken_placements_too(self) -> None:
        broken = {"tier2": {"url": 1}}
        self.assertEqual(
            refusals(document(placements=broken, routingTable={"a": "tier2"})),
            [("/placements/tier2/url", "wrong_type")],
        )

    def test_no_placements_at_all_is_one_violation(self) -> None:
        nowhere = document()
        del nowhere["cellEndpoints"]
        self.assertEqual(refusals(nowhere), [("/placements", "missing_field")])

    def test_an_empty_map_has_none_of_the_names(self) -> None:
        self.assertEqual(
            refusals(document(cellEndpoints={})),
            [("/routingTable/acme", "unknown_placement"), ("/defaultPlacement", "unknown_placement")],
        )


class FallbackCycleTests(SynchronousTestCase):
    """Following fallbacks ends."""

    def cycles(self, **fallbacks: str | None) -> list[str]:
        found = violations(document(placements=chain(**fallbacks)))
        self.assertEqual({violation.code for violation in found} - {"fallback_cycle"}, set())
        return [f"{violation.path}: {violation.message}" for violation in found]

    def test_a_chain(self) -> None:
        self.assertEqual(self.cycles(a="b", b="c", c="tier3", d="b", e=None), [])

    def test_its_own_fallback(self) -> None:
        self.assertEqual(
            self.cycles(a="a"), ["/placements/a/fallback: a placement cannot be its own fallback"]
        )

    def test_a_cycle_is_told_once_without_what_leads_to_it(self) -> None:
        self.assertEqual(
            self.cycles(x="y", y="a", a="b", b="c", c="a", z="c"),
            ['/placements/a/fallback: fallbacks go round: "a" -> "b" -> "c" -> "a"'],
        )

    def test_every_cycle_is_told(self) -> None:
        self.assertEqual(len(self.cycles(a="b", b="a", c="d", d="c", e="e", f="a")), 3)

    def test_a_long_cycle_is_told_in_short(self) -> None:
        length = 10_000
        (line,) = self.cycles(**{f"p{number}": f"p{(number + 1) % length}" for number in range(length)})
        self.assertTrue(line.endswith('"p9" -> … -> "p0"'), line)
