"""The door behind twisted.web."""

from twisted.web.server import Site

from cellrouter.proxy import CellProxyResource
from tests.unit.proxy.rigs import CLIENT, GET, OK, Client, Rig, RigTestCase
from tests.unit.proxy.wires import Wire

LARGE = 1 << 20


class ResourceTests(RigTestCase):
    """The same engine, the same rules."""

    def client(self, data: bytes = b"") -> Client:
        """Connect a client to twisted.web, and send something."""
        rig = self.rig
        site = Site(CellProxyResource(rig.engine), reactor=rig.reactor)
        client = Client(rig.reactor, Wire(rig.reactor, site.buildProtocol(CLIENT), CLIENT))
        client.send(data)
        return client

    def test_a_request_and_its_answer(self) -> None:
        client = self.client(GET)
        cell = self.rig.cell()
        self.assertEqual(cell.requests[0].value("X-Forwarded-For"), "192.0.2.7")
        cell.send(OK)
        response = client.response()
        self.assertEqual((response.body, response.value("X-Routed-To")), (b"ok", "http://127.0.0.1:9001"))
        self.assertEqual((response.values("Server"), response.values("Date")), ([], []))
        self.assertEqual((client.end, self.rig.record()["status"]), (None, 200))

    def test_a_body_is_sent_on_in_pieces(self) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nContent-Length: %d\r\n\r\n" % LARGE
        self.client(head + b"x" * LARGE)
        cell = self.rig.cell()
        self.assertEqual((len(cell.requests[0].body), cell.requests[0].complete), (LARGE, True))

    def test_a_cell_that_does_not_read_is_waited_for(self) -> None:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\nContent-Length: %d\r\n\r\n" % LARGE
        self.client(head + b"x" * LARGE)
        cell = self.rig.cell(room=0)
        waiting = len(cell.wire.dataBuffer) + sum(map(len, cell.wire._tempDataBuffer))
        self.assertLess(waiting, LARGE / 2)
        cell.read()
        self.assertEqual(len(cell.requests[0].body), LARGE)

    def test_refusals(self) -> None:
        for raw, status in (
            (b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: a,b\r\n\r\n", 400),
            (b"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET /" + b"t" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        ):
            client = self.client(raw)
            self.assert_problem(client.response(), status, "http_request_error")
        self.assertEqual(self.rig.dials, [])

    def test_a_client_that_leaves_is_a_499(self) -> None:
        client = self.client(GET)
        cell = self.rig.cell()
        client.leave()
        self.assertEqual((cell.end, self.rig.record()["status"]), ("aborted", 499))

    def test_an_answer_that_breaks_off_is_never_ended_cleanly(self) -> None:
        client = self.client(GET)
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        cell.leave()
        self.assertEqual((client.end, client.response().complete), ("aborted", False))

    def test_a_client_that_does_not_read_pauses_the_cell(self) -> None:
        client = self.client(GET)
        client.stall()
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE + b"x" * LARGE)
        self.assertTrue(cell.paused)
        client.read()
        self.assertEqual((len(client.response().body), cell.paused), (LARGE, False))

    def test_interim_responses_end_here(self) -> None:
        client = self.client(GET)
        self.rig.cell().send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
        self.assertEqual((client.response().status, client.response().informational), (200, []))

    def test_in_a_drain_connections_end(self) -> None:
        client = self.client(GET)
        self.rig.engine.begin_drain()
        self.rig.cell().send(OK)
        self.assertEqual(client.response().value("Connection"), "close")

    def test_the_limits_are_the_engine_s(self) -> None:
        self.rig = Rig(max_head_fields=2)
        client = self.client(GET.replace(b"\r\n\r\n", b"\r\nA: b\r\n\r\n"))
        self.assert_problem(client.response(), 431, "http_request_error")
