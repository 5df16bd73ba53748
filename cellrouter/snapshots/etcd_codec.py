"""What is said to etcd's JSON gateway (v3) and what it answers, as values: no I/O here.

Two keys are read and written at once: the document, and beside it a note that says who put it and why. A
note belongs to a document when both were written at the same revision, which only one transaction can do.

Nothing that etcd says is believed to be of a certain shape or size: what is not as expected is
:exc:`EtcdUnusable`. The only long thing in an answer is a value, in base64. It is taken out before the rest
is parsed, so no more JSON is ever parsed than fits into an envelope.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import asdict, frozen

from cellrouter.config import ConfigRefused, Revision, parse_json
from cellrouter.config.violations import printable, quoted
from cellrouter.snapshots.history_schema import HistoryUnusable

NOTE_SUFFIX = "/meta"
ENVELOPE_BYTES = 64 * 1024
"""How much of an answer is not the value."""

MAX_NOTE_BYTES = 16 * 1024
MAX_NOTE_CHARS = 4096
MAX_TIME_S = 253_402_300_800
"""The year 10000."""

MAX_REVISION = 2**53
"""Beyond it not every reader of JSON tells two numbers apart."""

_MAX_DIGITS = 20
_MAX_VALUES = 2
# Later releases of etcd put spaces into what they write.
_VALUE = re.compile(rb'"value": {0,2}"([A-Za-z0-9+/]*+={0,2})"')
_COMPACTED = "compacted"


class EtcdUnusable(HistoryUnusable):
    """etcd gives no answer, or none that is to be trusted; the message says where and why."""


class Compacted(Exception):
    """etcd has forgotten the revision that it was asked for."""


class TooLarge(EtcdUnusable):
    """An answer is longer than the longest document makes it."""


@frozen(kw_only=True)
class Note:
    """Who put a document, and why.

    :ivar actor: who.
    :ivar reason: why.
    :ivar accepted_at: when, in seconds since the epoch.
    :ivar overridden: the guards that it goes beyond with the actor's will.
    :ivar restores: the revision whose document it brings back, if it does.
    """

    actor: str
    reason: str = ""
    accepted_at: float
    overridden: str = ""
    restores: int | None = None

    def encoded(self) -> bytes:
        """Write it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "replace")

    @classmethod
    def decoded(cls, text: bytes) -> "Note | None":
        """Read a note.

        :param text: it, as JSON.
        :returns: None for what is none.
        """
        try:
            fields = parse_json(text, MAX_NOTE_BYTES)
        except ConfigRefused:
            return None
        if not isinstance(fields, dict):
            return None
        texts = [fields.get(name) for name in ("actor", "reason", "overridden")]
        at, restores = fields.get("accepted_at"), fields.get("restores")
        if (
            not all(isinstance(each, str) and len(each) <= MAX_NOTE_CHARS for each in texts)
            or isinstance(at, bool)
            or not isinstance(at, int | float)
            or not 0 <= at < MAX_TIME_S
            or isinstance(restores, bool)
            or not (restores is None or (isinstance(restores, int) and 0 < restores <= MAX_REVISION))
        ):
            return None
        actor, reason, overridden = (printable(str(each)) for each in texts)
        return cls(
            actor=actor,
            reason=reason,
            accepted_at=float(at),
            overridden=overridden,
            restores=restores,
        )


@frozen
class Stored:
    """What a key holds.

    :ivar revision: etcd's ``mod_revision``: when it was put.
    :ivar value: what; empty when only the revision was asked for.
    """

    revision: Revision
    value: bytes


@frozen
class Reading:
    """The document and the note beside it, at one moment.

    :ivar cluster_id: which etcd this is.
    :ivar revision: the store's, which counts every change in it.
    :ivar document: None when there is none.
    :ivar note: None when there is none.
    """

    cluster_id: int
    revision: int
    document: Stored | None
    note: Stored | None

    @property
    def noted(self) -> bool:
        """Whether the note was put with this document."""
        document, note = self.document, self.note
        return document is not None and note is not None and document.revision == note.revision


@frozen
class Put:
    """What became of a document that was to be put.

    :ivar cluster_id: which etcd this is.
    :ivar done: whether it was: not when the key has been changed since.
    :ivar revision: the store's, which is the document's when it was.
    """

    cluster_id: int
    done: bool
    revision: Revision


class Told(Enum):
    """What a line of a watch says."""

    NOTHING = "nothing"
    CHANGED = "changed"
    COMPACTED = "compacted"
    ENDED = "ended"


def read_request(key: str, revision: int = 0, revisions_only: bool = False) -> bytes:
    """Ask for the document and its note.

    :param key: the document's.
    :param revision: as they were at this revision of the store; 0 for now.
    :param revisions_only: leave the values out.
    """
    asked = {"revision": str(revision), "keys_only": revisions_only}
    keys = (key, key + NOTE_SUFFIX)
    return _json({"success": [{"request_range": {"key": _encoded(each), **asked}} for each in keys]})


def put_request(key: str, text: bytes, note: Note, made_for: int) -> bytes:
    """Ask to put a document with its note, if nobody else has put one.

    :param key: the document's.
    :param text: the document.
    :param note: who puts it.
    :param made_for: the revision of the document that it is to take the place of; 0 when there must be none.
    """
    pairs = ((key, text), (key + NOTE_SUFFIX, note.encoded()))
    compared = {"key": _encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(made_for)}
    puts = [
        {"request_put": {"key": _encoded(name), "value": base64.b64encode(value).decode("ascii")}}
        for name, value in pairs
    ]
    return _json({"compare": [compared], "success": puts})


def watch_request(key: str, since: int) -> bytes:
    """Ask to be told of changes of the document.

    :param key: its.
    :param since: the revision of the store from which on they are told.
    """
    return _json({"create_request": {"key": _encoded(key), "start_revision": str(since)}})


def decode_reading(body: bytes) -> Reading:
    """Read the answer to :func:`read_request`.

    :raises EtcdUnusable: when it is none.
    """
    values: list[bytes] = []

    def take_out(match: re.Match[bytes]) -> bytes:
        values.append(match[1])
        return b'"value":%d' % (len(values) - 1)

    answer = _parsed(_VALUE.sub(take_out, body, count=_MAX_VALUES))
    cluster_id, revision = _header(answer)
    responses = answer.get("responses")
    if not isinstance(responses, list) or len(responses) != 2:
        raise EtcdUnusable("it does not answer both questions it was asked")
    document, note = (_stored(each, values) for each in responses)
    return Reading(cluster_id, revision, document, note)


def decode_put(body: bytes) -> Put:
    """Read the answer to :func:`put_request`.

    :raises EtcdUnusable: when it is none.
    """
    answer = _parsed(body)
    cluster_id, revision = _header(answer)
    return Put(cluster_id, answer.get("succeeded") is True, Revision(revision))


def decode_error(body: bytes) -> Exception:
    """Read an answer that says that something is wrong.

    :returns: :exc:`Compacted` or :exc:`EtcdUnusable`.
    """
    try:
        message = str(_parsed(body).get("error", "it does not say why"))
    except EtcdUnusable:
        message = "its answer is not etcd's"
    return Compacted(message) if _COMPACTED in message else EtcdUnusable(f"it refuses: {quoted(message)}")


def decode_told(line: bytes) -> Told:
    """Read a line of a watch.

    :raises EtcdUnusable: when it is none.
    """
    answer = _parsed(line)
    if "error" in answer:
        return Told.ENDED
    result = answer.get("result")
    if not isinstance(result, dict):
        raise EtcdUnusable("its watch says something that is not etcd's")
    if result.get("compact_revision") is not None:
        return Told.COMPACTED
    if result.get("canceled") is True:
        return Told.ENDED
    return Told.CHANGED if result.get("events") else Told.NOTHING


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode("ascii")


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = parse_json(body, ENVELOPE_BYTES)
    except ConfigRefused as refused:
        raise EtcdUnusable(f"its answer is not etcd's: {refused.violations[0].message}") from None
    if not isinstance(answer, dict):
        raise EtcdUnusable("its answer is not a JSON object")
    return answer


def _header(answer: Mapping[str, object]) -> tuple[int, int]:
    header = answer.get("header")
    if not isinstance(header, dict):
        raise EtcdUnusable("its answer has no header")
    return _number(header.get("cluster_id"), 2**64), _number(header.get("revision"))


def _stored(response: object, values: Sequence[bytes]) -> Stored | None:
    asked = response.get("response_range") if isinstance(response, dict) else None
    found = asked.get("kvs", []) if isinstance(asked, dict) else None
    if not isinstance(found, list) or len(found) > 1:
        raise EtcdUnusable("it does not say what the key holds")
    if not found:
        return None
    pair = found[0] if isinstance(found[0], dict) else {}
    return Stored(Revision(_number(pair.get("mod_revision"))), _value(pair.get("value"), values))


def _value(number: object, values: Sequence[bytes]) -> bytes:
    """Give what was taken out of an answer; what was not is no base64."""
    if number is None:
        return b""
    if type(number) is not int or not 0 <= number < len(values):
        raise EtcdUnusable("what it says that the key holds is not in base64")
    try:
        return base64.b64decode(values[number], validate=True)
    except binascii.Error:
        raise EtcdUnusable("what it says that the key holds is not in base64") from None


def _number(text: object, limit: int = MAX_REVISION) -> int:
    """Read a positive number, which the gateway writes as a string."""
    if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        number = int(text)
        if 0 < number < limit:
            return number
    raise EtcdUnusable("a number in its answer is missing or none")
