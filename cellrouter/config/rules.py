"""Rules for single values: each takes a parsed JSON value and returns what it means, or refuses it.

A rule does not know where its value stands; whoever applies it adds the place.
"""

import re

from cellrouter.config.durations import parse_duration
from cellrouter.config.endpoint import parse_endpoint
from cellrouter.config.model import MissingKeyPolicy
from cellrouter.config.violations import did_you_mean, quoted

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser reads unchanged (RFC 8259, section 6)."""

_MAX_VERSION_CHARS = 128
_REQUEST_PATH = re.compile(r"/[\x21\x22\x24-\x7e]{0,2047}")
_TYPE_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class Refusal(ValueError):
    """A value breaks a rule.

    :param code: the stable word for the rule.
    :param message: what is expected instead.
    :param below: keys that lead from the value to the part of it that is wrong.
    """

    def __init__(self, code: str, message: str, *below: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.below = below


def wrong_type(expected: str, value: object) -> Refusal:
    """Make the refusal of a value whose JSON type is not the expected one."""
    return Refusal("wrong_type", f"must be {expected}, not {type_name(value)}")


def type_name(value: object) -> str:
    """Name the JSON type of a value, with an article: ``an object``, ``null`` and so on."""
    return next((name for kind, name in _TYPE_NAMES.items() if isinstance(value, kind)), "no JSON value")


def anything(value: object) -> object:
    """Accept every value; for what is validated elsewhere."""
    return value


def json_object(value: object) -> dict[str, object]:
    """Accept an object, whatever it contains."""
    if not isinstance(value, dict):
        raise wrong_type("an object", value)
    return value


def string(value: object) -> str:
    """Accept a string."""
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    return value


def integer(value: object) -> int:
    """Accept an integer from 0 up; a boolean or ``1.0`` is none."""
    if isinstance(value, float):
        raise Refusal("wrong_type", "must be an integer, without a decimal point or exponent")
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type("an integer", value)
    if not 0 <= value <= MAX_INTEGER:
        raise Refusal("out_of_range", f"must be from 0 to {MAX_INTEGER}")
    return value


def number(value: object) -> float:
    """Accept a number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong_type("a number", value)
    return float(value)


def at_least_one(value: object) -> int:
    """Accept an integer that can serve as a threshold or a limit."""
    if isinstance(value, int) and not isinstance(value, bool) and not 1 <= value <= MAX_INTEGER:
        raise Refusal("out_of_range", f"must be from 1 to {MAX_INTEGER}")
    return integer(value)


def version(value: object) -> str:
    """Accept an operator's label for a config."""
    label = string(value)
    if not label.strip() or len(label) > _MAX_VERSION_CHARS or not label.isprintable():
        raise Refusal(
            "empty_version", f"must be 1 to {_MAX_VERSION_CHARS} printable characters, not only blanks"
        )
    return label


def duration(value: object) -> float:
    """Accept a duration such as ``10s`` and return seconds."""
    if not isinstance(value, str):
        raise wrong_type('a duration such as "10s"', value)
    try:
        return parse_duration(value)
    except ValueError as error:
        raise Refusal("invalid_duration", str(error)) from None


def url(value: object) -> str:
    """Accept the base URL of a cell."""
    text = string(value)
    try:
        parse_endpoint(text)
    except ValueError as error:
        raise Refusal("invalid_url", str(error)) from None
    return text


def request_path(value: object) -> str:
    """Accept what a health check may request: a path, with a query if need be (RFC 9112, section 3.2.1)."""
    text = string(value)
    if not _REQUEST_PATH.fullmatch(text):
        raise Refusal(
            "invalid_url", f"{quoted(text)} is not a path such as /health, in visible ASCII characters"
        )
    return text


def missing_key_policy(value: object) -> MissingKeyPolicy:
    """Accept the name of a policy."""
    text = string(value)
    try:
        return MissingKeyPolicy(text)
    except ValueError:
        names = [policy.value for policy in MissingKeyPolicy]
        expected = " or ".join(map(quoted, names))
        message = f"must be {expected}, not {quoted(text)}{did_you_mean(text, names)}"
        raise Refusal("wrong_type", message) from None
