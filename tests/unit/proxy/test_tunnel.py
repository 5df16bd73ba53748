"""A change of protocols: bytes go both ways until both sides have ended."""

from tests.unit.proxy.rigs import GET, OK, Cell, Client, RigTestCase

OFFER = (
    b"GET /chat HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n"
)
LARGE = 1 << 20


class TunnelTests(RigTestCase):
    """After the cell has taken the client's offer."""

    def tunnel(self, ahead: bytes = b"", behind: bytes = b"") -> tuple[Client, Cell]:
        """Open a tunnel.

        :param ahead: what the client sends before it has the answer.
        :param behind: what the cell sends right after the answer.
        """
        client = self.rig.client(OFFER + ahead)
        cell = self.rig.cell()
        cell.send(SWITCH + behind)
        self.head_bytes = len(cell.requests[0].raw)
        return client, cell

    def got(self, end: Client | Cell) -> bytes:
        """Give what came through the tunnel."""
        return end.received.partition(b"\r\n\r\n")[2]

    def test_the_heads(self) -> None:
        client, cell = self.tunnel()
        seen = cell.requests[0]
        self.assertEqual((seen.values("Connection"), seen.values("Upgrade")), (["Upgrade"], ["websocket"]))
        head = client.received
        self.assertTrue(head.startswith(b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: a\r\n"))
        for line in (b"Connection: Upgrade", b"Upgrade: websocket", b"X-Route-Reason: tier1"):
            self.assertEqual(head.count(line + b"\r\n"), 1, line)
        self.assertEqual(self.rig.records.lines, [])

    def test_bytes_go_both_ways_as_they_come(self) -> None:
        client, cell = self.tunnel(b"early", b"first")
        client.send(b" bird")
        cell.send(b" things")
        client.send(GET)
        self.assertEqual((self.got(client), self.got(cell)), (b"first things", b"early bird" + GET))

    def test_each_side_may_end_by_itself(self) -> None:
        client, cell = self.tunnel()
        client.leave()
        self.assertEqual((cell.wire.peer_socket.finished, cell.end, client.wire.gone), (True, None, False))
        cell.send(b"still here")
        self.assertEqual(self.got(client), b"still here")
        cell.leave()
        self.assertEqual((cell.wire.gone, client.wire.gone), (True, True))
        record = self.rig.record()
        self.assertEqual(
            [record[name] for name in ("status", "bytes_out", "level")], [101, len(b"still here"), "info"]
        )
        self.assertNotIn("error", record)

    def test_the_cell_may_end_first(self) -> None:
        client, cell = self.tunnel()
        cell.leave()
        self.assertEqual((client.wire.peer_socket.finished, client.end), (True, None))
        client.send(b"still here")
        self.assertEqual(self.got(cell), b"still here")
        client.leave()
        self.assertEqual((cell.wire.gone, client.wire.gone), (True, True))
        self.assertEqual(self.rig.record()["bytes_in"], len(b"still here"))

    def test_what_was_sent_before_an_end_arrives(self) -> None:
        client, cell = self.tunnel()
        client.stall()
        cell.wire.peer_socket.incoming += b"x" * 100_000
        cell.leave()
        client.leave()
        client.read()
        self.assertEqual(len(self.got(client)), 100_000)

    def test_a_break_on_one_side_is_one_on_the_other(self) -> None:
        client, cell = self.tunnel()
        cell.reset()
        self.assertEqual(client.end, "aborted")
        client, cell = self.tunnel()
        client.reset()
        self.assertEqual(cell.end, "aborted")
        self.assertEqual(
            [line["error"] for line in self.rig.records.lines],
            ["connection_terminated", "client_closed_request"],
        )

    def test_a_side_that_does_not_read_pauses_the_other(self) -> None:
        client, cell = self.tunnel()
        client.stall()
        cell.send(b"x" * LARGE)
        self.assertTrue(cell.paused)
        client.read()
        self.assertEqual((len(self.got(client)), cell.paused), (LARGE, False))
        cell.stall()
        client.send(b"x" * LARGE)
        self.assertTrue(client.paused)
        cell.read()
        self.assertEqual((len(self.got(cell)), client.paused), (LARGE, False))

    def test_silence_ends_it_after_five_minutes(self) -> None:
        client, cell = self.tunnel()
        for end in (client, cell):
            self.pass_time(299)
            end.send(b".")
        self.pass_time(299)
        self.assertEqual(client.end, None)
        self.pass_time(2)
        self.assertEqual((client.end, cell.end), ("aborted", "aborted"))
        self.assertEqual(self.rig.record()["error"], "tunnel_idle_timeout")

    def test_its_connections_are_never_used_again(self) -> None:
        client, cell = self.tunnel()
        client.leave()
        cell.leave()
        self.rig.client(GET)
        self.assertEqual(len(self.rig.dials), 1)

    def test_a_drain_ends_it_in_the_end(self) -> None:
        client, cell = self.tunnel()
        self.rig.engine.begin_drain()
        drained = self.rig.engine.drained()
        self.pass_time(5)
        self.assertNoResult(drained)
        self.assertEqual(self.rig.engine.abort_all(), 1)
        self.rig.reactor.settle()
        self.successResultOf(drained)
        self.assertEqual((client.end, cell.end), ("aborted", "aborted"))


class NoTunnelTests(RigTestCase):
    """Where no tunnel comes of it."""

    def test_a_cell_may_answer_as_if_it_had_not_been_asked(self) -> None:
        client = self.rig.client(OFFER + GET)
        cell = self.rig.cell()
        cell.send(OK)
        cell.send(OK)
        self.assertEqual([each.status for each in client.responses()], [200, 200])

    def test_a_cell_that_was_not_asked_may_not_switch(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(SWITCH)
        self.assert_problem(client.response(), 502, "http_protocol_error")
        self.assertEqual(cell.end, "aborted")

    def test_a_switch_to_nothing_is_none(self) -> None:
        client = self.rig.client(OFFER)
        self.rig.cell().send(b"HTTP/1.1 101 Go\r\n\r\n")
        self.assert_problem(client.response(), 502, "http_protocol_error")


class HalfClosedTests(RigTestCase):
    """A client that sends no more, outside a tunnel."""

    def test_before_its_answer_it_is_gone(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        client.leave()
        self.assertEqual((client.end, cell.end, self.rig.record()["status"]), ("aborted", "aborted", 499))

    def test_in_a_head_it_is_gone(self) -> None:
        client = self.rig.client(GET[:9])
        client.leave()
        self.assertEqual((client.end, self.rig.records.lines), ("aborted", []))

    def test_while_idle_it_is_closed_with_all_that_was_sent(self) -> None:
        client = self.rig.client(GET)
        client.stall()
        self.rig.cell().send(OK)
        client.leave()
        self.assertEqual(client.end, None)
        client.read()
        self.assertEqual((client.end, client.response().body), ("closed", b"ok"))

    def test_after_a_last_answer_nothing_of_that_is_lost(self) -> None:
        client = self.rig.client(
            b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nContent-Length: 9\r\n\r\n"
        )
        cell = self.rig.cell()
        client.stall()
        cell.send(OK)
        client.leave()
        self.assertEqual(client.end, None)
        client.read()
        self.assertEqual((client.end, client.response().body), ("closed", b"ok"))
