"""The benchmarks as a whole: one that cannot run, and the options."""

from attrs import evolve
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.__main__ import main
from benchmarks.errors import CouldNotRun
from benchmarks.result import Document, Settings, text
from benchmarks.suite import BENCHMARKS
from cellrouter.cli.output import as_json
from tests.unit.benchmarks.support import SETTINGS


def failing(_: Settings) -> Document:
    """Measure nothing."""
    raise CouldNotRun("wrk is not installed")


def full(_: Settings) -> Document:
    """Find no room for files."""
    raise OSError(28, "No space left on device")


class FailureTests(SynchronousTestCase):
    """A benchmark that cannot run says why, and the next has its turn."""

    def test_it_is_an_answer_without_rows(self) -> None:
        for measure, reason in ((failing, "wrk is not installed"), (full, "No space left on device")):
            found = evolve(BENCHMARKS[0], measure=measure).run(SETTINGS)
            self.assertIn(f"could not run: compare: {found['could_not_run']['compare']}", text(found))
            self.assertIn(reason, text(found))


class CommandTests(SynchronousTestCase):
    """What one can type."""

    def run_command(self, *arguments: str, given: str = "") -> tuple[int, str]:
        outcome = CliRunner().invoke(main, arguments, input=given)
        return outcome.exit_code, outcome.output

    def test_every_benchmark_is_a_command(self) -> None:
        names = [benchmark.name for benchmark in BENCHMARKS]
        self.assertEqual(
            names, ["compare", "stream", "latency", "routes", "apply", "memory", "bodies", "fleet"]
        )
        for name in names:
            self.assertEqual(self.run_command(name, "--help")[0], 0)

    def test_a_proxy_that_does_not_exist_is_named_with_those_that_do(self) -> None:
        status, said = self.run_command("latency", "--only", "apache")
        self.assertEqual(status, 2)
        self.assertIn("'apache' is not one of nginx, haproxy, cellrouter, envoy", said)

    def test_what_was_written_for_programs_can_be_shown_to_people(self) -> None:
        found = evolve(BENCHMARKS[0], measure=failing).run(SETTINGS)
        given = as_json({"machine": "a machine", "benchmarks": {"compare": found}})
        status, said = self.run_command("show", "-", given=given)
        self.assertEqual(status, 0)
        self.assertIn("could not run: compare: wrk is not installed", said)
        self.assertIn("a machine", said)

    def test_a_file_that_is_something_else_is_told(self) -> None:
        for given in ("", "[]", "{}", '{"benchmarks": {}}', '{"machine": "m", "benchmarks": 1}'):
            status, said = self.run_command("show", "-", given=given)
            self.assertEqual(status, 1, given)
            self.assertIn("not what --json writes", said)
