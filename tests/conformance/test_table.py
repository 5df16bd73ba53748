"""The vectors can be counted, and each is one of its own."""

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import requests, responses
from tests.conformance.__main__ import table
from tests.conformance.rows import named
from tests.support.engines import DOORS


class TableTests(SynchronousTestCase):
    """What ``python -m tests.conformance`` prints."""

    def test_every_group_has_a_line_and_every_side_a_sum(self) -> None:
        lines = [line.rsplit(maxsplit=2) for line in table()]
        self.assertEqual(lines[0], ["group", "side", "vectors"])
        self.assertIn(["host", "request", str(len(requests.GROUPS["host"]))], lines)
        self.assertIn(["interim", "response", str(len(responses.GROUPS["interim"]))], lines)
        for side, groups in (("request", requests.GROUPS), ("response", responses.GROUPS)):
            counts = [int(count) for _, each, count in lines[1:] if each == side]
            self.assertEqual((len(counts), sum(counts[:-1])), (len(groups) + 1, counts[-1]))

    def test_every_vector_is_run_at_some_door(self) -> None:
        for groups in (requests.GROUPS, responses.GROUPS):
            run = {row.name for door in DOORS for row in named(groups, door)}
            self.assertEqual(len(run), sum(map(len, groups.values())))

    def test_no_request_is_counted_twice(self) -> None:
        sent = Counter(
            (
                row.raw,
                getattr(row, "answers", None),
                getattr(row, "ahead", b""),
                str(getattr(row, "settings", None)),
            )
            for rows in requests.GROUPS.values()
            for row in rows
        )
        self.assertEqual([vector for vector, count in sent.items() if count > 1], [])

    def test_no_response_is_counted_twice(self) -> None:
        sent = Counter(
            (row.raw, row.then, row.asked, row.method, row.version)
            for rows in responses.GROUPS.values()
            for row in rows
        )
        self.assertEqual([vector for vector, count in sent.items() if count > 1], [])
