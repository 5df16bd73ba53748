"""The checks of this package find what they look for."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.chaos.access_log import AccessLogCheck
from tests.chaos.load import CONNECTIONS, Load
from tests.support.cells import Cell, answer, response
from tests.support.connections import Connection
from tests.support.engines import ProxyTestCase

A, B = "http://127.0.0.1:9001", "http://127.0.0.1:9002"


def line(ended_s: int, revision: int, **fields: Any) -> bytes:
    """Make a line of an access log, of a request that took a second."""
    said = {
        "timestamp": f"2027-02-14T08:00:{ended_s:02}.000Z",
        "duration_ms": 1000.0,
        "status": 200,
        "upstream": (A, B)[revision % 2],
        "config_version": str(revision),
        "config_revision": revision,
        **fields,
    }
    return json.dumps(said).encode()


class AccessLogCheckTests(SynchronousTestCase):
    """What is wrong with a log is found, and nothing else."""

    def check(self, *lines: bytes) -> AccessLogCheck:
        """Check a log."""
        check = AccessLogCheck({str(revision): (A, B)[revision % 2] for revision in range(10)})
        for each in lines:
            check.take(each)
        return check

    def test_a_log_as_it_should_be(self) -> None:
        check = self.check(line(1, 1), line(2, 2), line(3, 3), line(3, 1, duration_ms=2500), line(4, 3))
        self.assertEqual((check.failed, check.wrong, check.went_back()), (0, 0, []))
        self.assertEqual(check.versions, {"1", "2", "3"})

    def test_another_cell_than_the_config_says(self) -> None:
        wrong = line(2, 2, upstream=B)
        check = self.check(line(1, 1), wrong, line(3, 3))
        self.assertEqual((check.wrong, check.wrong_line), (1, wrong))

    def test_a_config_that_nobody_gave_out(self) -> None:
        self.assertEqual(self.check(line(1, 1, config_version="bootstrap", config_revision=None)).wrong, 1)

    def test_a_revision_that_stands_for_two_configs(self) -> None:
        self.assertEqual(self.check(line(1, 1), line(2, 1, config_version="3")).wrong, 1)

    def test_a_request_that_began_after_one_of_a_newer_revision(self) -> None:
        (problem,) = self.check(line(1, 1), line(3, 3), line(5, 1)).went_back()
        self.assertIn("revision 1 was used 2.000 s after", problem)

    def test_failures_but_not_of_those_who_did_not_wait(self) -> None:
        self.assertEqual(self.check(line(1, 1, status=502), line(2, 1, status=499)).failed, 1)


class LoadTests(ProxyTestCase):
    """What is wrong with an answer is found."""

    async def answered(self, cell: Cell) -> Load:
        """Load a cell as if it were a data plane."""
        load = Load(int(cell.url.rpartition(":")[2]))
        load.start()
        await cell.until_requests(CONNECTIONS)
        await load.stop()
        return load

    async def test_answers_from_another_cell_than_they_say(self) -> None:
        lie = response(A.encode(), b"X-Routed-To: " + B.encode())
        load = await self.answered(self.cell(answer(lie)))
        self.assertGreaterEqual(load.answers["200"], CONNECTIONS)
        self.assertEqual((load.wrong, load.failed), (load.answers["200"], 0))

    async def test_failures_and_what_the_router_says_of_them(self) -> None:
        status = b"Proxy-Status: cellrouter; error=dns_error"
        load = await self.answered(self.cell(answer(response(b"", status, status=b"502 Bad Gateway"))))
        self.assertEqual(load.answers, {"502 cellrouter; error=dns_error": load.failed})

    async def test_answers_that_do_not_come_or_not_to_their_end(self) -> None:
        for raw in (b"", response(b"1234")[:-1]):
            load = await self.answered(self.cell(answer(raw, then=Connection.close)))
            self.assertGreaterEqual(load.failed, CONNECTIONS)
            self.assertEqual(load.answers, {"lost": load.failed})
