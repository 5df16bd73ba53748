"""What wrk prints, as the benchmarks read it."""

import json

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.errors import CouldNotRun
from benchmarks.load import Served, parse

TOTALS = {
    "requests": 1000,
    "bytes": 147_000,
    "duration_us": 2_000_000,
    "p50_us": 500,
    "p99_us": 1500,
    "connect": 0,
    "read": 0,
    "write": 0,
    "timeout": 0,
    "status": 0,
}


def output(**changes: int) -> str:
    """Make what wrk prints."""
    return (
        f"Running 2s test @ http://127.0.0.1:1/\n  1000 requests in 2.00s\n{json.dumps(TOTALS | changes)}\n"
    )


class ParseTests(SynchronousTestCase):
    """How it is read."""

    def refused(self, text: str) -> str:
        return str(self.assertRaises(CouldNotRun, parse, text))

    def test_the_last_line_has_the_totals(self) -> None:
        self.assertEqual(parse(output()), Served(1000, 147_000, 2.0, 0.5, 1.5))

    def test_a_run_with_failures_counts_for_nothing(self) -> None:
        self.assertEqual(self.refused(output(status=7, read=1)), "requests failed: 1 read, 7 status, of 1000")

    def test_a_run_without_answers_counts_for_nothing(self) -> None:
        self.assertEqual(self.refused(output(requests=0)), "no request was answered")

    def test_anything_else_is_told(self) -> None:
        for text in ("", "unable to connect", "[1]", "{}", '"requests"'):
            self.assertIn("wrk said something else", self.refused(text))
