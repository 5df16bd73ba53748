"""The tool's child processes: how they are waited for, and that they end."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from cellrouter.cli.children import Child, ChildFailedError, Children

SAY = "import os, signal, sys; say = lambda text: os.write(2, text.encode());"
LISTEN = SAY + "say('T info  a.b  data port listening on 127.0.0.1:80\\n');"
STUBBORN = SAY + "signal.signal(signal.SIGTERM, signal.SIG_IGN);" + LISTEN + "\nwhile True: signal.pause()"


class ChildrenTests(TestCase):
    """Real children, each a line of Python."""

    timeout = 60.0

    def setUp(self) -> None:
        self.logs = Path(self.enterContext(TemporaryDirectory()))
        self.children = Children(reactor, self.logs, stop_timeout_s=0.05)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.children.stop()))

    def start(self, program: str) -> Child:
        return self.children.start("child", (sys.executable, "-c", program))

    async def failure(self, waiting: "Deferred[int]") -> str:
        return str(await self.assertFailure(waiting, ChildFailedError))

    async def test_ports_are_known_however_the_line_comes(self) -> None:
        halves = "say('T info  a.b  admin port list'); say('ening on [::1]:8082\\n'); signal.pause()"
        child = self.start(LISTEN + halves)
        self.assertEqual(await child.port("data port", reactor), 80)
        self.assertEqual(await child.port("admin port", reactor), 8082)

    async def test_a_child_that_ends_first_is_told_with_its_last_words(self) -> None:
        child = self.start(SAY + "say('no such config'); sys.exit(3)")
        told = "child ended with status 3: no such config"
        self.assertEqual(await self.failure(child.port("data port", reactor)), told)
        self.assertEqual(await self.failure(child.port("data port", reactor)), told)

    async def test_a_child_that_says_nothing_is_told_too(self) -> None:
        child = self.start("")
        self.assertIn("status 0: it said nothing", await self.failure(child.port("data port", reactor)))

    async def test_output_is_kept_in_files(self) -> None:
        child = self.start("import os; os.write(1, b'out'); os.write(2, b'err')")
        await child.until_ended()
        self.assertEqual((self.logs / "child.out").read_text(), "out")
        self.assertEqual((self.logs / "child.log").read_text(), "err")

    async def test_one_that_ignores_sigterm_is_killed(self) -> None:
        child = self.start(STUBBORN)
        await child.port("data port", reactor)
        await self.children.stop()
        self.assertEqual(child.ending, "SIGKILL")

    async def test_only_those_that_end_by_themselves_are_reported(self) -> None:
        reported: list[Child] = []
        ending, staying = self.start(""), self.start(LISTEN + "signal.pause()")
        await staying.port("data port", reactor)
        watching = Deferred.fromCoroutine(self.children.watch(reported.append))
        await ending.until_ended()
        await self.children.stop()
        self.assertEqual(reported, [ending])
        watching.addErrback(lambda failure: None).cancel()
