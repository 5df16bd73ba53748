"""What etcd is told and what it answers, and what it may not answer."""

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.snapshots import etcd_codec
from cellrouter.snapshots.etcd_codec import Compacted, EtcdUnusable, Note, Put, Reading, Stored, Told

HEADER = {"cluster_id": "14841639068965178418", "member_id": "1", "revision": "9", "raft_term": "2"}
NOTE = Note(actor="anna", reason="because", accepted_at=1.5, overridden="a guard", restores=4)


def pair(revision: str = "7", value: str | None = "eA==") -> dict[str, Any]:
    """Make an answer to one of the two questions."""
    given = {} if value is None else {"value": value}
    return {"response_range": {"kvs": [{"key": "aw==", "mod_revision": revision, **given}], "count": "1"}}


def answer(*responses: Any, **members: Any) -> bytes:
    """Make an answer as etcd writes it."""
    document = {"header": HEADER, "succeeded": True, "responses": list(responses), **members}
    return json.dumps(document, separators=(",", ":")).encode()


class ReadingTests(SynchronousTestCase):
    """The document and the note beside it."""

    def test_both_are_read_with_their_revisions(self) -> None:
        reading = etcd_codec.decode_reading(answer(pair("7", "eA=="), pair("6", "eQ==")))
        self.assertEqual(reading, Reading(14841639068965178418, 9, Stored(7, b"x"), Stored(6, b"y")))
        self.assertFalse(reading.noted)

    def test_a_note_belongs_to_what_was_put_with_it(self) -> None:
        self.assertTrue(etcd_codec.decode_reading(answer(pair(), pair())).noted)
        self.assertFalse(etcd_codec.decode_reading(answer(pair(), {"response_range": {}})).noted)

    def test_what_is_not_there_is_none(self) -> None:
        reading = etcd_codec.decode_reading(answer({"response_range": {}}, {"response_range": {}}))
        self.assertEqual((reading.document, reading.note), (None, None))

    def test_a_value_may_be_empty_or_left_out(self) -> None:
        reading = etcd_codec.decode_reading(answer(pair(value=None), pair(value="")))
        self.assertEqual((reading.document, reading.note), (Stored(7, b""), Stored(7, b"")))

    def test_a_value_may_be_as_long_as_it_likes(self) -> None:
        value = b"x" * 1_000_000
        body = answer(pair(value=base64.b64encode(value).decode()), pair())
        self.assertEqual(etcd_codec.decode_reading(body).document, Stored(7, value))

    def test_the_spaces_of_later_releases_are_no_matter(self) -> None:
        body = json.dumps({"header": HEADER, "responses": [pair(), pair()]}).encode()
        self.assertEqual(etcd_codec.decode_reading(body).document, Stored(7, b"x"))

    def test_anything_else_is_unusable(self) -> None:
        bodies = (
            b"",
            b"\xff",
            b"null",
            b"[" * 100_000,
            b"{}",
            b'{"header":{}}',
            b'{"header":[]}',
            b"[" + b"1," * 40_000 + b"1]",
            answer(),
            answer(pair()),
            answer(pair(), pair(), pair()),
            answer(1, 2),
            answer({}, {}),
            answer({"response_range": {"kvs": {}}}, pair()),
            answer({"response_range": {"kvs": [1]}}, pair()),
            answer({"response_range": {"kvs": [{}, {}]}}, pair()),
            answer(pair(), pair(), responses={}),
            *(answer(pair(value=bad), pair()) for bad in ("*", "e", "eA=", "eA==\n", "é")),
            *(
                answer(pair(revision=bad), pair())
                for bad in ("", "-1", "0", "1e3", "٣", "9" * 5000, "9" * 19)
            ),
            answer(pair(), pair()).replace(b'"7"', b"7"),
            answer(pair(), pair()).replace(b'"eA=="', b"7"),
            answer(pair(), pair()).replace(b'"eA=="', b"true"),
            answer(pair(), pair(), header={**HEADER, "cluster_id": "99999999999999999999"}),
            answer(pair(), pair(), header={**HEADER, "revision": None}),
        )
        for body in bodies:
            with self.assertRaises(EtcdUnusable, msg=body[:200]):
                etcd_codec.decode_reading(body)

    @given(st.binary(max_size=300))
    def test_no_bytes_do_anything_else(self, body: bytes) -> None:
        for decode in (etcd_codec.decode_reading, etcd_codec.decode_put, etcd_codec.decode_told):
            try:
                decode(body)
            except EtcdUnusable as error:
                self.assertLess(len(str(error)), 300)

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
    def test_no_values_do_anything_else(self, value: Any) -> None:
        for name in ("header", "responses", "result", "error"):
            body = json.dumps({"header": HEADER, name: value}).encode()
            for decode in (etcd_codec.decode_reading, etcd_codec.decode_put, etcd_codec.decode_told):
                try:
                    decode(body)
                except EtcdUnusable:
                    continue


class NoteTests(SynchronousTestCase):
    """Who put something, and why."""

    def test_it_is_read_as_it_was_written(self) -> None:
        self.assertEqual(Note.decoded(NOTE.encoded()), NOTE)
        plain = Note(actor="\ud800", accepted_at=2)
        self.assertIsNotNone(Note.decoded(plain.encoded()))

    def test_it_can_break_no_line(self) -> None:
        note = Note.decoded(Note(actor="a\nb\x1b[2J", accepted_at=1).encoded())
        self.assertTrue(note.actor.isprintable())

    def test_what_is_none_is_none(self) -> None:
        good = json.loads(NOTE.encoded())
        bad: list[Any] = [
            *(None, [], "x", {}),
            *({**good, name: 1} for name in ("actor", "reason", "overridden")),
            {**good, "actor": "x" * 5000},
            *({**good, "accepted_at": value} for value in (-1, 1e300, None, "1", True, [])),
            *({**good, "restores": value} for value in (0, -1, 1.5, "1", 2**70, True)),
        ]
        for value in bad:
            self.assertIsNone(Note.decoded(json.dumps(value).encode()), value)
        self.assertIsNone(Note.decoded(b"{"))
        self.assertIsNone(Note.decoded(NOTE.encoded() + b" " * etcd_codec.MAX_NOTE_BYTES))


class PutTests(SynchronousTestCase):
    """Putting a document, if it was not changed."""

    def test_what_was_put_has_the_revision_of_the_store(self) -> None:
        self.assertEqual(etcd_codec.decode_put(answer()), Put(14841639068965178418, True, 9))

    def test_what_was_not_is_not_done(self) -> None:
        body = json.dumps({"header": HEADER, "responses": []}).encode()
        self.assertFalse(etcd_codec.decode_put(body).done)

    def test_the_document_and_its_note_are_put_at_once_in_place_of_what_it_was_made_for(self) -> None:
        message = json.loads(etcd_codec.put_request("k", b"\xff", NOTE, 12))
        (compared,) = message["compare"]
        self.assertEqual(
            (compared["target"], compared["result"], compared["mod_revision"]), ("MOD", "EQUAL", "12")
        )
        puts = [each["request_put"] for each in message["success"]]
        keys = [base64.b64decode(each["key"]) for each in puts]
        self.assertEqual(keys, [b"k", b"k/meta"])
        self.assertEqual(base64.b64decode(puts[0]["value"]), b"\xff")


class ErrorTests(SynchronousTestCase):
    """What etcd says when it does not do something."""

    def test_compaction_is_told_from_the_rest(self) -> None:
        compacted = b'{"error":"etcdserver: mvcc: required revision has been compacted","code":11}'
        self.assertIsInstance(etcd_codec.decode_error(compacted), Compacted)
        for body in (b'{"error":"etcdserver: request is too large"}', b"Not Found", b"{}", b'{"error":{}}'):
            self.assertIsInstance(etcd_codec.decode_error(body), EtcdUnusable)
        self.assertIn(
            "request is too large", str(etcd_codec.decode_error(b'{"error":"request is too large"}'))
        )

    def test_what_it_says_is_made_fit_for_a_line(self) -> None:
        said = str(etcd_codec.decode_error(json.dumps({"error": "a\nb" + "x" * 10_000}).encode()))
        self.assertNotIn("\n", said)
        self.assertLess(len(said), 200)


class ToldTests(SynchronousTestCase):
    """Lines of a watch."""

    def told(self, **result: Any) -> Told:
        return etcd_codec.decode_told(json.dumps({"result": {"header": HEADER, **result}}).encode())

    def test_each_kind_of_line_is_known(self) -> None:
        self.assertIs(self.told(created=True), Told.NOTHING)
        self.assertIs(self.told(), Told.NOTHING)
        self.assertIs(self.told(events=[{"kv": {}}]), Told.CHANGED)
        self.assertIs(self.told(canceled=True, compact_revision="3"), Told.COMPACTED)
        self.assertIs(self.told(canceled=True), Told.ENDED)
        self.assertIs(etcd_codec.decode_told(b'{"error":{"message":"no"}}'), Told.ENDED)

    def test_anything_else_is_unusable(self) -> None:
        for line in (b"", b"{}", b"[]", b'{"result":1}', b"x"):
            with self.assertRaises(EtcdUnusable):
                etcd_codec.decode_told(line)
