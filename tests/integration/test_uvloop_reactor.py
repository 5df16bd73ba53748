"""The reactor on uvloop, judged by Twisted's own tests and some of ours; and which daemon runs on it."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import skipUnless

import cellrouter
from tests.support.documents import text
from tests.support.processes import ON_LOOPBACK, TWISTD, ProcessTestCase

TRIAL = (sys.executable, "-m", "twisted.trial", "--temp-directory=trial")
PACKAGE = Path(cellrouter.__file__).parents[1]
PROJECT = Path(__file__).parents[2]
SUITE_LIMIT_S = 300.0
UVLOOP = "cellrouter.reactor.uvloop.UvloopReactor"
EPOLL = "twisted.internet.epollreactor.EPollReactor"

has_uvloop = skipUnless(find_spec("uvloop"), "uvloop is not installed")
has_what_twisted_tests_need = skipUnless(find_spec("hamcrest"), "PyHamcrest is not installed")


@has_uvloop
class SuiteTests(ProcessTestCase):
    """Tests that run a reactor of their own, in a process of their own."""

    timeout = 2 * SUITE_LIMIT_S

    async def run_suite(self, at_least: int, *arguments: str) -> None:
        """Run trial.

        :param at_least: how many tests must have passed.
        :param arguments: what to run.
        """
        environment = {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{PROJECT}", "TMPDIR": str(self.folder)}
        trial = self.start(*TRIAL, *arguments, environment=environment)
        status = await trial.until_ended(SUITE_LIMIT_S)
        report = (trial.stdout + trial.stderr).decode(errors="replace")
        self.assertEqual(status, 0, report[-8000:])
        passed = re.search(r"successes=(\d+)", report)
        self.assertGreaterEqual(int(passed[1]), at_least)

    @has_what_twisted_tests_need
    async def test_twisteds_tests_of_reactors_pass(self) -> None:
        await self.run_suite(200, "tests.integration.uvloop_reactor.suites")

    @has_what_twisted_tests_need
    async def test_twisteds_tests_that_need_any_reactor_pass_on_this_one(self) -> None:
        modules = ("twisted.test.test_tcp", "twisted.test.test_ssl", "twisted.test.test_internet")
        await self.run_suite(100, "--reactor=uvloop", *modules)

    async def test_our_own_pass(self) -> None:
        await self.run_suite(10, "tests.integration.uvloop_reactor.streams")


class ChoiceTests(ProcessTestCase):
    """The reactor that a daemon says it runs on."""

    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "routing.json"
        self.file.write_bytes(text())

    async def reactor_of(self, daemon: str, *options: str, uvloop: bool = True) -> str:
        """Start a daemon and read from its log what it runs on.

        :param daemon: its name.
        :param options: options of twistd's own.
        :param uvloop: whether it finds uvloop.
        """
        path = [str(PACKAGE)]
        if not uvloop:
            (self.folder / "without").mkdir()
            (self.folder / "without" / "uvloop.py").write_text("raise ImportError")
            path.insert(0, str(self.folder / "without"))
        process = self.start(
            *(*TWISTD, "-n", "--pidfile=", *options, daemon),
            *("--state-dir", str(self.folder), "--config", str(self.file), "--port", ON_LOOPBACK),
            environment={"PYTHONPATH": os.pathsep.join(path), "ADMIN": "off"},
        )
        logged = await process.until_logged(r"reactor class: (\S+)\.$")
        await process.until_logged("listening on")
        self.assertEqual(await process.stop(), 0)
        return logged[1].decode()

    @has_uvloop
    async def test_daemons_run_on_uvloop(self) -> None:
        for daemon in ("cellrouter-dp", "cellrouter-cp"):
            self.assertEqual(await self.reactor_of(daemon), UVLOOP)

    async def test_daemons_run_on_twisteds_default_where_uvloop_cannot_be_imported(self) -> None:
        self.assertEqual(await self.reactor_of("cellrouter-dp", uvloop=False), EPOLL)

    @has_uvloop
    async def test_who_names_a_reactor_gets_that(self) -> None:
        self.assertEqual(await self.reactor_of("cellrouter-dp", "-r", "epoll"), EPOLL)
        self.assertEqual(await self.reactor_of("cellrouter-dp", "-r", "uvloop"), UVLOOP)

    async def test_to_name_this_one_without_uvloop_is_an_error(self) -> None:
        (self.folder / "uvloop.py").write_text("raise ImportError('there is no uvloop here')")
        path = os.pathsep.join([str(self.folder), str(PACKAGE)])
        process = self.start(*TWISTD, "-n", "-r", "uvloop", "cellrouter-dp", environment={"PYTHONPATH": path})
        self.assertEqual(await process.until_ended(), 1)
        self.assertIn(b"there is no uvloop here", process.stdout)
