"""Runs the commands of a section of the operations guide, in order, as they are written."""

import re
from collections import deque
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.integration.runbook.fleet import Fleet
from tests.support.processes import DEFAULT_TIMEOUT_S, ProcessTestCase
from tests.support.runbook import Command, Section, is_logged, matches

RETRY_S = 0.2
LOG_TIMEOUT_S = 60.0
CHANGES = re.compile(
    r"cellrouter (apply|rollback|rollout (pause|promote|abort))|\b(kill|mv|cp|rm|twistd)\b|>>? "
)
"""What is not run again when it does not print at once what it should."""


class Walk:
    """A walk through a section.

    :param test: runs the commands.
    :param fleet: they are about it.
    :param section: has them.
    """

    def __init__(self, test: ProcessTestCase, fleet: Fleet, section: Section) -> None:
        self._test = test
        self._fleet = fleet
        self._section = section
        self._left = deque(section.commands)
        self._logged_before = fleet.logs()

    @property
    def left(self) -> int:
        """How many commands have not been run."""
        return len(self._left)

    async def until(self, beginning: str) -> None:
        """Run the commands before the first one that begins with some text.

        :param beginning: the text.
        """
        while self._left and not self._left[0].text.startswith(beginning):
            await self._run(self._left.popleft())
        self._test.assertTrue(self._left, f"{self._section.title}: no command is left: {beginning}")

    async def through(self, beginning: str) -> None:
        """Run the commands up to and with the first one that begins with some text.

        :param beginning: the text.
        """
        await self.until(beginning)
        await self._run(self._left.popleft())

    async def to_the_end(self) -> None:
        """Run the commands that are left, and look for the lines that a log should have by now."""
        while self._left:
            await self._run(self._left.popleft())
        await self.until_all_is_logged()

    async def until_all_is_logged(self) -> None:
        """Look for the lines that a log should have by now."""
        for line in self._section.logged:
            await self._until_logged(line)

    async def _run(self, command: Command) -> None:
        """Run a command, again and again if it only shows something, until it shows what it should."""
        end = reactor.seconds() + DEFAULT_TIMEOUT_S
        while True:
            printed = await self._printed(command.text)
            right = matches(command.expected, printed)
            if right or CHANGES.search(command.text) or reactor.seconds() > end:
                break
            await deferLater(reactor, RETRY_S)
        if not right:
            shown, really = ("\n".join(lines) for lines in (command.expected, printed))
            self._test.fail(f"{self._section.title}: {command.text}\nshould print\n{shown}\nprints\n{really}")

    async def _printed(self, text: str) -> list[str]:
        """Run a command; a status other than 0 is one more line."""
        child = self._test.start("/bin/sh", "-c", f"exec 2>&1\n{text}", environment=self._fleet.environment)
        status = await child.until_ended(timeout_s=2 * DEFAULT_TIMEOUT_S)
        lines = child.stdout.decode().splitlines()
        while lines and not lines[-1]:
            lines.pop()
        return lines if status == 0 else [*lines, f"(exit status {status})"]

    async def _until_logged(self, line: str) -> None:
        end = reactor.seconds() + LOG_TIMEOUT_S
        while not is_logged(line, self._new_lines()):
            if reactor.seconds() > end:
                lines = "\n".join(self._new_lines())
                self._test.fail(f"{self._section.title}: nobody logs\n{line}\nlogged is\n{lines}")
            await deferLater(reactor, RETRY_S)

    def _new_lines(self) -> list[str]:
        return [line for file, log in self._fleet.logs().items() for line in self._since(file, log)]

    def _since(self, file: Path, log: bytes) -> list[str]:
        return log[len(self._logged_before.get(file, b"")) :].decode("utf-8", "replace").splitlines()
