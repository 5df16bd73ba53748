"""A document as a whole: its hash, its limits, and what hostile ones are answered."""

import json
from copy import deepcopy
from hashlib import sha256

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import (
    DEFAULT_MAX_CONFIG_BYTES,
    ConfigRefused,
    inert_fields,
    load_config,
    load_document,
)
from cellrouter.config.violations import MAX_REPORT_CHARS, MAX_VIOLATIONS
from tests.support.documents import document, text
from tests.unit.config.refusals import refusals, violations


class HashTests(SynchronousTestCase):
    """What counts as a change."""

    def test_it_is_of_the_document_with_sorted_keys_and_no_spaces(self) -> None:
        canonical = (
            '{"cellEndpoints":{"tier3":"http://bücher:80"},"defaultPlacement":"tier3",'
            '"routingTable":{"a":"tier3","b":"tier3"},"version":"é/😀"}'
        )
        loaded = load_document(
            {
                "version": "é/😀",
                "routingTable": {"b": "tier3", "a": "tier3"},
                "defaultPlacement": "tier3",
                "cellEndpoints": {"tier3": "http://bücher:80"},
            }
        )
        self.assertEqual(loaded.hash, "sha256:" + sha256(canonical.encode()).hexdigest())

    def test_order_white_space_and_escapes_are_no_change(self) -> None:
        loaded = load_config(text("é"))
        for same in (
            json.dumps(document("é"), indent=4, sort_keys=True).encode(),
            json.dumps(document("é"), ensure_ascii=False).encode(),
            text("é").replace(b"tier", rb"\u0074ier").replace(b"/", rb"\/"),
        ):
            self.assertEqual(load_config(same).hash, loaded.hash)

    def test_every_other_difference_is_a_change(self) -> None:
        documents = (
            document(),
            document("1.0.1"),
            document(port=9002),
            document(routingTable={"acme": "tier3"}),
            document(routingTable={}),
            document(missingKeyPolicy="default"),
            document(placements={"tier2": {"url": "http://a"}}),
            document(placements={"tier2": {"url": "http://a", "concurrency_limit": 1}}),
        )
        self.assertEqual(len({load_document(each).hash for each in documents}), len(documents))

    def test_the_document_is_kept_as_it_was_written(self) -> None:
        original = document(placements={"tier2": {"url": "http://a", "fallback": "tier3"}})
        loaded = load_document(deepcopy(original))
        self.assertEqual(loaded.document, original)
        self.assertEqual(load_config(json.dumps(original).encode()), loaded)


class InertTests(SynchronousTestCase):
    """Fields that do nothing yet."""

    def test_they_are_named(self) -> None:
        placements = {"a/b": {"url": "http://a", "fallback": "tier3", "max_request_body_bytes": 1}}
        self.assertIn(
            "/placements/a~1b/fallback", inert_fields(load_document(document(placements=placements)).config)
        )
        self.assertEqual(inert_fields(load_document(document()).config), ())


class SizeTests(SynchronousTestCase):
    """How large a document may be."""

    def test_the_limit_is_in_bytes(self) -> None:
        data = text("é")
        load_config(data, limit_bytes=len(data))
        refused = self.assertRaises(ConfigRefused, load_config, data, limit_bytes=len(data) - 1)
        self.assertEqual([each.code for each in refused.violations], ["too_large"])

    def test_by_default_it_is_64_mib(self) -> None:
        self.assertEqual(DEFAULT_MAX_CONFIG_BYTES, 67_108_864)
        self.assertEqual(refusals(text() + b" " * (DEFAULT_MAX_CONFIG_BYTES - len(text()))), [])
        self.assertEqual(refusals(b" " * (DEFAULT_MAX_CONFIG_BYTES + 1)), [("", "too_large")])

    def test_a_hundred_thousand_tenants(self) -> None:
        routes = {f"customer-{number}": "tier1" for number in range(100_000)}
        self.assertEqual(len(load_config(text(routingTable=routes)).config.routing_table), 100_000)


class HostileTests(SynchronousTestCase):
    """Documents that are meant to hurt. One that took quadratic time would take minutes."""

    def assert_refused(self, data: bytes, *codes: str) -> None:
        found = violations(data)
        self.assertEqual({each.code for each in found} - {"too_many_violations"}, set(codes), data[:60])
        self.assertLessEqual(len(found), MAX_VIOLATIONS + 1)
        self.assertLessEqual(sum(len(each.path) + len(each.message) for each in found), 2 * MAX_REPORT_CHARS)
        self.assertEqual([each for each in map(str, found) if not each.isprintable()], [])

    def test_texts_that_are_no_config(self) -> None:
        for data in (
            b"[" * 1_000_000,
            b'{"a":' * 200_000,
            b"[" * 60 + b"[]," * 300_000 + b"[]" + b"]" * 60,
            b'"' * 1_000_000,
            b'["' + b"\\" * 1_000_001,
            b'["' + b"\\n" * 500_000 + b'", NaN]',
            b'["' + b"\\ud83d\\ude00" * 80_000 + b'\\ud83d"]',
            b"[" + b"1," * 100_000 + b"1e999]",
            b"9" * 1_000_000,
            b"0." + b"9" * 1_000_000,
            b"\0" * 1_000_000,
            b"\n" * 1_000_000 + b"\xff",
            b"\xef\xbb\xbf" + text(),
        ):
            self.assert_refused(data, "invalid_json")

    def test_a_hundred_thousand_faults_of_each_kind(self) -> None:
        number = 50_000
        keys = [f"k{index}" for index in range(number)]
        for fields, code in (
            ({"routingTable": dict.fromkeys(keys, "nowhere")}, "unknown_placement"),
            ({"routingTable": dict.fromkeys(keys)}, "wrong_type"),
            ({"routingTable": {f"{key},": "tier1" for key in keys}}, "invalid_routing_key"),
            ({"placements": {f"{key} ": {"url": "http://a"} for key in keys}}, "invalid_placement_key"),
            ({"placements": {key: {"url": "http://a", "fallback": key} for key in keys}}, "fallback_cycle"),
            ({"placements": {"a": {"url": "http://a", **dict.fromkeys(keys)}}}, "unknown_field"),
            (dict.fromkeys(keys), "unknown_field"),
        ):
            self.assert_refused(text(**fields), code)
        self.assert_refused(text()[:-1] + b', "a": [' + b'{"a":1,"a":2},' * number + b"0]}", "duplicate_key")

    def test_the_number_of_faults_is_told(self) -> None:
        *_, last = violations(text(routingTable=dict.fromkeys(map(str, range(1000)), "x")))
        self.assertEqual(last.message, "and 900 more that are not listed")

    def test_huge_names_and_values(self) -> None:
        huge = "\n~" * 250_000
        for fields, codes in (
            ({"version": huge}, ["empty_version"]),
            ({"missingKeyPolicy": huge}, ["wrong_type"]),
            ({"defaultPlacement": huge}, ["unknown_placement"]),
            ({"routingTable": {huge: huge}}, ["invalid_routing_key", "unknown_placement"]),
            ({"placements": {huge: {}}}, ["invalid_placement_key", "missing_field"]),
            ({"placements": {"a": {"url": huge, huge: 1}}}, ["invalid_url", "unknown_field"]),
            ({"placements": {"a": {"url": "http://a", "fallback": huge}}}, ["unknown_placement"]),
            ({"placements": {"a": {"url": "http://" + "a" * 500_000}}}, ["invalid_url"]),
            ({huge: huge}, ["unknown_field"]),
        ):
            self.assert_refused(text(**fields), *codes)

    def test_names_that_resemble_each_other(self) -> None:
        for length in (30, 60, 120):
            endpoints = {"a" * length + str(number): "http://a" for number in range(99)}
            routes = {str(number): "a" * (length // 2) + "b" * (length // 2) for number in range(200)}
            self.assert_refused(
                text(cellEndpoints={**endpoints, "tier3": "http://a"}, routingTable=routes),
                "unknown_placement",
            )

    def test_nested_repetitions_under_long_names(self) -> None:
        opening = b'{"a": 1, ' + json.dumps("\x01" * 300).encode() + b": "
        repetitions = b"[" + b'{"a":1,"a":2},' * 50_000 + b"0]"
        self.assert_refused(opening * 60 + repetitions + b"}" * 60, "duplicate_key")
