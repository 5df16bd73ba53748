"""Exchanges that fail: what the client gets, what the cell gets, what is logged."""

from twisted.internet.error import ConnectionRefusedError as Refused

from tests.unit.proxy.rigs import GET, OK, RigTestCase

POST = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n"
LENGTH = POST + b"Content-Length: %d\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class FailureTests(RigTestCase):
    """What goes wrong, and who hears of it."""

    def test_a_cell_that_refuses_the_connection(self) -> None:
        client = self.rig.client(GET)
        self.rig.refuse_dial(Refused())
        self.assert_problem(client.response(), 502, "connection_refused")
        self.assertEqual((client.end, client.response().json()["placement"]), (None, "tier1"))

    def test_answers_that_are_none(self) -> None:
        for data, error in (
            (b"HTTP/1.1 abc\r\n\r\n", "http_protocol_error"),
            (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 40_000, "http_response_header_section_size"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "http_protocol_error"),
            (b"HTTP/1.1 102 Wait\r\n\r\n" * 40, "http_protocol_error"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "http_protocol_error"),
        ):
            client = self.rig.client(GET)
            cell = self.rig.cell()
            cell.send(data)
            self.assert_problem(client.responses()[-1], 502, error)
            self.assertEqual(cell.end, "aborted")

    def test_ends_without_an_answer(self) -> None:
        for clean, error in ((True, "http_response_incomplete"), (False, "connection_terminated")):
            client = self.rig.client(GET)
            cell = self.rig.cell()
            if clean:
                cell.leave()
            else:
                cell.reset()
            self.assert_problem(client.response(), 502, error)

    def test_an_answer_that_breaks_off_is_never_ended_cleanly(self) -> None:
        for begin in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ):
            client = self.rig.client(GET)
            cell = self.rig.cell()
            cell.send(begin)
            cell.leave()
            self.assertEqual((client.end, client.response().complete), ("aborted", False))
            self.assertEqual(self.rig.records.lines[-1]["error"], "http_response_incomplete")

    def test_a_malformed_chunk_after_the_head_aborts_both_sides(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        cell.send(b"x\r\n")
        self.assertEqual((client.end, cell.end), ("aborted", "aborted"))

    def test_a_malformed_request_body(self) -> None:
        client = self.rig.client(CHUNKED)
        cell = self.rig.cell()
        client.send(b"3\r\nabc\r\n")
        client.send(b"x\r\n")
        self.assert_problem(client.response(), 400, "http_request_error")
        self.assertEqual((cell.end, cell.requests[0].complete), ("aborted", False))

    def test_a_malformed_request_body_that_comes_with_the_head_reaches_no_cell(self) -> None:
        client = self.rig.client(CHUNKED + b"x\r\n")
        self.assert_problem(client.response(), 400, "http_request_error")
        self.assertEqual((self.rig.dials, self.rig.record()["method"]), ([], "POST"))

    def test_a_client_that_leaves_is_a_499_and_the_cell_is_left_at_once(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        client.leave()
        self.assertEqual((cell.end, client.received), ("aborted", b""))
        record = self.rig.record()
        self.assertEqual((record["status"], record["error"]), (499, "client_closed_request"))
        self.assertEqual(self.rig.engine.in_flight, 0)

    def test_a_client_that_leaves_in_its_answer(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        client.reset()
        self.assertEqual((cell.end, self.rig.record()["status"]), ("aborted", 499))

    def test_a_client_that_leaves_in_a_dial_ends_it(self) -> None:
        client = self.rig.client(GET)
        client.leave()
        self.assertTrue(self.rig.reactor.connectors[0].stoppedConnecting)
        self.assertEqual(self.rig.record()["status"], 499)

    def test_a_connection_that_ended_before_a_byte_was_sent_on_it_is_replaced(self) -> None:
        client = self.rig.client(GET)
        stale = self.rig.cell()
        stale.send(OK)
        stale.wire.peer_socket.ended = True
        client.send(GET)
        self.assertEqual(stale.requests[1:], [])
        self.rig.cell().send(OK)
        self.assertEqual([each.status for each in client.responses()], [200, 200])

    def test_an_exchange_that_is_given_up_before_a_byte_was_sent_sends_none(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        client.wire.peer_socket.incoming += GET
        client.wire.doRead()
        self.assertEqual(self.rig.engine.abort_all(), 1)
        self.rig.reactor.settle()
        self.assertEqual((cell.end, len(cell.requests)), ("aborted", 1))

    def test_a_body_that_was_not_sent_goes_out_on_the_other_connection(self) -> None:
        client = self.rig.client(GET)
        stale = self.rig.cell()
        stale.send(OK)
        stale.wire.peer_socket.ended = True
        client.send(LENGTH % 3 + b"abc")
        cell = self.rig.cell()
        self.assertEqual((stale.requests[1:], cell.requests[0].body), ([], b"abc"))
        cell.send(OK)
        self.assertEqual([each.status for each in client.responses()], [200, 200])

    def test_what_arrived_before_the_request_was_sent_is_not_its_answer(self) -> None:
        client, other = self.rig.client(GET), self.rig.client()
        stale = self.rig.cell()
        stale.send(OK)
        # In one turn: the request of the other client, and what the cell sent while it was idle.
        other.wire.peer_socket.incoming += GET
        other.wire.doRead()
        stale.wire.peer_socket.incoming += OK
        stale.wire.doRead()
        self.rig.reactor.settle()
        self.assertEqual((stale.end, len(stale.requests)), ("aborted", 1))
        self.rig.cell().send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
        self.assertEqual(other.response().body, b"other")
        self.assertEqual(client.response().status, 200)

    def test_a_request_that_was_sent_is_not_sent_twice(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        client.send(GET)
        cell.leave()
        self.assert_problem(client.responses()[1], 502, "http_response_incomplete")
        self.assertEqual(self.rig.dials, [])
