"""What is logged of an exchange."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.proxy.record import Timestamps
from tests.support.documents import text
from tests.unit.proxy.rigs import GET, OK, RigTestCase


class TimestampTests(SynchronousTestCase):
    """RFC 3339 in UTC with milliseconds."""

    def test_times(self) -> None:
        timestamps = Timestamps()
        for seconds, expected in (
            (0.0, "1970-01-01T00:00:00.000Z"),
            (1767225599.9994, "2025-12-31T23:59:59.999Z"),
            (1767225599.999999, "2025-12-31T23:59:59.999Z"),
            (1767225600.0, "2026-01-01T00:00:00.000Z"),
            (1767225600.5, "2026-01-01T00:00:00.500Z"),
            (1767225599.25, "2025-12-31T23:59:59.250Z"),
            (1709164800.125, "2024-02-29T00:00:00.125Z"),
        ):
            self.assertEqual(timestamps.format(seconds), expected)


class RecordTests(RigTestCase):
    """The fields of a line."""

    def test_an_exchange_that_went_well(self) -> None:
        self.rig.install(text("2.0.0"), 7)
        self.rig.client(
            b"POST /a?secret HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nContent-Length: 3\r\n\r\nabc"
        )
        self.rig.reactor.advance(1)
        cell = self.rig.cell()
        self.rig.reactor.advance(0.25)
        cell.send(b"HTTP/1.1 201 Made\r\nContent-Length: 4\r\n\r\nok")
        self.rig.reactor.advance(0.5)
        cell.send(b"ok")
        self.assertEqual(
            self.rig.record(),
            {
                "timestamp": "1970-01-01T00:00:00.000Z",
                "level": "info",
                "message": "request routed",
                "routing_key": "acme",
                "method": "POST",
                "path": "/a",
                "placement": "tier1",
                "upstream": "http://127.0.0.1:9001",
                "match": "exact",
                "status": 201,
                "duration_ms": 1750.0,
                "request_id": "id",
                "bytes_in": 3,
                "bytes_out": 4,
                "upstream_ms": 250.0,
                "config_version": "2.0.0",
                "config_revision": 7,
            },
        )
        self.assertEqual(len(self.rig.decisions.recent()), 1)

    def test_a_failure(self) -> None:
        self.rig.client(GET)
        self.rig.cell().leave()
        record = self.rig.record()
        self.assertEqual(
            [record[name] for name in ("level", "message", "status", "error", "upstream_ms")],
            ["error", "request failed", 502, "http_response_incomplete", None],
        )

    def test_a_client_s_fault_is_no_error_of_ours(self) -> None:
        self.rig.client(b"GET /\r\n\r\n")
        record = self.rig.record()
        names = ("level", "status", "error", "method", "path", "routing_key", "placement", "match")
        self.assertEqual([record[name] for name in names], ["info", 400, "http_request_error", *(None,) * 5])

    def test_an_error_of_the_cell_is_an_answer(self) -> None:
        self.rig.client(GET)
        self.rig.cell().send(OK.replace(b"200 OK", b"500 Oops"))
        self.assertEqual((self.rig.record()["level"], self.rig.record()["status"]), ("info", 500))

    def test_keys_that_are_no_text(self) -> None:
        self.rig.client(GET.replace(b"acme", b'\xff"\x85'))
        self.rig.cell().send(OK)
        self.assertEqual(self.rig.record()["match"], "default")
        self.assertIn('"', self.rig.record()["routing_key"])
