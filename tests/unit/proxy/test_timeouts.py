"""Every time-out of the data path, by a clock that the test advances."""

from tests.unit.proxy.rigs import GET, OK, RigTestCase

POST = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nContent-Length: 10\r\n\r\n"
LARGE = 1 << 20


class ClientTimeoutTests(RigTestCase):
    """Clients that are slow."""

    def test_half_a_head_is_a_408_after_10_s(self) -> None:
        client = self.rig.client(b"GET / HTTP/1.1\r\n")
        self.pass_time(9.75)
        self.assertEqual(client.received, b"")
        self.pass_time(1)
        self.assert_problem(client.response(), 408, None)
        self.assertEqual(client.response().value("Connection"), "close")
        self.assertEqual((self.rig.record()["status"], self.rig.record()["method"]), (408, None))

    def test_a_head_that_trickles_gets_no_more_time(self) -> None:
        client = self.rig.client(b"G")
        for _ in range(11):
            self.pass_time(1)
            client.send(b"E")
        self.assertEqual(client.response().status, 408)

    def test_the_time_for_a_head_begins_with_its_first_byte(self) -> None:
        client = self.rig.client()
        self.pass_time(70)
        client.send(b"GET / HTTP/1.1\r\n")
        self.pass_time(9)
        client.send(b"Host: x\r\n\r\n")
        self.assertEqual(len(self.rig.dials), 1)

    def test_half_a_second_head_is_a_408_too(self) -> None:
        client = self.rig.client(GET + b"GET /")
        self.pass_time(4)
        self.rig.cell().send(OK)
        self.pass_time(9.5)
        self.assertEqual([each.status for each in client.responses()], [200])
        self.pass_time(1)
        self.assertEqual([each.status for each in client.responses()], [200, 408])

    def test_a_body_that_stops_is_a_408_after_30_s_and_the_cell_is_left(self) -> None:
        client = self.rig.client(POST + b"abc")
        cell = self.rig.cell()
        for _ in range(3):
            self.pass_time(29)
            client.send(b"d")
        self.assertEqual(client.received, b"")
        self.pass_time(31)
        self.assert_problem(client.response(), 408, None)
        self.assertEqual((cell.requests[0].body, cell.end), (b"abcddd", "aborted"))
        self.assertEqual(self.rig.record()["placement"], "tier1")

    def test_silence_is_only_closed(self) -> None:
        client = self.rig.client()
        self.pass_time(74.5)
        self.assertEqual(client.end, None)
        self.pass_time(1)
        self.assertEqual((client.end, client.received, self.rig.records.lines), ("closed", b"", []))

    def test_a_connection_that_was_used_is_closed_when_idle(self) -> None:
        client = self.rig.client(GET)
        self.rig.cell().send(OK)
        self.pass_time(74)
        client.send(GET)
        self.rig.cell().send(OK)
        self.pass_time(74)
        self.assertEqual(client.end, None)
        self.pass_time(1.5)
        self.assertEqual((client.end, len(client.responses())), ("closed", 2))

    def test_a_client_that_goes_on_sending_after_its_last_answer_is_left_after_5_s(self) -> None:
        client = self.rig.client(b"BAD\r\n\r\n")
        self.assertEqual((client.response().status, client.wire.peer_socket.finished), (400, True))
        for _ in range(4):
            self.pass_time(1)
            client.send(b"x" * 1000)
        self.assertEqual(client.end, None)
        self.pass_time(1.5)
        self.assertEqual(client.end, "closed")

    def test_a_client_that_does_not_read_its_last_answer_is_left_after_30_s(self) -> None:
        client = self.rig.client(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        client.stall()
        self.rig.cell().send(OK)
        self.pass_time(29)
        self.assertEqual(client.end, None)
        self.pass_time(1.5)
        self.assertEqual(client.end, "aborted")

    def test_a_client_that_does_not_read_its_answer_is_left_after_30_s(self) -> None:
        client = self.rig.client(GET)
        client.stall()
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE + b"x" * LARGE)
        self.pass_time(29)
        self.assertEqual((client.end, cell.end), (None, None))
        self.pass_time(1.5)
        self.assertEqual((client.end, cell.end), ("aborted", "aborted"))
        self.assertEqual(
            (self.rig.record()["status"], self.rig.record()["error"]), (200, "client_read_timeout")
        )


class CellTimeoutTests(RigTestCase):
    """Cells that are slow."""

    def test_a_dial_that_is_not_answered_is_a_502_after_5_s(self) -> None:
        client = self.rig.client(GET)
        self.pass_time(4.75)
        self.assertEqual(client.received, b"")
        self.pass_time(0.5)
        self.assert_problem(client.response(), 502, "connection_timeout")
        self.assertTrue(self.rig.reactor.connectors[0].stoppedConnecting)

    def test_no_answer_is_a_504_after_10_s(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        self.pass_time(9.75)
        self.assertEqual(client.received, b"")
        self.pass_time(1)
        self.assert_problem(client.response(), 504, "http_response_timeout")
        self.assertEqual((client.end, cell.end), (None, "aborted"))

    def test_half_an_answer_s_head_is_no_answer(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        for byte in b"HTTP/1.1 20":
            self.pass_time(1)
            cell.send(bytes([byte]))
        self.assertEqual(client.response().status, 504)

    def test_the_time_for_an_answer_begins_with_the_end_of_the_request(self) -> None:
        client = self.rig.client(POST + b"123")
        cell = self.rig.cell()
        self.pass_time(20)
        client.send(b"4567890")
        self.pass_time(9.75)
        self.assertEqual(client.received, b"")
        cell.send(OK)
        self.assertEqual(client.response().status, 200)

    def test_an_answer_that_stops_aborts_the_client_after_30_s(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(3):
            self.pass_time(29)
            cell.send(b"x")
        self.pass_time(30.5)
        self.assertEqual((client.end, cell.end, client.response().body), ("aborted", "aborted", b"xxx"))
        self.assertEqual(self.rig.record()["error"], "connection_read_timeout")

    def test_a_cell_that_does_not_take_the_request_is_a_504_after_30_s(self) -> None:
        client = self.rig.client(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % LARGE)
        cell = self.rig.cell()
        cell.stall()
        client.send(b"x" * LARGE)
        self.assertTrue(client.paused)
        self.pass_time(29)
        self.assertEqual(client.received, b"")
        self.pass_time(1.5)
        self.assert_problem(client.response(), 504, "connection_write_timeout")
        self.assertEqual(cell.end, "aborted")

    def test_an_idle_connection_is_closed_after_4_s(self) -> None:
        self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        self.pass_time(3.75)
        self.assertEqual(cell.end, None)
        self.pass_time(0.75)
        self.assertEqual(cell.end, "closed")
