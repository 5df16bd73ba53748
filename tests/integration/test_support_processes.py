"""The helper that starts processes for other tests: it waits for events, and nothing outlives a test."""

import os
import sys
import unittest

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.processes import EndedTooSoonError, ProcessTestCase, until, until_answers

READ_FOREVER = "import signal; print('ready', flush=True); signal.pause()"


class ChildTests(ProcessTestCase):
    """What a test learns about a process it started."""

    async def test_output_is_waited_for_and_kept(self) -> None:
        child = self.start(sys.executable, "-c", "import sys; print('out'); sys.stderr.write('a 1\\na 2\\n')")
        second = await child.until_logged(r"^a (\d)$", times=2)
        self.assertEqual(second[1], b"2")
        await child.until_printed("out")
        self.assertEqual(await child.until_ended(), 0)
        self.assertEqual((child.stdout, child.stderr), (b"out\n", b"a 1\na 2\n"))

    async def test_a_process_that_ends_first_fails_the_wait_and_shows_its_output(self) -> None:
        child = self.start(sys.executable, "-c", "raise SystemExit('no such port')")
        error = await self.assertFailure(
            Deferred.fromCoroutine(child.until_logged("ready")), EndedTooSoonError
        )
        self.assertIn("it ended with 1 before 'ready'", str(error))
        self.assertIn("no such port", str(error))
        again = await self.assertFailure(
            Deferred.fromCoroutine(child.until_logged("ready")), EndedTooSoonError
        )
        self.assertEqual(str(error), str(again))

    async def test_waits_are_bounded(self) -> None:
        child = self.start(sys.executable, "-c", READ_FOREVER)
        await child.until_printed("ready")
        for wait in (child.until_logged("never", timeout_s=0.01), child.until_ended(timeout_s=0.01)):
            error = await self.assertFailure(Deferred.fromCoroutine(wait), EndedTooSoonError)
            self.assertIn("it ran for 0.01 s", str(error))

    async def test_a_signal_shows_in_the_status(self) -> None:
        child = self.start(sys.executable, "-c", READ_FOREVER)
        await child.until_printed("ready")
        self.assertEqual(await child.stop("TERM"), -15)

    async def test_a_process_sees_nothing_of_the_users_environment(self) -> None:
        self.patch(os, "environ", {**os.environ, "CONTROL_PLANE_URL": "ws://elsewhere"})
        program = (
            "import os; print(os.environ.get('CONTROL_PLANE_URL'), os.environ['HOME'], os.environ['GIVEN'])"
        )
        child = self.start(sys.executable, "-c", program, environment={"GIVEN": "yes"})
        await child.until_ended()
        self.assertEqual(child.stdout.decode(), f"None {self.folder} yes\n")

    async def test_a_condition_is_looked_at_until_it_holds(self) -> None:
        answers = iter((False, True))
        await until(lambda: next(answers))
        given_up = Deferred.fromCoroutine(until(lambda: False, timeout_s=0.01))
        await self.assertFailure(given_up, EndedTooSoonError)

    async def test_a_url_is_asked_until_it_answers(self) -> None:
        (self.folder / "here").write_text("found")
        child = self.start(sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1")
        port = int((await child.until_printed(r"port (\d+)"))[1])
        self.assertEqual(await until_answers(f"http://127.0.0.1:{port}/here"), b"found")
        missing = until_answers(f"http://127.0.0.1:{port}/missing", timeout_s=0.01)
        error = await self.assertFailure(Deferred.fromCoroutine(missing), EndedTooSoonError)
        self.assertIn("last: 404", str(error))
        await child.stop("KILL")
        silent = until_answers(f"http://127.0.0.1:{port}/here", timeout_s=0.01)
        error = await self.assertFailure(Deferred.fromCoroutine(silent), EndedTooSoonError)
        self.assertIn("refused", str(error))


class Leaving(ProcessTestCase):
    """A test that starts a process and never ends it; run by the test below, not by itself."""

    __test__ = False

    def runTest(self) -> "Deferred[object]":
        self.child = self.start(sys.executable, "-c", READ_FOREVER)
        return Deferred.fromCoroutine(self.child.until_printed("ready"))


class CleanUpTests(SynchronousTestCase):
    """Nothing stays behind."""

    def test_the_end_of_a_test_ends_its_processes_and_removes_its_folder(self) -> None:
        leaving, result = Leaving(), unittest.TestResult()
        leaving.run(result)
        self.assertTrue(result.wasSuccessful(), result.errors)
        self.assertEqual(leaving.child.status, -9)
        self.assertFalse(leaving.folder.exists())
