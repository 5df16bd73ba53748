"""The messages' JSON form: one object with a ``type`` each.

A peer may be newer than this program: types and fields that it adds are ignored. Fields that are known are
held to strict types; one that may be absent may also be null.
"""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from attrs import asdict, evolve
from attrs.filters import exclude

from cellrouter.config import ConfigRefused, Revision, Violation, rules
from cellrouter.config.shapes import Field, Shapes
from cellrouter.config.strict_json import read_json
from cellrouter.config.violations import Findings, pointer
from cellrouter.wire.messages import Ack, ConfigSnapshot, Hello, Message, Nack, Running, Status, Unknown

T = TypeVar("T")

_MAX_LABEL_CHARS = 256

_CLASSES: Mapping[str, type[Message]] = {
    "config_snapshot": ConfigSnapshot,
    "ack": Ack,
    "nack": Nack,
    "hello": Hello,
    "status": Status,
}
_TYPES = {cls: name for name, cls in _CLASSES.items()}


class MessageRefused(Exception):
    """A message cannot be read.

    It can be pickled: a large message is read in another process.

    :param violations: every reason; their paths point into the message.
    :param version: the label of the config in it, as far as there is one; a nack repeats these three.
    :param revision: its revision, likewise.
    :param hash: its hash, likewise.
    """

    def __init__(
        self,
        violations: tuple[Violation, ...],
        version: str | None = None,
        revision: Revision | None = None,
        hash: str | None = None,  # noqa: A002 - called as in the message
    ) -> None:
        super().__init__(violations, version, revision, hash)
        self.violations = violations
        self.version = version
        self.revision = revision
        self.hash = hash

    def __str__(self) -> str:
        return "; ".join(map(str, self.violations))


def encode(message: Message) -> bytes:
    """Write a message as compact JSON.

    :raises ValueError: for a number that JSON does not have.
    """
    return _json({"type": _TYPES[type(message)], **asdict(message, filter=exclude("unknown_fields"))})


def encode_snapshot(
    config: bytes,
    revision: int | None,
    source_id: str | None,
    hash: str | None,  # noqa: A002 - called as in the message
) -> bytes:
    """Write a config snapshot around a document that is JSON text already.

    :param config: the config's document, in UTF-8.
    :param revision: its revision.
    :param source_id: names the history that the revision belongs to.
    :param hash: the document's hash.
    """
    labels = {"revision": revision, "source_id": source_id, "hash": hash}
    return b'%b,"config":%b}' % (_json({"type": _TYPES[ConfigSnapshot], **labels})[:-1], config)


def encode_document(document: object) -> bytes:
    """Write a config's document as compact JSON, valid or not.

    :param document: as :func:`decode` gives it.
    """
    return _json(document)


def decode(data: bytes, limit_bytes: int) -> Message | Unknown:
    """Read a message.

    :param data: the message's text.
    :param limit_bytes: how much is accepted, in bytes.
    :returns: the message, or what type it has when that is not a known one.
    :raises MessageRefused: when it is too large, no JSON object, or has a field of the wrong type.
    """
    findings = Findings()
    try:
        content = read_json(data, limit_bytes, findings)
    except ConfigRefused as refused:
        raise MessageRefused(refused.violations) from None
    if not isinstance(content, dict):
        findings.add("", "invalid_json", f"a message must be an object, not {rules.type_name(content)}")
        raise MessageRefused(findings.violations)
    message = _structure(content, findings)
    if message is None or findings:
        config = content.get("config")
        labelled = config if isinstance(config, dict) else content
        raise MessageRefused(
            findings.violations,
            _readable(rules.version, labelled.get("version")),
            _readable(_revision, content.get("revision")),
            _readable(_label, content.get("hash")),
        )
    return message


def _structure(content: dict[str, object], findings: Findings) -> Message | Unknown | None:
    kind = content.get("type")
    if not isinstance(kind, str):
        problem = "missing_field" if "type" not in content else "wrong_type"
        findings.add("/type", problem, "a message must say its type, as a string")
        return None
    cls = _CLASSES.get(kind)
    if cls is None:
        return Unknown(kind)
    message = _SHAPES.structure(content, cls, "", findings)
    return message and evolve(message, unknown_fields=_unknown_fields(content, cls))


def _unknown_fields(content: Mapping[str, object], cls: type[Message]) -> tuple[str, ...]:
    known = _SHAPES.known_fields(cls) | {"type"}
    unknown = [pointer(name) for name in content if name not in known]
    running = content.get("running")
    if cls is Hello and isinstance(running, dict):
        known = _SHAPES.known_fields(Running)
        unknown += [pointer("running", name) for name in running if name not in known]
    return tuple(unknown)


def _json(value: object) -> bytes:
    # As UTF-8, since escapes could make a config longer than the limit that it was accepted under. Half of a
    # surrogate pair, as a host's name can have it that is no UTF-8, would not be JSON.
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return text.encode("utf-8", "replace")


def _readable(rule: Callable[[object], T], value: object) -> T | None:
    try:
        return rule(value)
    except rules.Refusal:
        return None


def _revision(value: object) -> Revision:
    return Revision(rules.integer(value))


def _label(value: object) -> str:
    text = rules.string(value)
    if len(text) > _MAX_LABEL_CHARS:
        raise rules.Refusal("out_of_range", f"must be at most {_MAX_LABEL_CHARS} characters")
    return text


def _required(**declared: Callable[[object], object]) -> dict[str, Field]:
    """Declare fields that are called in JSON as they are here."""
    return {name: Field(name, rule) for name, rule in declared.items()}


def _optional(**declared: Callable[[object], object]) -> dict[str, Field]:
    return {name: Field(name, rule, nullable=True) for name, rule in declared.items()}


def _shapes() -> Shapes:
    shapes = Shapes(forbid_unknown_fields=False)
    shapes.declare(Violation, _required(path=rules.string, code=rules.string, message=rules.string))
    shapes.declare(
        Running,
        _required(version=rules.string, hash=rules.string, source=rules.string)
        | _optional(revision=_revision),
    )
    shapes.declare(
        ConfigSnapshot,
        _required(config=rules.anything)
        | _optional(revision=_revision, source_id=rules.string, hash=rules.string),
    )
    shapes.declare(
        Ack,
        _required(version=rules.string, hash=rules.string, apply_ms=rules.number)
        | _optional(revision=_revision),
    )
    shapes.declare(
        Nack,
        _required(errors=shapes.array_of(Violation))
        | _optional(version=rules.string, revision=_revision, hash=rules.string),
    )
    shapes.declare(
        Hello,
        _required(node_id=rules.string, software=rules.string) | _optional(running=shapes.nested(Running)),
    )
    shapes.declare(Status, _required(placements=rules.json_object, requests=rules.json_object))
    return shapes


_SHAPES = _shapes()
