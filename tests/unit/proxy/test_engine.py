"""What all exchanges share."""

from twisted.internet.defer import CancelledError

from tests.support.documents import text
from tests.unit.proxy.rigs import GET, OK, Rig, RigTestCase


class DrainTests(RigTestCase):
    """The end."""

    def drain(self) -> None:
        self.rig.engine.begin_drain()
        self.rig.reactor.settle()

    def test_nothing_in_flight_is_drained_at_once(self) -> None:
        self.drain()
        self.successResultOf(self.rig.engine.drained())

    def test_an_idle_connection_gets_a_second(self) -> None:
        client = self.rig.client(GET)
        self.rig.cell().send(OK)
        self.drain()
        drained = self.rig.engine.drained()
        self.assertNoResult(drained)
        self.pass_time(1.5)
        self.successResultOf(drained)
        self.assertEqual(client.end, "closed")

    def test_a_request_that_comes_in_this_second_is_the_last(self) -> None:
        client = self.rig.client()
        self.drain()
        client.send(GET)
        self.rig.cell().send(OK)
        self.assertEqual((client.response().value("Connection"), client.end), ("close", "closed"))

    def test_what_is_in_flight_is_finished(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        self.drain()
        drained = self.rig.engine.drained()
        cell.send(OK[:-1])
        self.assertNoResult(drained)
        cell.send(OK[-1:])
        self.successResultOf(drained)
        self.assertEqual((client.response().body, client.end), (b"ok", "closed"))

    def test_an_answer_that_has_not_left_is_waited_for(self) -> None:
        client = self.rig.client(GET)
        client.stall()
        cell = self.rig.cell()
        self.drain()
        drained = self.rig.engine.drained()
        cell.send(OK)
        self.assertEqual(self.rig.engine.in_flight, 0)
        self.assertNoResult(drained)
        client.read()
        self.successResultOf(drained)

    def test_half_a_head_is_waited_for(self) -> None:
        client = self.rig.client(GET[:10])
        self.drain()
        self.pass_time(2)
        client.send(GET[10:])
        self.rig.cell().send(OK)
        self.assertEqual((client.response().value("Connection"), client.end), ("close", "closed"))

    def test_waiting_can_be_given_up_and_begun_again(self) -> None:
        client = self.rig.client(GET)
        first, second = self.rig.engine.drained(), self.rig.engine.drained()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        client.leave()
        self.successResultOf(second)

    def test_what_is_left_is_aborted(self) -> None:
        clients = [self.rig.client(GET), self.rig.client(), self.rig.client(GET)]
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        drained = self.rig.engine.drained()
        self.assertEqual(self.rig.engine.abort_all(), 2)
        self.rig.reactor.settle()
        self.successResultOf(drained)
        self.assertEqual([client.end for client in clients], ["aborted"] * 3)
        logged = {(line["status"], line["error"]) for line in self.rig.records.lines}
        self.assertEqual((cell.end, logged), ("aborted", {(200, "drain_timeout"), (503, "drain_timeout")}))

    def test_stopping_leaves_no_timer_and_no_idle_connection(self) -> None:
        self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        self.rig.engine.stop()
        self.rig.engine.stop()
        self.rig.reactor.settle()
        self.assertEqual((cell.end, self.rig.reactor.getDelayedCalls()), ("closed", []))


class ReportTests(RigTestCase):
    """What is said of the state."""

    def test_placements(self) -> None:
        self.rig.client(GET)
        cell = self.rig.cell()
        report = self.rig.engine.placements_report()
        quiet = {"url": "http://127.0.0.1:9003", "in_flight": 0, "requests": 0, "idle_connections": 0}
        busy = {"url": "http://127.0.0.1:9001", "in_flight": 1, "requests": 1, "idle_connections": 0}
        self.assertEqual(report, {"tier1": busy, "tier3": quiet})
        cell.send(OK)
        done = {**busy, "in_flight": 0, "idle_connections": 1}
        self.assertEqual(self.rig.engine.placements_report()["tier1"], done)

    def test_every_exchange_leaves_its_placement_once(self) -> None:
        for end in ("leave", "reset", "send"):
            client = self.rig.client(GET)
            cell = self.rig.cell()
            getattr(cell, end)(*((b"nonsense",) if end == "send" else ()))
            client.leave()
            self.assertEqual(self.rig.engine.placements_report()["tier1"]["in_flight"], 0)

    def test_a_decision_is_explained(self) -> None:
        for key, placement, match, shown in (
            (b" acme\t", "tier1", "exact", "acme"),
            (b"other", "tier3", "default", "other"),
            (b"\xff", "tier3", "default", "\\xff"),
            (None, "tier3", "missing", None),
        ):
            explained = self.rig.engine.explain(key)
            self.assertEqual(
                [explained[name] for name in ("placement", "match", "routing_key")], [placement, match, shown]
            )
            self.assertEqual((explained["config_version"], explained.get("refused")), ("1.0.0", None))

    def test_so_is_a_refusal(self) -> None:
        self.assertIn("comma", str(self.rig.engine.explain(b"a,b")["refused"]))
        engine = Rig(text(missingKeyPolicy="reject")).engine
        self.assertIn("missingKeyPolicy", str(engine.explain(None)["refused"]))


class SnapshotTests(RigTestCase):
    """A config that changes."""

    def test_what_is_in_flight_finishes_where_it_began(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        self.rig.install(text("2.0.0", port=9005), 8)
        cell.send(OK)
        self.assertEqual(client.response().value("X-Routed-To"), "http://127.0.0.1:9001")
        self.assertEqual((self.rig.record()["config_version"], cell.end), ("1.0.0", "closed"))
        client.send(GET)
        self.assertEqual(self.rig.dials, [("127.0.0.1", 9005)])

    def test_idle_connections_to_a_cell_that_stays_are_kept(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        self.rig.install(text("2.0.0"), 8)
        client.send(GET)
        self.assertEqual((len(cell.requests), self.rig.dials), (2, []))
