"""Requests that do not wait for the answer to the one before."""

from tests.support.documents import text
from tests.unit.proxy.rigs import GET, OK, Rig, RigTestCase

KEYLESS = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
MOST_HELD_BYTES = 256 * 1024


def get(path: str) -> bytes:
    """Make a request."""
    return GET.replace(b"GET /", b"GET " + path.encode())


class PipeliningTests(RigTestCase):
    """With a cell behind."""

    def test_they_are_sent_on_one_after_the_other_and_answered_in_order(self) -> None:
        client = self.rig.client(get("/0") + get("/1") + get("/2"))
        cell = self.rig.cell()
        for number in range(3):
            self.assertEqual(
                [each.target for each in cell.requests], [f"/{each}" for each in range(number + 1)]
            )
            cell.send(OK.replace(b"ok", b"%02d" % number))
        self.assertEqual([bytes(each.body) for each in client.responses()], [b"00", b"01", b"02"])
        self.assertEqual((client.end, client.paused), (None, False))

    def test_after_a_body_comes_the_next_request(self) -> None:
        post = b"POST /0 HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.rig.client(post + b"3\r\nabc\r\n0\r\n\r\n" + get("/1"))
        cell = self.rig.cell()
        cell.send(OK)
        self.assertEqual([bytes(each.body) for each in cell.requests], [b"abc", b""])

    def test_what_arrives_in_parts_is_put_together(self) -> None:
        raw = get("/0") + get("/1") + get("/2")
        client = self.rig.client(raw[: len(raw) // 2])
        cell = self.rig.cell()
        client.send(raw[len(raw) // 2 : -1])
        cell.send(OK)
        client.send(raw[-1:])
        cell.send(OK)
        self.assertEqual([each.target for each in cell.requests], ["/0", "/1", "/2"])

    def test_little_is_read_ahead_however_many_are_answered(self) -> None:
        client = self.rig.client(GET * 40_000)
        sent = 40_000 * len(GET)
        cell = self.rig.cell()
        for answered in range(1, 30):
            cell.send(OK)
            ahead = sent - len(client.wire.peer_socket.incoming) - (answered + 1) * len(GET)
            self.assertLess(ahead, MOST_HELD_BYTES)
        self.assertTrue(client.paused)

    def test_reading_goes_on_when_what_was_read_ahead_is_used_up(self) -> None:
        client = self.rig.client(GET * 3000)
        cell = self.rig.cell()
        for _ in range(3000):
            cell.send(OK)
        self.assertEqual((len(client.responses()), client.paused), (3000, False))

    def test_a_body_is_read_although_requests_were_read_ahead(self) -> None:
        post = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nContent-Length: 100000\r\n\r\n"
        client = self.rig.client(GET)
        client.send(GET + post)
        self.assertTrue(client.paused)
        cell = self.rig.cell()
        cell.send(OK)
        cell.send(OK)
        client.send(b"x" * 100_000)
        self.assertEqual(len(cell.requests[2].body), 100_000)
        cell.send(OK)
        self.assertEqual([each.status for each in client.responses()], [200, 200, 200])

    def test_a_request_to_close_is_the_last_one(self) -> None:
        client = self.rig.client(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
        cell = self.rig.cell()
        cell.send(OK)
        self.assertEqual((client.response().value("Connection"), len(cell.requests)), ("close", 1))
        self.assertTrue(client.wire.peer_socket.finished)

    def test_nothing_after_a_malformed_request_is_looked_at(self) -> None:
        client = self.rig.client(b"GET /\r\n\r\n" + GET)
        self.assert_problem(client.response(), 400, "http_request_error")
        self.assertEqual(self.rig.dials, [])

    def test_a_client_that_leaves_takes_what_was_read_ahead_with_it(self) -> None:
        client = self.rig.client(GET + GET)
        cell = self.rig.cell()
        client.leave()
        self.assertEqual((cell.end, len(cell.requests)), ("aborted", 1))
        self.assertEqual([each["status"] for each in self.rig.records.lines], [499])


class RefusedPipeliningTests(RigTestCase):
    """Answers that are made at once."""

    def setUp(self) -> None:
        self.rig = Rig(text(missingKeyPolicy="reject"))

    def test_two_thousand_are_answered_without_recursion(self) -> None:
        client = self.rig.client(KEYLESS * 2000)
        responses = client.responses()
        self.assertEqual((len(responses), {each.status for each in responses}), (2000, {400}))
        self.assertEqual((client.end, len(self.rig.records.lines)), (None, 2000))

    def test_a_client_that_does_not_read_is_not_answered_further(self) -> None:
        client = self.rig.client()
        client.stall()
        client.send(KEYLESS * 40_000)
        waiting = len(client.wire.dataBuffer) + sum(map(len, client.wire._tempDataBuffer))
        self.assertLess(waiting, MOST_HELD_BYTES)
        self.assertLess(len(self.rig.records.lines), 2000)
        self.assertTrue(client.paused)

    def test_it_is_answered_when_it_reads_again(self) -> None:
        client = self.rig.client()
        client.stall()
        client.send(KEYLESS * 3000)
        answered = len(self.rig.records.lines)
        client.read(10_000_000)
        self.assertLess(answered, 3000)
        self.assertEqual((len(client.responses()), client.paused), (3000, False))

    def test_one_that_never_reads_again_is_left(self) -> None:
        client = self.rig.client()
        client.stall()
        client.send(KEYLESS * 3000)
        self.pass_time(75 + 30 + 1)
        self.assertEqual(client.end, "aborted")


class FairnessTests(RigTestCase):
    """One client that asks for a great deal."""

    def test_after_some_answers_that_need_no_cell_others_have_their_turn(self) -> None:
        self.rig = Rig(text(missingKeyPolicy="reject"))
        client = self.rig.client()
        client.wire.protocol.dataReceived(KEYLESS * 1000)
        self.assertLess(len(self.rig.records.lines), 100)
        self.rig.reactor.settle()
        self.assertEqual([each.status for each in client.responses()], [400] * 1000)
        self.assertFalse(client.paused)
