"""A JSON parser for documents that must mean one thing: everything that RFC 8259 leaves open is refused.

The parser is the standard library's, in C. What it lets pass is caught by its hooks while it runs, or looked
for afterwards; a position in the text is worked out only once something is known to be wrong.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from json import JSONDecodeError
from typing import NoReturn

from cellrouter.config.violations import ConfigRefused, Findings, Violation, pointer, quoted

MAX_DEPTH = 64
"""How deep objects and arrays may be nested; a valid document needs 4 levels."""

_MAX_NUMBER_CHARS = 100

# These are applied to text that is known to be JSON up to what they look for. Where they repeat they never go
# back, so that a string of a million escapes costs no memory.
_BYTE_ORDER_MARK = "\ufeff"
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_STRING_OR_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_STRING_OR_NUMBER = re.compile(rf"{_STRING}|NaN|-?Infinity|{_NUMBER}", re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE_PAIR = r"u[dD][89abAB]..\\u[dD][c-fC-F].."
_ESCAPE = re.compile(rf"\\(?:{_SURROGATE_PAIR}|(?P<lone>u[dD][89a-fA-F])|.)", re.DOTALL)


def parse_json(data: bytes, limit_bytes: int) -> object:
    """Parse JSON strictly.

    :param data: the text, in UTF-8 without a byte order mark.
    :param limit_bytes: how much text is accepted, in bytes.
    :returns: the value.
    :raises ConfigRefused: with ``too_large``, ``invalid_json`` or every ``duplicate_key``.
    """
    findings = Findings()
    value = read_json(data, limit_bytes, findings)
    findings.refuse_if_any()
    return value


def read_json(data: bytes, limit_bytes: int, findings: Findings) -> object:
    """Parse JSON like :func:`parse_json`, but go on after repeated keys, so that a caller can report more.

    :param findings: receives a violation for every repeated key.
    :returns: the value, in which the last of several equal keys counts.
    :raises ConfigRefused: when there is no value: the text is too large or no JSON.
    """
    if len(data) > limit_bytes:
        raise _refused("too_large", f"{len(data)} bytes are more than the limit of {limit_bytes} bytes")
    repeated: list[_RepeatingObject] = []
    try:
        value = _parse(data, repeated)
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused("invalid_json", f"{where}: {error.msg}{_likely_cause(error)}") from None
    if repeated:
        _report_repeated_keys(value, findings)
    return value


class _RepeatingObject(dict[str, object]):
    """An object in which a key is repeated, with all its members."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class _UnusableNumber(ValueError):
    """A number was read that no document may contain; its position is not known at that point."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _parse(data: bytes, repeated: list[_RepeatingObject]) -> object:
    text = _decode(data)

    def make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        repeated.append(_RepeatingObject(pairs))
        return repeated[-1]

    try:
        value: object = json.loads(
            text,
            object_pairs_hook=make_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except RecursionError:
        _fail_at_depth(text)
    except _UnusableNumber as unusable:
        _fail_at_number(text, unusable.text)
    if _too_deep(value):
        _fail_at_depth(text)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(text)
    return value


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise JSONDecodeError("not UTF-8 text", before, len(before)) from None
    if text.startswith(_BYTE_ORDER_MARK):
        raise JSONDecodeError("a byte order mark is not JSON; save the file as UTF-8 without BOM", text, 0)
    if not text.strip():
        raise JSONDecodeError("the document is empty", text, 0)
    return text


def _likely_cause(error: JSONDecodeError) -> str:
    """Add to a message what has most likely happened to the document, where that can be told."""
    if error.msg == "Extra data":
        return ": the document has ended before it; was it written twice?"
    ends_there = error.msg.startswith("Expecting") and error.pos >= len(error.doc.rstrip())
    if ends_there or error.msg.startswith("Unterminated string"):
        return ": the document is not complete; was it cut off?"
    return ""


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARS:
        raise _UnusableNumber(text)
    return int(text)


def _float(text: str) -> float:
    if len(text) > _MAX_NUMBER_CHARS or math.isinf(value := float(text)):
        raise _UnusableNumber(text)
    return value


def _constant(text: str) -> NoReturn:
    raise _UnusableNumber(text)


def _fail_at_number(text: str, number: str) -> NoReturn:
    """Raise for the number that a hook refused: the first one written so, since it refuses each such one."""
    position = next(match.start() for match in _STRING_OR_NUMBER.finditer(text) if match[0] == number)
    problem = "too large or too long a number" if number[-1].isdigit() else "not JSON"
    raise JSONDecodeError(f"{quoted(number)} is {problem}", text, position)


def _fail_at_depth(text: str) -> NoReturn:
    """Raise for the bracket that opens one level too many."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > MAX_DEPTH:
            break
    raise JSONDecodeError(f"nested more than {MAX_DEPTH} levels deep", text, match.start())


def _check_surrogates(text: str) -> None:
    """Refuse half of a surrogate pair: no character, and nothing UTF-8 can hold (RFC 8259 section 8.2)."""
    for match in _ESCAPE.finditer(text):
        if match["lone"]:
            raise JSONDecodeError("half of a surrogate pair is no character", text, match.start())


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if isinstance(child, (dict, list))]
    return bool(level)


def _children(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return (child for _, child in node.pairs) if isinstance(node, _RepeatingObject) else node.values()
    return node if isinstance(node, list) else ()


def _report_repeated_keys(node: object, findings: Findings, *path: str) -> None:
    """Add a violation for each repeated key, also inside members that an equal key replaced."""
    members: Iterable[tuple[str, object]] = ()
    if isinstance(node, _RepeatingObject):
        members = node.pairs
        counts = Counter([key for key, _ in members])
        findings.add_each([key for key in counts if counts[key] > 1], partial(_repetition, path, counts))
    elif isinstance(node, dict):
        members = node.items()
    elif isinstance(node, list):
        members = ((str(index), child) for index, child in enumerate(node))
    for key, child in members:
        if isinstance(child, (dict, list)):
            _report_repeated_keys(child, findings, *path, key)


def _repetition(path: tuple[str, ...], counts: Counter[str], key: str) -> Violation:
    message = f"{quoted(key)} is written {counts[key]} times"
    return Violation(pointer(*path, key), "duplicate_key", message)


def _refused(code: str, message: str) -> ConfigRefused:
    return ConfigRefused([Violation("", code, message)])
