"""The README's five minutes are true: every command is run as written, and prints what is written."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest

from tests.support.processes import DEFAULT_TIMEOUT_S, ProcessTestCase, programs

README = Path(__file__).parents[2] / "README.rst"
PROMPT = "    $ "
RETRY_S = 0.2
DIFFERS = (
    (r"cellrouter-demo-\w+", "FOLDER"),
    (r"[0-9a-f]{32,}", "HEX"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT", "TIME"),
    (r"(Content-Length|age_s|apply_ms|duration_ms|upstream_ms|bytes_out)(\W+)[\d.]+", r"\1\2NUMBER"),
    (r"(TwistedWeb|curl)/[\d.]+", r"\1/VERSION"),
)
"""What is another one in every run."""


def comparable(lines: list[str]) -> list[str]:
    """Give lines without what is another one in every run."""
    text = "\n".join(line.rstrip() for line in lines)
    for pattern, word in DIFFERS:
        text = re.sub(pattern, word, text)
    return text.splitlines()


def walk() -> Iterator[tuple[str, list[str]]]:
    """Give each command of the five minutes with the lines that it prints."""
    section = README.read_text().split("\nFive minutes\n")[1].split("\nHow it works\n")[0]
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", section)
    for block in blocks:
        for part in block.split(PROMPT)[1:]:
            command, *output = part.rstrip().splitlines()
            yield command, [line.removeprefix("    ") for line in output]


class FiveMinutesTests(ProcessTestCase):
    """The walk through a demo."""

    async def test_every_command_prints_what_the_readme_shows(self) -> None:
        if shutil.which("curl") is None:
            raise SkipTest("curl is not installed")
        path = {"PATH": f"{programs(self.folder)}:{os.environ['PATH']}"}
        demo = self.start("cellrouter", "demo", environment=path)
        await demo.until_printed("Ctrl-C")
        exported = dict(re.findall(r"(\w+)=(\S+)", demo.stdout.decode()))
        commands = list(walk())
        self.assertGreater(len(commands), 10)
        for command, expected in commands:
            await self._try(command, comparable(expected), {**path, **exported})
        self.assertEqual(await demo.stop(), 0)

    async def _try(self, command: str, expected: list[str], environment: dict[str, str]) -> None:
        """Run a command, again and again if it is one that shows something, until it shows what it should."""
        end = reactor.seconds() + DEFAULT_TIMEOUT_S
        while True:
            child = self.start("/bin/sh", "-c", command, environment=environment)
            await child.until_ended()
            printed = comparable((child.stdout + child.stderr).decode().splitlines())
            if printed == expected or not expected or reactor.seconds() > end:
                break
            await deferLater(reactor, RETRY_S)
        self.assertEqual(printed, expected, command)
