"""Reads documents whose commands tests run, and compares what is printed with what they show.

A document is reStructuredText. In its literal blocks a line that begins with ``$`` is a command, which goes
on in the next line after a backslash; the lines after it are what it prints. A block without commands whose
lines begin with a level of the log is what a daemon's log has then. In both, ``...`` stands for what is
another text each time: within a line for any part of it, as a line for any lines. How many blanks there are
between two words does not count, since the columns of tables get wider with what is in them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

PROMPT = "$ "
ANY = "..."
LOGGED = re.compile(r"(?:info|warn|error)\s")

_BLOCK = re.compile(r"::\n\n((?:(?: +.*)?\n)+)")
_HEADING = re.compile(r"^(\S.*)\n([=~^-])\2+\n", re.MULTILINE)


@frozen
class Command:
    """A command and what it prints.

    :ivar text: it, as it is given to a shell.
    :ivar expected: the lines that it prints.
    """

    text: str
    expected: tuple[str, ...]


@frozen
class Section:
    """What is between a heading and the next one.

    :ivar title: the heading.
    :ivar commands: the commands in it.
    :ivar logged: the lines in it that a log has.
    """

    title: str
    commands: tuple[Command, ...]
    logged: tuple[str, ...]


def sections(text: str) -> Iterator[Section]:
    """Give the sections of a document that have commands or lines of a log.

    :param text: the document.
    """
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        blocks = [_lines(block) for block in _BLOCK.findall(text[heading.end() : end] + "\n")]
        commands = tuple(command for block in blocks for command in _commands(block))
        logged = tuple(line for block in blocks for line in _logged(block))
        if commands or logged:
            yield Section(heading[1], commands, logged)


def matches(expected: Sequence[str], printed: Sequence[str]) -> bool:
    """Tell whether lines are what a document shows.

    :param expected: its lines.
    :param printed: the lines.
    """
    pattern = "".join(_pattern(line) for line in expected)
    return re.fullmatch(pattern, "".join(f"{_squeezed(line)}\n" for line in printed)) is not None


def is_logged(expected: str, lines: Iterable[str]) -> bool:
    """Tell whether a log has a line that a document shows, whatever comes before the level.

    :param expected: the document's line.
    :param lines: the log's.
    """
    pattern = re.compile(rf"(?:\S+ )?{_pattern(expected)}")
    return any(pattern.fullmatch(f"{_squeezed(line)}\n") for line in lines)


def _lines(block: str) -> list[str]:
    lines = block.rstrip().splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return [line[indent:].rstrip() for line in lines]


def _commands(block: list[str]) -> Iterator[Command]:
    lines = iter(block)
    text, expected = "", []
    for line in lines:
        if not line.startswith(PROMPT):
            expected.append(line)
            continue
        if text:
            yield Command(text, _trimmed(expected))
        text, expected = line.removeprefix(PROMPT), []
        while text.endswith("\\"):
            text = f"{text}\n{next(lines)}"
    if text:
        yield Command(text, _trimmed(expected))


def _trimmed(lines: list[str]) -> tuple[str, ...]:
    """Leave out the blank lines that set two commands apart."""
    while lines and not lines[-1]:
        lines = lines[:-1]
    return tuple(lines)


def _logged(block: list[str]) -> Iterator[str]:
    if not any(line.startswith(PROMPT) for line in block):
        yield from (line for line in block if LOGGED.match(line))


def _pattern(line: str) -> str:
    if line.strip() == ANY:
        return r"(?:.*\n)*"
    return ".*".join(re.escape(part) for part in _squeezed(line).split(ANY)) + r"\n"


def _squeezed(line: str) -> str:
    return " ".join(line.split())
