"""Each message as JSON, and JSON as a message."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Revision, Violation
from cellrouter.wire import (
    Ack,
    ConfigSnapshot,
    Hello,
    Message,
    Nack,
    Running,
    Status,
    Unknown,
    decode,
    encode,
    encode_snapshot,
)
from tests.support.documents import document, text

LIMIT_BYTES = 1_000_000

RUNNING = {"version": "2.4.0", "revision": 42, "hash": "sha256:0", "source": "control_plane"}
ERROR = {"path": "/routingTable/acme", "code": "unknown_placement", "message": 'no "tier9"'}

EXAMPLES: tuple[tuple[Message, dict[str, Any]], ...] = (
    (
        ConfigSnapshot(document(), Revision(42), "one", "sha256:0"),
        {
            "type": "config_snapshot",
            "revision": 42,
            "source_id": "one",
            "hash": "sha256:0",
            "config": document(),
        },
    ),
    (
        Ack("2.4.0", Revision(42), "sha256:0", 3.1),
        {"type": "ack", "version": "2.4.0", "revision": 42, "hash": "sha256:0", "apply_ms": 3.1},
    ),
    (
        Nack("2.4.0", Revision(42), "sha256:0", (Violation(**ERROR), Violation("", "invalid_json", ""))),
        {
            "type": "nack",
            "version": "2.4.0",
            "revision": 42,
            "hash": "sha256:0",
            "errors": [ERROR, {"path": "", "code": "invalid_json", "message": ""}],
        },
    ),
    (
        Hello("dp-1", "1.2.0", Running("2.4.0", Revision(42), "sha256:0", "control_plane")),
        {"type": "hello", "node_id": "dp-1", "software": "1.2.0", "running": RUNNING},
    ),
    (
        Status({"tier2": {"healthy": True, "circuit": "closed", "in_flight": 3}}, {"total": 1}),
        {
            "type": "status",
            "placements": {"tier2": {"healthy": True, "circuit": "closed", "in_flight": 3}},
            "requests": {"total": 1},
        },
    ),
)
"""Every message with every field, and its JSON as the protocol shows it."""

BARE: tuple[tuple[Message, dict[str, Any]], ...] = (
    (ConfigSnapshot({}), {"type": "config_snapshot", "config": {}}),
    (Ack("1", None, "h", 0.0), {"type": "ack", "version": "1", "hash": "h", "apply_ms": 0.0}),
    (Nack(None, None, None, ()), {"type": "nack", "errors": []}),
    (Hello("dp-1", "1"), {"type": "hello", "node_id": "dp-1", "software": "1"}),
)
"""Every message that can do without some of its fields, and its JSON without them."""


def read(content: dict[str, Any]) -> Message | Unknown:
    """Decode what a peer wrote."""
    return decode(json.dumps(content).encode(), LIMIT_BYTES)


class EncodeTests(SynchronousTestCase):
    """What is sent."""

    def test_messages(self) -> None:
        for message, content in EXAMPLES:
            self.assertEqual(json.loads(encode(message)), content)

    def test_what_there_is_not_is_null(self) -> None:
        for message, content in BARE:
            written = json.loads(encode(message))
            self.assertEqual({**written, **content}, written)
            self.assertEqual({written[name] for name in written.keys() - content.keys()}, {None})

    def test_what_a_data_plane_runs_may_have_no_revision(self) -> None:
        hello = Hello("dp-1", "1", Running("1", None, "h", "file"))
        self.assertEqual(
            json.loads(encode(hello))["running"],
            {"version": "1", "revision": None, "hash": "h", "source": "file"},
        )
        self.assertEqual(decode(encode(hello), LIMIT_BYTES), hello)

    def test_they_are_compact_utf_8(self) -> None:
        self.assertEqual(
            encode(Status({"bücher": {}}, {})),
            '{"type":"status","placements":{"bücher":{}},"requests":{}}'.encode(),
        )

    def test_a_name_that_is_no_utf_8_is_sent_all_the_same(self) -> None:
        self.assertEqual(decode(encode(Hello("dp\udcff", "1")), LIMIT_BYTES), Hello("dp?", "1"))

    def test_numbers_that_json_does_not_have(self) -> None:
        for number in (float("nan"), float("inf")):
            self.assertRaises(ValueError, encode, Ack("1", None, "h", number))

    def test_what_was_not_understood_is_not_passed_on(self) -> None:
        self.assertNotIn(b"unknown", encode(Status({}, {}, unknown_fields=("/a",))))


class EncodeSnapshotTests(SynchronousTestCase):
    """Snapshots without a copy of the document."""

    def test_it_is_the_message(self) -> None:
        for revision, source_id, hash_ in (
            (Revision(42), "one", "sha256:0"),
            (None, None, None),
            (Revision(0), "", ""),
        ):
            self.assertEqual(
                decode(encode_snapshot(text(), revision, source_id, hash_), LIMIT_BYTES),
                ConfigSnapshot(document(), revision, source_id, hash_),
            )

    def test_it_is_not_longer_than_the_config_and_a_little(self) -> None:
        """A control plane that accepts a config must be able to send it under the same limit."""
        config = text("é" * 100)
        sent = encode_snapshot(config, Revision(2**53 - 1), "s" * 36, "sha256:" + "0" * 64)
        self.assertLess(len(sent), len(config) + 1000)


class DecodeTests(SynchronousTestCase):
    """What is received."""

    def test_messages(self) -> None:
        for message, content in (*EXAMPLES, *BARE):
            read_back = read(content)
            self.assertEqual(read_back, message)
            self.assertIs(type(read_back), type(message))
            self.assertEqual(read_back.unknown_fields, ())  # type: ignore[union-attr]

    def test_a_config_is_not_looked_at(self) -> None:
        for config in (None, 1, "x", [], {"version": 1}, {"type": "ack"}):
            self.assertEqual(read({"type": "config_snapshot", "config": config}), ConfigSnapshot(config))

    def test_whole_milliseconds_are_a_number_too(self) -> None:
        message = read({"type": "ack", "version": "1", "hash": "h", "apply_ms": 3})
        assert isinstance(message, Ack)
        self.assertIs(type(message.apply_ms), float)

    def test_an_unknown_type(self) -> None:
        for kind in ("drain", "", "ACK", "unknown", "config_snapshot2", "running"):
            self.assertEqual(read({"type": kind, "whatever": [1]}), Unknown(kind))

    def test_unknown_fields_are_ignored_and_named(self) -> None:
        for message, content in EXAMPLES:
            newer = read({**content, "colour": "blue", "a/b": {"x": None}})
            self.assertEqual(newer, message)
            self.assertEqual(newer.unknown_fields, ("/colour", "/a~1b"))  # type: ignore[union-attr]

    def test_unknown_fields_inside(self) -> None:
        hello = read(
            {"type": "hello", "node_id": "a", "software": "1", "running": {**RUNNING, "since": 1}, "os": "x"}
        )
        assert isinstance(hello, Hello)
        self.assertEqual(hello.unknown_fields, ("/os", "/running/since"))
        nack = read({"type": "nack", "errors": [{**ERROR, "hint": "none"}]})
        self.assertEqual(nack, Nack(None, None, None, (Violation(**ERROR),)))

    def test_running_means_something_only_in_a_hello(self) -> None:
        message = read({"type": "status", "placements": {}, "requests": {}, "running": {"x": 1}})
        assert isinstance(message, Status)
        self.assertEqual(message.unknown_fields, ("/running",))

    def test_unknown_fields_cannot_be_given(self) -> None:
        message = read({"type": "status", "placements": {}, "requests": {}, "unknown_fields": ["/x"]})
        assert isinstance(message, Status)
        self.assertEqual(message.unknown_fields, ("/unknown_fields",))
