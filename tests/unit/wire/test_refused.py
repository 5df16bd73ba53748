"""Messages that cannot be read, and what a nack can still say about them."""

import json

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Revision, Violation
from cellrouter.config.violations import MAX_VIOLATIONS
from cellrouter.wire import ConfigSnapshot, MessageRefused, Nack, decode, encode
from tests.unit.wire.test_codec import BARE, EXAMPLES, LIMIT_BYTES

NO_STRINGS: tuple[object, ...] = (1, True, [], {})
NO_REVISIONS: tuple[object, ...] = (-1, 2**53, 10**99, 1.0, "42", True, [], {})


class RefusedTests(SynchronousTestCase):
    """One message and why it is refused."""

    def refused(self, message: object, limit_bytes: int = LIMIT_BYTES) -> MessageRefused:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.assertRaises(MessageRefused, decode, data, limit_bytes)

    def reasons(self, message: object) -> list[tuple[str, str]]:
        return [(each.path, each.code) for each in self.refused(message).violations]


class NoMessageTests(RefusedTests):
    """What is no message at all."""

    def test_no_json(self) -> None:
        for data in (
            *(b"", b" ", b"{", b"ack", b"\x00", b"\xff\xfe", b'{"type":"ack"}x', b'{"type":NaN}'),
            *(
                b"[" * 100_000,
                b'{"type":' * 100_000,
                b"9" * 100_000,
                b'{"type":"\\ud800"}',
                b"\xef\xbb\xbf{}",
            ),
        ):
            self.assertEqual(self.reasons(data), [("", "invalid_json")], data[:30])

    def test_no_object(self) -> None:
        for message in (None, True, 1, 0.5, "ack", [], [{"type": "ack"}]):
            self.assertEqual(self.reasons(message), [("", "invalid_json")])
        self.assertIn("a message must be an object, not null", str(self.refused(None)))

    def test_too_large(self) -> None:
        message = json.dumps(EXAMPLES[1][1]).encode()
        self.assertEqual(decode(message, len(message)), EXAMPLES[1][0])
        (violation,) = self.refused(message, len(message) - 1).violations
        self.assertEqual((violation.path, violation.code), ("", "too_large"))

    def test_no_type(self) -> None:
        self.assertEqual(self.reasons({}), [("/type", "missing_field")])
        for kind in (None, *NO_STRINGS):
            self.assertEqual(self.reasons({"type": kind}), [("/type", "wrong_type")])

    def test_a_repeated_key(self) -> None:
        config = b'{"version":"1","routingTable":{"a":"b","a":"c"}}'
        snapshot = b'{"type":"config_snapshot","revision":7,"config":' + config + b"}"
        refused = self.refused(snapshot)
        self.assertEqual(
            [(each.path, each.code) for each in refused.violations],
            [("/config/routingTable/a", "duplicate_key")],
        )
        self.assertEqual((refused.version, refused.revision), ("1", 7))
        self.assertEqual(self.reasons(b'{"type":"drain","type":"drain"}'), [("/type", "duplicate_key")])


class FieldTests(RefusedTests):
    """Fields of the wrong type."""

    def assert_refused(
        self, index: int, field: str, values: tuple[object, ...], code: str = "wrong_type"
    ) -> None:
        message, content = EXAMPLES[index]
        for value in values:
            self.assertEqual(
                self.reasons({**content, field: value}), [(f"/{field}", code)], (type(message), value)
            )

    def test_strings(self) -> None:
        for index, fields in (
            (0, "source_id hash"),
            (1, "version hash"),
            (2, "version hash"),
            (3, "node_id software"),
        ):
            for field in fields.split():
                self.assert_refused(index, field, NO_STRINGS)
        for index, field in ((1, "version"), (1, "hash"), (3, "node_id"), (3, "software")):
            self.assert_refused(index, field, (None,))

    def test_revisions(self) -> None:
        for index in (0, 1, 2):
            self.assert_refused(index, "revision", NO_REVISIONS[:3], "out_of_range")
            self.assert_refused(index, "revision", NO_REVISIONS[3:])

    def test_numbers(self) -> None:
        self.assert_refused(1, "apply_ms", (None, True, "3", [], {}))

    def test_objects(self) -> None:
        for field in ("placements", "requests"):
            self.assert_refused(4, field, (None, True, 1, "x", []))
        self.assert_refused(3, "running", (True, 1, "x", []))

    def test_errors(self) -> None:
        self.assert_refused(2, "errors", (None, True, 1, "x", {}))

    def test_missing_fields(self) -> None:
        for message, content in BARE:
            for field in content.keys() - {"type"}:
                without = {name: value for name, value in content.items() if name != field}
                self.assertEqual(self.reasons(without), [(f"/{field}", "missing_field")], message)

    def test_inside(self) -> None:
        self.assertEqual(
            self.reasons({**EXAMPLES[3][1], "running": {"version": 1, "revision": "x", "hash": None}}),
            [
                ("/running/version", "wrong_type"),
                ("/running/revision", "wrong_type"),
                ("/running/hash", "wrong_type"),
                ("/running/source", "missing_field"),
            ],
        )

    def test_every_field_is_told_and_of_an_array_the_first_bad_item(self) -> None:
        good = {"path": "", "code": "", "message": ""}
        self.assertEqual(
            self.reasons({"type": "nack", "version": 1, "hash": 2, "errors": [good, {**good, "path": 3}, 4]}),
            [("/version", "wrong_type"), ("/hash", "wrong_type"), ("/errors/1/path", "wrong_type")],
        )
        self.assertEqual(self.reasons({"type": "nack", "errors": [good, 4]}), [("/errors/1", "wrong_type")])


class LabelTests(RefusedTests):
    """What a nack says a refused message was."""

    def labels(self, message: object) -> tuple[object, object, object]:
        refused = self.refused(message)
        return refused.version, refused.revision, refused.hash

    def test_of_a_snapshot(self) -> None:
        message = {
            "type": "config_snapshot",
            "revision": 42,
            "hash": "h",
            "source_id": 1,
            "config": {"version": "2.4.0"},
        }
        self.assertEqual(self.labels(message), ("2.4.0", 42, "h"))

    def test_of_another_message(self) -> None:
        message = {"type": "ack", "revision": 42, "hash": "h", "version": "2.4.0"}
        self.assertEqual(self.labels(message), ("2.4.0", 42, "h"))

    def test_the_longest_ones(self) -> None:
        message = {"revision": 2**53 - 1, "hash": "h" * 256, "version": "v" * 128}
        self.assertEqual(self.labels(message), ("v" * 128, 2**53 - 1, "h" * 256))

    def test_what_cannot_be_read_is_left_out(self) -> None:
        for message in (
            b"{",
            [],
            {},
            {"version": 1, "revision": "x", "hash": []},
            {"version": "x" * 129, "revision": -1, "hash": "x" * 257},
            {"version": "a\nb", "config": {"version": None}},
            {"type": 1, "config": [], "revision": True},
        ):
            self.assertEqual(self.labels(message), (None, None, None), message)


class HostileTests(RefusedTests):
    """A peer that means harm costs little time and gets a short answer."""

    def test_messages_full_of_faults(self) -> None:
        errors = b'{"type":"nack","errors":['
        for message in (
            errors + b"1," * 400_000 + b"1]}",
            errors + b"{}," * 300_000 + b"{}]}",
            errors + b'{"path":1},' * 80_000 + b"{}]}",
            b'{"type":"ack","a":[' + b'{"b":1,"b":1},' * 60_000 + b"1]}",
            b'{"type":"hello",' + b",".join(b'"f%d":1' % number for number in range(70_000)) + b"}",
        ):
            refused = self.refused(message)
            self.assertLessEqual(len(refused.violations), MAX_VIOLATIONS + 1)

    def test_a_nack_fits_into_what_a_control_plane_reads(self) -> None:
        key = json.dumps("\x01" * 300)
        opening = f'{{"a": 1, {key}: '.encode()
        for message in (
            b'{"type": "config_snapshot", "config": ' + opening * 60 + b'{"a": 1, "a": 2}' + b"}" * 61,
            b'{"type": "config_snapshot", "config": ['
            + b",".join(opening * 9 + b'{"a": 1, "a": 2}' + b"}" * 9 for _ in range(200))
            + b"]}",
        ):
            refused = self.refused(message, 64 * LIMIT_BYTES)
            nack = encode(Nack(refused.version, refused.revision, refused.hash, refused.violations))
            self.assertEqual(decode(nack, LIMIT_BYTES), Nack(None, None, None, refused.violations))


class ExceptionTests(SynchronousTestCase):
    """The exception as such."""

    def test_it_is_one_line(self) -> None:
        refused = MessageRefused((Violation("/a", "code", "one"), Violation("/\n", "code", "two")))
        self.assertEqual(str(refused), "/a: code: one; /\\n: code: two")

    def test_a_snapshot_with_a_config_that_is_no_config_is_not_its_business(self) -> None:
        snapshot = decode(b'{"type":"config_snapshot","config":{"version":""},"revision":1}', LIMIT_BYTES)
        self.assertEqual(snapshot, ConfigSnapshot({"version": ""}, Revision(1)))
