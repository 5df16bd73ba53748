"""What the fleet does, by what data planes say every ten seconds."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import Match
from cellrouter.controlplane import traffic_reports
from cellrouter.controlplane.traffic import FleetTraffic
from cellrouter.observe import Traffic
from cellrouter.wire import Hello, Status
from tests.support.documents import text
from tests.support.logs import CapturedLog
from tests.unit.controlplane.desks import Desk


class DataPlane:
    """One that counts requests as the data path does, and says so.

    :ivar counted: what it has done.
    :ivar since: when it was started, as it says.
    """

    def __init__(self, desk: Desk, name: str, port: int = 50000) -> None:
        self.counted = Traffic()
        self.since = "2026-11-24T18:00:00.000Z"
        self._desk = desk
        fleet = desk.hub.fleet
        self.node = fleet.said_hello(fleet.arrived(f"10.0.0.7:{port}"), Hello(name, "1"))
        self.report()

    def serve(
        self, requests: int, match: Match | None = Match.EXACT, status: int = 200, time_s: float = 0.001
    ) -> None:
        """Count requests."""
        for _ in range(requests):
            self.counted.count(status, time_s, match)

    def report(self, **changed: Any) -> None:
        """Send a status."""
        placements: dict[str, object] = {"tier1": {"in_flight": 1, "requests": self.counted.exact}}
        requests = {"since": self.since, "in_flight": 1, **self.counted.report(), **changed}
        self.say(placements, requests)

    def say(self, placements: dict[str, object], requests: dict[str, object]) -> None:
        """Send any status, if it is still there."""
        if self.node.connections:
            self._desk.hub.fleet.reported(self.node, Status(placements, requests))

    def leave(self) -> None:
        """Lose the connection."""
        self._desk.hub.fleet.left(self.node)

    @property
    def traffic(self) -> Any:
        """What is said of it."""
        return traffic_reports.data_plane(self._desk.traffic, self.node)


class TrafficTestCase(SynchronousTestCase):
    """Two data planes."""

    def setUp(self) -> None:
        self.log = CapturedLog(self)
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.desk = Desk(Path(self.enterContext(TemporaryDirectory())), self.clock)
        self.traffic: FleetTraffic = self.desk.traffic
        self.traffic.startService()
        self.addCleanup(self.traffic.stopService)
        self.one, self.other = DataPlane(self.desk, "dp-1"), DataPlane(self.desk, "dp-2", 50001)

    def pass_time(self, seconds: float = 10.0) -> None:
        """Let time pass, with statuses at its end; five seconds at a time, as the reactor does it."""
        while seconds > 0:
            self.clock.advance(min(seconds, 5.0))
            seconds -= 5.0
        for each in (self.one, self.other):
            each.report()

    def work(self, times: int, default: int = 0, exact: int = 100) -> None:
        """Let both serve requests for so many times ten seconds."""
        for _ in range(times):
            for each in (self.one, self.other):
                each.serve(exact)
                each.serve(default, Match.DEFAULT)
            self.pass_time()

    def assert_close(self, told_ms: float, exact_ms: float) -> None:
        """Assert that a percentile is what it should be, as far as a histogram can tell."""
        self.assertLess(abs(told_ms - exact_ms), 0.025 * exact_ms)

    @property
    def report(self) -> Any:
        """What is said of the fleet."""
        return traffic_reports.fleet(self.traffic)


class WindowTests(TrafficTestCase):
    """Rates, shares and percentiles."""

    def test_before_two_statuses_nothing_is_known(self) -> None:
        self.assertIsNone(self.report["traffic"])
        self.assertIsNone(self.one.traffic)
        self.one.serve(1_000)
        self.assertIsNone(self.one.traffic)

    def test_it_is_told_for_each_and_for_all(self) -> None:
        for _ in range(5):
            self.one.serve(70)
            self.one.serve(20, Match.DEFAULT, time_s=0.1)
            self.one.serve(10, Match.MISSING, status=503)
            self.other.serve(300)
            self.pass_time()
        one = self.one.traffic
        self.assertEqual(one["requests_per_s"], 10.0)
        self.assertEqual((one["share_5xx"], one["share_default"]), (0.1, round(20 / 90, 6)))
        self.assert_close(one["p50_ms"], 1.0)
        self.assert_close(one["p99_ms"], 100)
        fleet = self.report["traffic"]
        self.assertEqual(
            (fleet["window_s"], fleet["requests_per_s"], fleet["share_5xx"]), (30.0, 40.0, 0.025)
        )
        # Of 400 requests 20 took so long: the average of two p99s would be half of it.
        self.assert_close(fleet["p99_ms"], 100)
        self.assert_close(fleet["p50_ms"], 1.0)

    def test_with_no_requests_there_is_a_rate_and_no_share(self) -> None:
        self.pass_time()
        self.assertEqual(
            self.report["traffic"],
            {
                "window_s": 30.0,
                "requests_per_s": 0.0,
                **dict.fromkeys(("share_5xx", "share_default", "p50_ms", "p99_ms")),
            },
        )

    def test_what_is_longer_ago_than_the_window_does_not_count(self) -> None:
        self.one.serve(900, status=500)
        self.pass_time()
        self.work(2)
        self.assertGreater(self.one.traffic["share_5xx"], 0.8)
        self.work(3)
        self.assertEqual(self.one.traffic["share_5xx"], 0.0)
        self.assertEqual(self.report["traffic"]["share_5xx"], 0.0)
        self.assertEqual(self.report["traffic"]["requests_per_s"], 20.0)

    def lately(self, data_plane: DataPlane) -> Any:
        """Give what is kept of a data plane."""
        return self.traffic._lately[data_plane.node]

    def test_statuses_on_a_change_make_no_difference(self) -> None:
        for _ in range(40):
            self.one.serve(10)
            self.clock.advance(1)
            for _ in range(5):
                self.one.report()
        self.assertEqual(self.one.traffic["requests_per_s"], 10.0)
        self.assertLess(len(self.lately(self.one).slots), 15)

    def test_a_restarted_data_plane_begins_anew(self) -> None:
        self.work(3)
        self.one.counted = Traffic()
        self.one.since = "2026-11-24T19:00:00.000Z"
        self.one.serve(1_000_000 // 1000)
        self.pass_time()
        self.assertEqual(self.one.traffic["requests_per_s"], 10.0)
        self.work(3)
        self.assertEqual(self.one.traffic["requests_per_s"], 10.0)

    def test_one_that_left_is_part_of_nothing(self) -> None:
        self.work(4)
        self.other.leave()
        self.assertIsNone(self.other.traffic)
        self.assertEqual(self.report["traffic"]["requests_per_s"], 10.0)
        self.assertEqual(self.report["placements"]["tier1"]["data_planes"], 1)

    def test_one_that_says_nothing_any_more_is_forgotten_after_the_window(self) -> None:
        self.work(4)
        for _ in range(4):
            self.clock.advance(10)
            self.one.report()
        self.assertIsNone(self.other.traffic)
        self.assertEqual(len(self.traffic._lately), 1)

    def test_one_that_was_silent_for_long_has_done_it_all_the_while(self) -> None:
        self.work(1)
        self.one.serve(3000)
        self.clock.advance(300)
        self.one.report()
        self.assertEqual(self.one.traffic["requests_per_s"], 10.0)

    def test_numbers_that_cannot_be_say_nothing(self) -> None:
        self.work(4)
        for hostile in (
            {"total": 2**53},
            {"total": -1},
            {"default": 10**9},
            {"latency": {"first_ms": 0.1, "steps_per_doubling": 16, "buckets": "99999", "counts": "1"}},
            {"latency": None, "latency_ms": [[None, -1]]},
        ):
            self.one.report(**hostile)
            self.assertEqual(self.one.traffic["requests_per_s"], 10.0, hostile)
        self.work(4)
        self.assertEqual(self.report["traffic"]["requests_per_s"], 20.0)

    def test_one_that_names_other_placements_each_time_fills_nothing(self) -> None:
        for number in range(50):
            placements: dict[str, object] = {f"{number}-{each}": {"requests": 9} for each in range(100)}
            self.one.say(placements, {"total": number, "server_errors": 0, "latency_ms": []})
            self.clock.advance(0.05)
        self.assertLessEqual(len(self.traffic.tally.placements), 1000)
        self.assertEqual([len(slot.done.placements) for slot in self.lately(self.one).slots], [100])
        self.assertLessEqual(len(self.report["placements"]), 100)

    def test_two_with_one_name_are_not_taken_for_one_that_did_a_million(self) -> None:
        twin = DataPlane(self.desk, "dp-1", 50002)
        twin.since = "2026-11-24T17:00:00.000Z"
        twin.counted.latency[50] = 1_000_000
        for _ in range(5):
            self.clock.advance(5)
            twin.report()
            self.clock.advance(5)
            self.one.serve(100)
            self.one.report()
        self.assertIsNone(self.one.traffic)

    def test_a_clock_that_jumps_is_survived(self) -> None:
        self.work(4)
        self.clock.rightNow += 86_400.0
        self.work(1)
        self.assertLess(self.report["traffic"]["requests_per_s"], 1)
        self.clock.rightNow -= 172_800.0
        self.work(4)
        self.assertGreaterEqual(self.report["traffic"]["requests_per_s"], 0)
        self.assertNotIn("failed", self.log.text)

    def test_a_data_plane_of_another_version_is_added_up_too(self) -> None:
        self.one.say({}, {"total": 0, "server_errors": 0, "latency_ms": [[8.0, 0]]})
        self.clock.advance(10)
        counted: dict[str, object] = {
            "total": 500,
            "server_errors": 5,
            "latency_ms": [[8.0, 490], [107.6, 10]],
        }
        self.one.say({}, counted)
        self.assertEqual((self.one.traffic["requests_per_s"], self.one.traffic["share_5xx"]), (50.0, 0.01))
        self.assertIsNone(self.one.traffic["share_default"])
        self.assert_close(self.one.traffic["p99_ms"], 107.6)


class PlacementTests(TrafficTestCase):
    """How the placements are."""

    def test_they_are_told_with_their_share_of_the_requests(self) -> None:
        def say(requests: int) -> None:
            placements: dict[str, object] = {
                "tier1": {"healthy": True, "circuit": "closed", "in_flight": 2, "requests": 3 * requests},
                "tier2": {"requests": requests},
            }
            counted: dict[str, object] = {"total": 4 * requests, "server_errors": 0, "latency_ms": []}
            self.one.say(placements, counted)

        say(100)
        self.clock.advance(10)
        say(200)
        self.other.leave()
        self.assertEqual(
            self.report["placements"],
            {
                "tier1": {
                    "data_planes": 1,
                    "checked": 1,
                    "healthy": 1,
                    "circuits": {"closed": 1},
                    "in_flight": 2,
                    "share": 0.75,
                },
                "tier2": {"data_planes": 1, "share": 0.25},
            },
        )


class WarningTests(TrafficTestCase):
    """A share of the default placement that jumps."""

    def test_it_is_shown_and_logged_once_and_goes_by_itself(self) -> None:
        self.work(20, default=1)
        self.assertEqual(self.report["warnings"], [])
        self.work(6, default=50)
        (warning,) = self.report["warnings"]
        self.assertEqual(warning["kind"], "default_share")
        self.assertRegex(warning["message"], r"has risen from 0\.99% to \d+\.\d\d%")
        self.assertRegex(warning["since"], r"^2001-09-09T01:50:\d\d\.000Z$")
        self.assertEqual(self.log.text.count("has risen"), 1)
        self.work(6, default=1)
        self.assertEqual(self.report["warnings"], [])
        self.assertEqual(self.log.text.count("the share of the default placement is 0.99% again"), 1)
        self.assertEqual(self.log.text.count("has risen"), 1)

    def test_the_revision_that_became_active_in_between_is_named(self) -> None:
        self.desk.path.write_bytes(text("1"))
        self.desk.intake.load_blocking()
        self.work(20)
        self.desk.intake.startService()
        self.addCleanup(self.desk.intake.stopService)
        self.desk.path.write_bytes(text("2", routingTable={"acme": "tier1"}))
        self.desk.poll()
        self.work(4, default=50)
        (warning,) = self.report["warnings"]
        self.assertIn("revision 2 became active at 2001-09-09T01:50:", warning["message"])
        self.assertIn("cellrouter diff 1 2", warning["message"])

    def test_requests_without_a_key_and_requests_that_were_refused_are_no_jump(self) -> None:
        self.work(20)
        for match in (Match.MISSING, None):
            self.one.serve(1000, match)
            self.work(4)
        self.assertEqual(self.report["warnings"], [])

    def test_data_planes_that_come_and_go_are_no_jump(self) -> None:
        self.work(20, default=10)
        self.other.leave()
        self.pass_time()
        self.other = DataPlane(self.desk, "dp-2", 50003)
        self.work(6, default=10)
        self.assertEqual(self.report["warnings"], [])
