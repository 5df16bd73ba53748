"""Work in child processes: what it gives, and what becomes of it when one of both ends."""

import os
import sys
import time
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

import cellrouter
from cellrouter.config import ConfigRefused
from cellrouter.controlplane.checking import check
from cellrouter.daemon.children import MAX_WAITING, Busy, ChildFailed, Children
from cellrouter.wire import MessageRefused, decode
from tests.support.documents import text
from tests.support.processes import ProcessTestCase, until

PACKAGE = Path(cellrouter.__file__).parents[1]
PROJECT = Path(__file__).parents[2]
LIMIT_BYTES = 1_000_000
ENDLESS = (sys.executable, "-c", "import sys, time; sys.stdin.read(); time.sleep(1000)")
PARENT = """
import sys, time
from pathlib import Path
from twisted.internet import reactor
from cellrouter.daemon.children import Children
from tests.integration.test_child_processes import say_pid_and_wait
children = Children(reactor)
children.startService()
children(say_pid_and_wait, sys.argv[1])
reactor.run()
"""


def say_pid_and_wait(path: str) -> None:
    """Write our process ID into a file; return when standard output is closed."""
    Path(path).write_text(str(os.getpid()))
    while True:
        os.write(1, b"x")
        time.sleep(0.01)


class ChildrenTests(TestCase):
    """Calls."""

    timeout = 60.0

    def setUp(self) -> None:
        self.children = self.start()

    def start(self, *arguments: tuple[str, ...]) -> Children:
        children = Children(reactor, *arguments)
        children.startService()
        self.addCleanup(children.stopService)
        return children

    async def test_a_function_is_called_in_another_process(self) -> None:
        self.assertNotEqual(await self.children(os.getpid), os.getpid())

    async def test_what_it_raises_is_raised(self) -> None:
        with self.assertRaises(ConfigRefused) as caught:
            await self.children(check, b'{"version": 3}', LIMIT_BYTES, None)
        with self.assertRaises(ConfigRefused) as expected:
            check(b'{"version": 3}', LIMIT_BYTES, None)
        self.assertEqual(caught.exception.violations, expected.exception.violations)

    async def test_large_documents_come_and_go(self) -> None:
        content = text(routingTable={f"customer-{number}": "tier1" for number in range(20_000)})
        checked = await self.children(check, content, LIMIT_BYTES, None)
        self.assertEqual(checked, check(content, LIMIT_BYTES, None))

    async def test_many_are_called_one_after_the_other(self) -> None:
        self.assertEqual(
            await gatherResults([self.children(abs, -number) for number in range(5)]), [*range(5)]
        )

    async def test_one_that_is_killed_is_an_answer(self) -> None:
        with self.assertRaisesRegex(ChildFailed, "it was ended by signal 9"):
            await self.children(_die)

    async def test_one_that_ends_without_a_word_is_an_answer(self) -> None:
        children = self.start((sys.executable, "-c", "raise SystemExit('no memory')"))
        with self.assertRaisesRegex(ChildFailed, "exit status 1: no memory"):
            await children(abs, 1)

    async def test_an_answer_that_cannot_be_read_is_one(self) -> None:
        for said in ("''", "'garbage'"):
            children = self.start((sys.executable, "-c", f"print({said}, end='')"))
            with self.assertRaisesRegex(ChildFailed, "its answer cannot be read"):
                await children(abs, 1)

    async def test_a_message_that_is_refused_there_is_refused_here(self) -> None:
        with self.assertRaises(MessageRefused) as caught:
            await self.children(decode, b'{"type": "ack", "version": "9", "revision": "x"}', LIMIT_BYTES)
        self.assertEqual(caught.exception.version, "9")

    async def test_one_that_nobody_waits_for_any_more_ends(self) -> None:
        children = self.start(ENDLESS)
        first, second = children(abs, 1), children(abs, 2)
        await deferLater(reactor, 0)
        first.cancel()
        await self.assertFailure(first, CancelledError)
        children.stopService()
        with self.assertRaises(ChildFailed):
            await second

    async def test_a_program_that_does_not_exist_is_an_answer(self) -> None:
        with self.assertRaises(ChildFailed):
            await self.start(("/no/such/program",))(abs, 1)

    async def test_the_one_that_runs_ends_with_the_service_and_so_do_those_that_wait(self) -> None:
        children = self.start(ENDLESS)
        calls = [children(abs, 1) for _ in range(2)]
        await deferLater(reactor, 0)
        children.stopService()
        for call in calls:
            with self.assertRaisesRegex(ChildFailed, "the daemon is stopping"):
                await call

    async def test_too_many_are_refused_at_once(self) -> None:
        children = self.start(ENDLESS)
        calls: list[Deferred[object]] = [children(abs, 1) for _ in range(MAX_WAITING + 1)]
        with self.assertRaises(Busy):
            await children(abs, 1)
        children.stopService()
        await gatherResults([call.addErrback(lambda failure: failure.trap(ChildFailed)) for call in calls])


def _die() -> None:
    os.kill(os.getpid(), 9)


class ParentTests(ProcessTestCase):
    """A control plane that is killed."""

    async def test_it_leaves_no_child_behind(self) -> None:
        told = self.folder / "pid"
        environment = {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{PROJECT}"}
        parent = self.start(sys.executable, "-c", PARENT, str(told), environment=environment)
        await until(lambda: told.exists() and told.read_text() != "")
        child = Path("/proc") / told.read_text()
        self.assertTrue(child.exists())
        await parent.stop("KILL")
        await until(lambda: not child.exists() or "\nState:\tZ" in (child / "status").read_text())
