"""What is wrong with a document: single violations, the bounded list of them, and the exception with it."""

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from attrs import frozen

MAX_VIOLATIONS = 100
"""How many violations of one document are kept; further ones are only counted."""

MAX_REPORT_CHARS = 64 * 1024
"""How long they may be together before no further one is kept: a peer must be able to take the list."""

MAX_QUOTED_CHARS = 80
MAX_TOKEN_CHARS = 256

# Comparing two names takes the product of their lengths.
_MAX_SUGGESTIONS_FROM = 100
_MAX_SUGGESTIONS_FOR_CHARS = 40

T = TypeVar("T")


@frozen
class Violation:
    """One rule that a document breaks.

    :param path: where: an RFC 6901 JSON pointer, empty for the whole document.
    :param code: which rule: a stable word that programs may compare.
    :param message: what is wrong and what is expected, for people.
    """

    path: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{printable(self.path) or '(document)'}: {self.code}: {self.message}"


class ConfigRefused(Exception):
    """A document broke at least one rule.

    :param violations: every violation found, up to :data:`MAX_VIOLATIONS` and one that counts the rest.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(*violations)
        self.violations = tuple(violations)

    def __reduce__(self) -> tuple[type["ConfigRefused"], tuple[Sequence[Violation]]]:
        # An exception is otherwise made anew from what its base class was given.
        return ConfigRefused, (self.violations,)

    def __str__(self) -> str:
        return "\n".join(map(str, self.violations))


class Findings:
    """Collects the violations of one document, however many there are, in bounded memory."""

    def __init__(self) -> None:
        self._kept: list[Violation] = []
        self._chars = 0
        self._omitted = 0

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What was found; if that was too much to keep, a last entry says how many more there are."""
        if not self._omitted:
            return tuple(self._kept)
        rest = Violation("", "too_many_violations", f"and {self._omitted} more that are not listed")
        return (*self._kept, rest)

    def add(self, path: str, code: str, message: str) -> None:
        """Record one violation; the parameters are those of :class:`Violation`."""
        self.add_each([message], lambda text: Violation(path, code, text))

    def add_each(self, culprits: Sequence[T], describe: Callable[[T], Violation]) -> None:
        """Record one violation for each culprit, describing only as many as are kept.

        :param culprits: what breaks the rule, for example all the bad routing keys.
        :param describe: makes the violation of one culprit.
        """
        for index, culprit in enumerate(culprits):
            if len(self._kept) == MAX_VIOLATIONS or self._chars >= MAX_REPORT_CHARS:
                self._omitted += len(culprits) - index
                return
            violation = describe(culprit)
            self._kept.append(violation)
            self._chars += len(violation.path) + len(violation.message)

    def refuse_if_any(self) -> None:
        """Do nothing if nothing was found.

        :raises ConfigRefused: with everything that was found.
        """
        if self._kept:
            raise ConfigRefused(self.violations)


def pointer(*tokens: str) -> str:
    """Build the JSON pointer that names a place by its keys (RFC 6901, section 3).

    A token longer than any valid key is shortened, so that a hostile document cannot grow the report on it.

    :param tokens: object keys or array indexes from the root down.
    """
    return "".join("/" + _token(token) for token in tokens)


def _token(token: str) -> str:
    # Lone surrogates cannot be sent or written in UTF-8.
    encodable = shortened(token, MAX_TOKEN_CHARS).encode("utf-8", "backslashreplace").decode("utf-8")
    return encodable.replace("~", "~0").replace("/", "~1")


def shortened(text: str, limit: int) -> str:
    """Cut a text to a number of characters, with an ellipsis where something was cut off."""
    return text if len(text) <= limit else text[:limit] + "…"


def printable(text: str) -> str:
    """Escape what could break a log line or a terminal: control, bidirectional and unassigned characters."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """Quote a piece of a document in a message: escaped, and no more than :data:`MAX_QUOTED_CHARS` of it."""
    return f'"{printable(shortened(text, MAX_QUOTED_CHARS))}"'


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Suggest the known name that resembles a wrong one.

    :returns: text to append to a message; empty when nothing is close or comparing would take long.
    """
    if len(known) > _MAX_SUGGESTIONS_FROM or len(name) > _MAX_SUGGESTIONS_FOR_CHARS:
        return ""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {quoted(close[0])}?" if close else ""
