"""What holds for every document there is."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import (
    CompiledConfig,
    ConfigRefused,
    LoadedConfig,
    RoutingTable,
    load_config,
    load_document,
    parse_json,
)
from cellrouter.config.endpoint import parse_endpoint
from tests.support.documents import document

untimed = settings(deadline=None)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["tier1", "tier3", "10s", "http://cell:80", "reject", "/health"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
fields = [
    *("version", "routingTable", "placements", "cellEndpoints", "defaultPlacement", "missingKeyPolicy"),
    *("url", "fallback", "health_check", "circuit_breaker", "concurrency_limit", "interval", "timeout"),
    *("path", "failure_threshold", "tier1", "tier3", "acme", ""),
]
resembling = st.recursive(
    scalars, lambda inner: st.dictionaries(st.sampled_from(fields), inner, max_size=6), max_leaves=30
)
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1)


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid document."""
    names = draw(st.lists(keys, min_size=1, max_size=5, unique=True))
    some = st.sampled_from(names)
    return {
        "version": draw(st.sampled_from(["1", "2.4.0", "é 😀"])),
        "routingTable": draw(st.dictionaries(keys, some, max_size=5)),
        "placements": {
            name: {
                "url": f"http://{draw(st.sampled_from(['cell', '10.0.0.1', '[::1]', 'bücher.example']))}:80",
                "concurrency_limit": draw(st.integers(1, 2**53 - 1)),
            }
            for name in names
        },
        "defaultPlacement": draw(some),
    }


def outcome(data: bytes) -> LoadedConfig | ConfigRefused:
    """Load; whatever else is raised fails the test."""
    try:
        return load_config(data)
    except ConfigRefused as refused:
        return refused


class AnythingTests(SynchronousTestCase):
    """Any input is a config or is refused with a reason."""

    def assert_well_formed(self, result: LoadedConfig | ConfigRefused) -> None:
        if isinstance(result, LoadedConfig):
            self.assertRegex(result.hash, "^sha256:[0-9a-f]{64}$")
            RoutingTable.build(CompiledConfig.of(result))
            return
        self.assertGreater(len(result.violations), 0)
        for violation in result.violations:
            self.assertTrue(violation.path == "" or violation.path.startswith("/"), violation)
            self.assertTrue(violation.message.isprintable(), violation)
            self.assertTrue(str(violation).isprintable(), violation)
            violation.path.encode()

    @untimed
    @given(values)
    def test_any_json(self, value: object) -> None:
        self.assert_well_formed(outcome(json.dumps(value).encode()))

    @untimed
    @given(resembling)
    def test_any_json_that_resembles_a_config(self, value: object) -> None:
        self.assert_well_formed(outcome(json.dumps(value).encode()))

    @untimed
    @given(st.sampled_from(fields[:6]), resembling)
    def test_a_valid_document_with_anything_in_one_field(self, field: str, value: object) -> None:
        self.assert_well_formed(outcome(json.dumps(document(**{field: value})).encode()))

    @untimed
    @given(
        st.binary()
        | st.text(alphabet='{}[]",:\\u0aedN1.-\ud800 ').map(lambda s: s.encode("utf-8", "replace"))
    )
    def test_any_bytes(self, data: bytes) -> None:
        self.assert_well_formed(outcome(data))

    @untimed
    @given(st.text() | st.text(alphabet="http:/.-_[]é\u0660\u3002\ufe0f1a%@x0"))
    def test_any_url(self, rest: str) -> None:
        for url in (rest, f"http://{rest}"):
            try:
                endpoint = parse_endpoint(url)
            except ValueError as refused:
                self.assertTrue(str(refused).isprintable())
            else:
                self.assertTrue(endpoint.url.isascii() and endpoint.url.isprintable())
                self.assertEqual(parse_endpoint(endpoint.url), endpoint)


class ValidTests(SynchronousTestCase):
    """Valid documents."""

    @untimed
    @given(valid())
    def test_they_are_taken_and_every_route_leads_where_it_says(self, written: dict[str, Any]) -> None:
        loaded = load_config(json.dumps(written).encode())
        table = RoutingTable.build(CompiledConfig.of(loaded))
        for key, placement in written["routingTable"].items():
            self.assertEqual(table.route(key.encode()).placement, placement)
        self.assertEqual(table.route(None).placement, written["defaultPlacement"])

    @untimed
    @given(valid(), st.randoms(use_true_random=False))
    def test_the_hash_does_not_depend_on_how_they_are_written(
        self, written: dict[str, Any], random: Any
    ) -> None:
        shuffled = {key: written[key] for key in random.sample(sorted(written), len(written))}
        again = json.dumps(
            shuffled, indent=random.choice([None, 2]), ensure_ascii=random.choice([True, False])
        )
        self.assertEqual(load_config(again.encode()).hash, load_document(written).hash)


class ParserTests(SynchronousTestCase):
    """The strict parser against the lenient one."""

    @untimed
    @given(values)
    def test_it_reads_what_json_writers_write(self, value: object) -> None:
        for ascii_only in (True, False):
            data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8")
            try:
                parsed = parse_json(data, 10_000_000)
            except ConfigRefused as refused:
                self.assertIn("too long a number", str(refused))
            else:
                self.assertEqual(parsed, value)

    @untimed
    @given(st.text(alphabet='{}[]",:\\nu0ae1.- \t'))
    def test_it_never_reads_more_than_the_lenient_one(self, text: str) -> None:
        try:
            parsed = parse_json(text.encode(), 10_000_000)
        except ConfigRefused:
            return
        self.assertEqual(parsed, json.loads(text))
