"""What holds for every message there is."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Revision, Violation
from cellrouter.wire import (
    Ack,
    ConfigSnapshot,
    Hello,
    Message,
    MessageRefused,
    Nack,
    Running,
    Status,
    Unknown,
    decode,
    encode,
    encode_snapshot,
)

LIMIT_BYTES = 1_000_000

untimed = settings(deadline=None)

texts = st.text()
revisions = st.none() | st.integers(0, 2**53 - 1).map(Revision)
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**50), 10**50) | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
json_objects = st.dictionaries(texts, json_values, max_size=4)
messages = st.one_of(
    st.builds(ConfigSnapshot, json_values, revisions, st.none() | texts, st.none() | texts),
    st.builds(Ack, texts, revisions, texts, numbers),
    st.builds(
        Nack,
        st.none() | texts,
        revisions,
        st.none() | texts,
        st.lists(st.builds(Violation, texts, texts, texts), max_size=5).map(tuple),
    ),
    st.builds(Hello, texts, texts, st.none() | st.builds(Running, texts, revisions, texts, texts)),
    st.builds(Status, json_objects, json_objects),
)
types = st.sampled_from(["config_snapshot", "ack", "nack", "hello", "status"])
fields = st.sampled_from(
    [
        *("type", "config", "revision", "source_id", "hash", "version", "apply_ms", "errors", "node_id"),
        *("software", "running", "placements", "requests", "unknown_fields", "path", "code", "message"),
    ]
)
resembling = st.dictionaries(
    fields,
    json_values | st.dictionaries(fields, json_values) | st.lists(st.dictionaries(fields, json_values)),
)


class RoundTripTests(SynchronousTestCase):
    """What one side writes the other side reads."""

    @untimed
    @given(messages)
    def test_a_message_comes_back(self, message: Message) -> None:
        self.assertEqual(decode(encode(message), LIMIT_BYTES), message)

    @untimed
    @given(json_objects, revisions, st.none() | texts, st.none() | texts)
    def test_a_snapshot_comes_back(
        self, document: dict[str, object], revision: Revision | None, source_id: str | None, hash_: str | None
    ) -> None:
        sent = encode_snapshot(json.dumps(document).encode(), revision, source_id, hash_)
        self.assertEqual(decode(sent, LIMIT_BYTES), ConfigSnapshot(document, revision, source_id, hash_))

    @untimed
    @given(messages, st.dictionaries(texts.map("x-{}".format), json_values, max_size=3))
    def test_whatever_a_newer_peer_adds(self, message: Message, additions: dict[str, object]) -> None:
        newer = decode(json.dumps({**additions, **json.loads(encode(message))}).encode(), LIMIT_BYTES)
        self.assertEqual(newer, message)
        self.assertEqual(len(newer.unknown_fields), len(additions))  # type: ignore[union-attr]


class AnythingTests(SynchronousTestCase):
    """Any input is a message or is refused with a reason."""

    def assert_decided(self, data: bytes) -> None:
        try:
            message = decode(data, LIMIT_BYTES)
        except MessageRefused as refused:
            self.assertGreater(len(refused.violations), 0)
            nack = Nack(refused.version, refused.revision, refused.hash, refused.violations)
            self.assertEqual(decode(encode(nack), LIMIT_BYTES), nack)
        else:
            self.assertIsInstance(message, Message | Unknown)

    @untimed
    @given(json_values | resembling)
    def test_any_json(self, value: object) -> None:
        self.assert_decided(json.dumps(value).encode())

    @untimed
    @given(types, resembling)
    def test_a_known_type_with_any_fields(self, kind: str, content: dict[str, object]) -> None:
        self.assert_decided(json.dumps({**content, "type": kind}).encode())

    @untimed
    @given(messages, st.integers(0), st.binary(max_size=3))
    def test_a_damaged_message(self, message: Message, position: int, damage: bytes) -> None:
        data = encode(message)
        position %= len(data)
        self.assert_decided(data[:position] + damage + data[position + len(damage) :])
        self.assert_decided(data[:position])
