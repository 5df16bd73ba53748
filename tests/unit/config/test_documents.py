"""What a document may contain, field by field, and where it is said to be wrong."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import (
    CircuitBreaker,
    HealthCheck,
    MissingKeyPolicy,
    Placement,
    PlacementKey,
    RoutingConfig,
    RoutingKey,
    load_document,
)
from tests.support.documents import document, text
from tests.unit.config.refusals import refusals, violations

HEALTH_CHECK = {"path": "/health", "interval": "10s", "timeout": "2s"}
CIRCUIT_BREAKER = {"failure_threshold": 5, "timeout": "30s"}
FULL = {
    "url": "http://tier2-cell:8080",
    "fallback": "tier3",
    "health_check": HEALTH_CHECK,
    "circuit_breaker": CIRCUIT_BREAKER,
    "concurrency_limit": 100,
    "max_request_body_bytes": 10485760,
}
NOT_STRINGS: tuple[object, ...] = (None, True, 1, 0.5, [], {})
NOT_OBJECTS: tuple[object, ...] = (None, True, 1, 0.5, [], "{}")
NOT_INTEGERS: tuple[object, ...] = (None, True, 1.0, 1e3, "1", [], {})


def with_placement(**fields: object) -> dict[str, Any]:
    """Make a document with the placement ``tier2``."""
    return document(placements={"tier2": {**FULL, **fields}})


class ValidTests(SynchronousTestCase):
    """Documents that mean something."""

    def test_everything_that_can_be_said(self) -> None:
        config = load_document(document(placements={"tier2": FULL}, missingKeyPolicy="reject")).config
        expected = RoutingConfig(
            version="1.0.0",
            routing_table={RoutingKey("acme"): PlacementKey("tier1")},
            placements={
                PlacementKey("tier1"): Placement("http://127.0.0.1:9001"),
                PlacementKey("tier3"): Placement("http://127.0.0.1:9003"),
                PlacementKey("tier2"): Placement(
                    "http://tier2-cell:8080",
                    PlacementKey("tier3"),
                    HealthCheck("/health", 10.0, 2.0),
                    CircuitBreaker(5, 30.0),
                    100,
                    10485760,
                ),
            },
            default_placement=PlacementKey("tier3"),
            missing_key_policy=MissingKeyPolicy.REJECT,
        )
        self.assertEqual(config, expected)

    def test_as_little_as_can_be_said(self) -> None:
        config = load_document(
            {"version": "1", "routingTable": {}, "placements": {"tier3": {"url": "http://cell"}}}
        ).config
        self.assertEqual(
            config,
            RoutingConfig("1", {}, {PlacementKey("tier3"): Placement("http://cell")}, PlacementKey("tier3")),
        )
        self.assertIs(config.missing_key_policy, MissingKeyPolicy.DEFAULT)

    def test_thresholds_of_a_health_check(self) -> None:
        check = {**HEALTH_CHECK, "unhealthy_threshold": 1, "healthy_threshold": 7}
        placement = load_document(with_placement(health_check=check)).config.placements[PlacementKey("tier2")]
        self.assertEqual(placement.health_check, HealthCheck("/health", 10.0, 2.0, 1, 7))

    def test_the_config_cannot_be_changed(self) -> None:
        config = load_document(document()).config
        for mapping in (config.routing_table, config.placements):
            with self.assertRaises(TypeError):
                mapping["x"] = "y"  # type: ignore[index]  # it must not work

    def test_limits_at_their_bounds(self) -> None:
        for limit in (1, 2**53 - 1):
            self.assertEqual(refusals(with_placement(concurrency_limit=limit)), [])


class DocumentTests(SynchronousTestCase):
    """The document itself."""

    def test_it_is_an_object(self) -> None:
        for data, kind in (
            (b"null", "null"),
            (b"true", "a boolean"),
            (b"1", "a number"),
            (b"0.5", "a number"),
            (b'"{}"', "a string"),
            (b"[{}]", "an array"),
        ):
            (violation,) = violations(data)
            self.assertEqual((violation.path, violation.code), ("", "invalid_json"))
            self.assertEqual(violation.message, f"the document must be an object, not {kind}")

    def test_required_fields(self) -> None:
        self.assertEqual(
            refusals({}),
            [
                ("/version", "missing_field"),
                ("/routingTable", "missing_field"),
                ("/placements", "missing_field"),
            ],
        )

    def test_an_absent_default_placement_is_tier3_which_must_exist(self) -> None:
        without = document()
        del without["defaultPlacement"], without["cellEndpoints"]["tier3"]
        self.assertEqual(refusals(without), [("/defaultPlacement", "unknown_placement")])

    def test_types(self) -> None:
        for field, values in (
            ("version", NOT_STRINGS),
            ("defaultPlacement", NOT_STRINGS),
            ("missingKeyPolicy", (*NOT_STRINGS, "", "Default", "deny")),
            ("routingTable", NOT_OBJECTS),
            ("cellEndpoints", NOT_OBJECTS),
            ("placements", NOT_OBJECTS),
        ):
            for value in values:
                self.assertEqual(
                    refusals(document(**{field: value})), [(f"/{field}", "wrong_type")], (field, value)
                )

    def test_the_message_says_what_was_expected_and_found(self) -> None:
        (violation,) = violations(document(version=None))
        self.assertEqual(violation.message, "must be a string, not null")
        (violation,) = violations(document(missingKeyPolicy="rejct"))
        self.assertEqual(
            violation.message, 'must be "default" or "reject", not "rejct"; did you mean "reject"?'
        )

    def test_versions(self) -> None:
        for version in ("", " ", "x" * 129, "a\nb", "\x00", "\u202e1", "\u200b"):
            self.assertEqual(refusals(document(version=version)), [("/version", "empty_version")])
        for version in ("1", "x" * 128, "é 😀", "release of monday"):
            self.assertEqual(refusals(document(version=version)), [])

    def test_an_unknown_field_comes_with_the_one_that_was_meant(self) -> None:
        (violation,) = violations(document(routngTable={}))
        self.assertEqual((violation.path, violation.code), ("/routngTable", "unknown_field"))
        self.assertEqual(
            violation.message, '"routngTable" is not a known field; did you mean "routingTable"?'
        )

    def test_names_of_our_own_are_no_fields(self) -> None:
        self.assertEqual(
            refusals(document(routing_table={}, default_placement="tier3")),
            [("/default_placement", "unknown_field"), ("/routing_table", "unknown_field")],
        )

    def test_everything_that_is_wrong_is_said_at_once(self) -> None:
        data = text(
            version="",
            routingTable={"a,b": "tier1", "acme": "tier9", "x": 1},
            placements={"tier2": {"url": "cell", "fallback": "tier7", "limit": 1}, "tier1": FULL, "é": FULL},
            defaultPlacement="tier8",
            missingKeyPolicy=None,
        ).replace(b'"x": 1', b'"x": 1, "x": 1')
        self.assertEqual(
            sorted(refusals(data)),
            [
                ("/cellEndpoints/tier1", "duplicate_key"),
                ("/defaultPlacement", "unknown_placement"),
                ("/missingKeyPolicy", "wrong_type"),
                ("/placements/tier2/fallback", "unknown_placement"),
                ("/placements/tier2/limit", "unknown_field"),
                ("/placements/tier2/url", "invalid_url"),
                ("/placements/é", "invalid_placement_key"),
                ("/routingTable/a,b", "invalid_routing_key"),
                ("/routingTable/acme", "unknown_placement"),
                ("/routingTable/x", "duplicate_key"),
                ("/routingTable/x", "wrong_type"),
                ("/version", "empty_version"),
            ],
        )


class PlacementTests(SynchronousTestCase):
    """The fields of a placement."""

    def assert_refused(
        self, code: str, path: str, values: tuple[object, ...], **outer: dict[str, object]
    ) -> None:
        *parents, field = path.split("/")
        for value in values:
            placement: dict[str, object] = {field: value}
            for parent in reversed(parents):
                placement = {parent: {**outer[parent], **placement}}
            self.assertEqual(
                refusals(with_placement(**placement)), [(f"/placements/tier2/{path}", code)], (path, value)
            )

    def test_a_placement_is_an_object_with_a_url(self) -> None:
        for value in NOT_OBJECTS:
            self.assertEqual(
                refusals(document(placements={"tier2": value})), [("/placements/tier2", "wrong_type")]
            )
        self.assertEqual(refusals(document(placements={"a": {}})), [("/placements/a/url", "missing_field")])

    def test_types(self) -> None:
        for field in ("url", "fallback"):
            self.assert_refused("wrong_type", field, NOT_STRINGS)
        for field in ("health_check", "circuit_breaker"):
            self.assert_refused("wrong_type", field, NOT_OBJECTS)
        for field in ("concurrency_limit", "max_request_body_bytes"):
            self.assert_refused("wrong_type", field, NOT_INTEGERS)

    def test_limits(self) -> None:
        for field in ("concurrency_limit", "max_request_body_bytes"):
            self.assert_refused("out_of_range", field, (0, -1, 2**53, 10**99))

    def test_urls(self) -> None:
        self.assert_refused(
            "invalid_url", "url", ("", "cell", "https://cell", "http://cell/path", "http://a@b")
        )

    def test_endpoints_in_the_short_form(self) -> None:
        for value, code in (*((each, "wrong_type") for each in NOT_STRINGS), ("cell", "invalid_url")):
            endpoints = {"tier1": "http://cell", "tier3": value}
            self.assertEqual(refusals(document(cellEndpoints=endpoints)), [("/cellEndpoints/tier3", code)])

    def test_health_checks(self) -> None:
        outer = {"health_check": HEALTH_CHECK}
        for field in ("path", "interval", "timeout"):
            self.assert_refused("wrong_type", f"health_check/{field}", NOT_STRINGS, **outer)
        for field in ("unhealthy_threshold", "healthy_threshold"):
            self.assert_refused("wrong_type", f"health_check/{field}", NOT_INTEGERS, **outer)
            self.assert_refused("out_of_range", f"health_check/{field}", (0,), **outer)
        for field in ("interval", "timeout"):
            self.assert_refused("invalid_duration", f"health_check/{field}", ("", "0s", "25h", "10"), **outer)
        paths = ("", "health", "/a b", "/a#b", "/é", "/\r\nX: y", "/" * 2049)
        self.assert_refused("invalid_url", "health_check/path", paths, **outer)

    def test_a_health_check_ends_before_the_next_one_begins(self) -> None:
        for interval, timeout, expected in (
            ("10s", "10s", []),
            ("10s", "10001ms", [("/placements/tier2/health_check/timeout", "invalid_duration")]),
        ):
            check = {"path": "/", "interval": interval, "timeout": timeout}
            self.assertEqual(refusals(with_placement(health_check=check)), expected)

    def test_circuit_breakers(self) -> None:
        outer = {"circuit_breaker": CIRCUIT_BREAKER}
        self.assert_refused("wrong_type", "circuit_breaker/failure_threshold", NOT_INTEGERS, **outer)
        self.assert_refused("out_of_range", "circuit_breaker/failure_threshold", (0, -5), **outer)
        self.assert_refused("wrong_type", "circuit_breaker/timeout", NOT_STRINGS, **outer)
        self.assert_refused("invalid_duration", "circuit_breaker/timeout", ("0s", "soon"), **outer)

    def test_required_fields_inside(self) -> None:
        self.assertEqual(
            refusals(with_placement(health_check={}, circuit_breaker={})),
            [
                ("/placements/tier2/health_check/path", "missing_field"),
                ("/placements/tier2/health_check/interval", "missing_field"),
                ("/placements/tier2/health_check/timeout", "missing_field"),
                ("/placements/tier2/circuit_breaker/failure_threshold", "missing_field"),
                ("/placements/tier2/circuit_breaker/timeout", "missing_field"),
            ],
        )

    def test_unknown_fields_inside(self) -> None:
        found = violations(
            with_placement(
                helth_check={}, circuit_breaker={**CIRCUIT_BREAKER, "treshold": 1, "failure_treshold": 1}
            )
        )
        self.assertEqual(
            sorted((each.path, each.code, each.message.partition("; ")[2]) for each in found),
            [
                (
                    "/placements/tier2/circuit_breaker/failure_treshold",
                    "unknown_field",
                    'did you mean "failure_threshold"?',
                ),
                (
                    "/placements/tier2/circuit_breaker/treshold",
                    "unknown_field",
                    'did you mean "failure_threshold"?',
                ),
                ("/placements/tier2/helth_check", "unknown_field", 'did you mean "health_check"?'),
            ],
        )

    def test_a_key_that_needs_escaping_in_a_path(self) -> None:
        self.assertEqual(
            refusals(document(placements={"a/b~c": {}})), [("/placements/a~1b~0c/url", "missing_field")]
        )
