"""What the data path has done, in numbers."""

import json

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Match
from cellrouter.observe import Traffic


class TrafficTests(SynchronousTestCase):
    """Exchanges counted."""

    def test_each_is_counted_by_why_it_went_where_it_went(self) -> None:
        traffic = Traffic()
        for match, times in ((Match.EXACT, 4), (Match.DEFAULT, 3), (Match.MISSING, 2), (None, 1)):
            for _ in range(times):
                traffic.count(200, 0.001, match)
        report = traffic.report()
        self.assertEqual(
            {name: report[name] for name in ("total", "exact", "default", "missing", "unrouted")},
            {"total": 10, "exact": 4, "default": 3, "missing": 2, "unrouted": 1},
        )

    def test_only_5xx_are_server_errors(self) -> None:
        traffic = Traffic()
        for status in (101, 200, 304, 400, 404, 499, 500, 502, 503, 504, 599):
            traffic.count(status, 0.001, Match.EXACT)
        self.assertEqual(traffic.report()["server_errors"], 5)

    def test_times_are_counted_from_0_up(self) -> None:
        traffic = Traffic()
        for duration_s in (0.0, 0.0001, 0.25, 3600.0):
            traffic.count(200, duration_s, Match.EXACT)
        report = traffic.report()
        self.assertEqual(report["latency_ms"], [[0.1, 2], [289.6, 1], [None, 1]])
        self.assertEqual(report["total"], 4)

    def test_a_report_is_small_json_whatever_was_counted(self) -> None:
        traffic = Traffic()
        for step in range(100_000):
            traffic.count(200, step * 0.002, Match.EXACT)
        self.assertLess(len(json.dumps(traffic.report(), allow_nan=False)), 4000)
