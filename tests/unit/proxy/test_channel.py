"""A client's connection and its exchanges, from the first byte to the last."""

from ipaddress import ip_network
from types import MappingProxyType

from twisted.internet.address import IPv4Address, UNIXAddress

from tests.support.documents import text
from tests.unit.proxy.rigs import GET, LONG_BYTES, OK, Rig, RigTestCase

POST = b"POST / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n"
LENGTH = POST + b"Content-Length: %d\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
OPEN_ENDED = b"HTTP/1.1 200 OK\r\n\r\n"
LARGE = 1 << 20
HELD_BYTES = 256 * 1024


class AnsweringTests(RigTestCase):
    """Sound requests and sound answers."""

    def test_one_connection_to_a_cell_serves_many_clients(self) -> None:
        self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        other = self.rig.client(GET)
        cell.send(OK)
        self.assertEqual((other.response().body, len(cell.requests), self.rig.dials), (b"ok", 2, []))

    def test_a_body_of_unknown_length_is_sent_in_chunks(self) -> None:
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OPEN_ENDED + b"hel")
        cell.send(b"lo")
        cell.leave()
        response = client.response()
        self.assertEqual((response.body, response.complete), (b"hello", True))
        self.assertEqual((response.value("Transfer-Encoding"), client.end), ("chunked", None))

    def test_for_a_client_of_1_0_it_ends_with_the_connection(self) -> None:
        client = self.rig.client(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        cell = self.rig.cell()
        cell.send(OPEN_ENDED + b"hello")
        cell.leave()
        self.assertTrue(client.received.endswith(b"Connection: close\r\n\r\nhello"))
        self.assertEqual(client.end, "closed")

    def test_a_client_of_1_0_may_stay_if_the_length_is_known(self) -> None:
        client = self.rig.client(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        self.rig.cell().send(OK)
        self.assertEqual((client.response().value("Connection"), client.end), ("keep-alive", None))

    def test_chunks_are_reframed(self) -> None:
        client = self.rig.client(CHUNKED + b"3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n")
        cell = self.rig.cell()
        self.assertEqual((cell.requests[0].body, cell.requests[0].trailers), (b"abc", [("A", "b")]))
        cell.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\n\r\n")
        self.assertEqual(client.response().body, b"ok")

    def test_a_head_without_a_body_for_head(self) -> None:
        client = self.rig.client(GET.replace(b"GET", b"HEAD") + GET)
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        cell.send(OK)
        self.assertEqual([bytes(each.body) for each in client.responses("HEAD")], [b"", b"ok"])

    def test_interim_responses_are_relayed_but_not_to_1_0(self) -> None:
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        client = self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(early)
        self.assertEqual(client.received, early)
        cell.send(early + OK)
        self.assertEqual(len(client.response().informational), 2)
        old = self.rig.client(b"GET / HTTP/1.0\r\nX-Routing-Key: acme\r\n\r\n")
        cell.send(early + OK)
        self.assertEqual(old.response().informational, [])

    def test_connections_of_cells_that_end_are_not_used_again(self) -> None:
        for answer in (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            OK + b"more",
        ):
            self.rig.client(GET)
            cell = self.rig.cell()
            cell.send(answer)
            self.assertEqual(cell.end, "closed")

    def test_what_arrives_while_idle_is_never_an_answer(self) -> None:
        self.rig.client(GET)
        cell = self.rig.cell()
        cell.send(OK)
        cell.send(OK)
        self.assertEqual(cell.end, "aborted")
        client = self.rig.client(GET)
        self.assertEqual((client.received, len(self.rig.dials)), (b"", 1))

    def test_a_client_by_a_unix_socket(self) -> None:
        """Such a socket has no option not to delay."""
        self.rig.client(GET, UNIXAddress(b"/socket"))
        self.assertEqual(self.rig.cell().requests[0].value("X-Forwarded-For"), "unknown")


class BackPressureTests(RigTestCase):
    """A side that does not read slows the other one down."""

    def test_a_client_that_does_not_read_pauses_the_cell(self) -> None:
        client = self.rig.client(GET)
        client.stall()
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE + b"x" * LARGE)
        self.assertTrue(cell.paused)
        self.assertGreater(len(cell.wire.peer_socket.incoming), LARGE - HELD_BYTES)
        client.read()
        self.assertEqual((len(client.response().body), cell.paused), (LARGE, False))

    def test_a_cell_that_does_not_read_pauses_the_client(self) -> None:
        client = self.rig.client(LENGTH % LARGE)
        cell = self.rig.cell()
        cell.stall()
        client.send(b"x" * LARGE)
        self.assertTrue(client.paused)
        self.assertGreater(len(client.wire.peer_socket.incoming), LARGE - HELD_BYTES)
        cell.read()
        self.assertEqual((len(cell.requests[0].body), client.paused), (LARGE, False))

    def test_a_dial_pauses_the_client(self) -> None:
        client = self.rig.client(LENGTH % LARGE + b"x" * LARGE)
        self.assertTrue(client.paused)
        self.assertGreater(len(client.wire.peer_socket.incoming), LARGE - HELD_BYTES)
        self.assertEqual(len(self.rig.cell().requests[0].body), LARGE)


class EarlyAnswerTests(RigTestCase):
    """Answers that do not wait for the end of the request."""

    def test_it_is_relayed_at_once_and_both_connections_end(self) -> None:
        client = self.rig.client(LENGTH % 1000 + b"x")
        cell = self.rig.cell()
        cell.send(OK)
        self.assertEqual((client.response().status, client.response().value("Connection")), (200, "close"))
        self.assertEqual((cell.end, client.wire.peer_socket.finished, client.end), ("closed", True, None))
        client.send(b"x" * 999)
        client.leave()
        self.assertTrue(client.wire.gone)
        self.assertEqual(self.rig.engine.channels, set())

    def test_a_cell_that_does_not_read_any_more_is_not_waited_for(self) -> None:
        client = self.rig.client(LENGTH % LARGE)
        cell = self.rig.cell()
        cell.stall()
        client.send(b"x" * LARGE)
        cell.send(OK)
        self.assertEqual((client.response().status, cell.end), (200, "aborted"))

    def test_an_answer_that_goes_on_while_the_request_does(self) -> None:
        client = self.rig.client(LENGTH % 6 + b"abc")
        cell = self.rig.cell()
        cell.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok")
        client.send(b"def")
        cell.send(b"ok")
        self.assertEqual((cell.requests[0].body, client.response().body), (b"abcdef", b"okok"))


class BodyLimitTests(RigTestCase):
    """Requests that are too long."""

    settings = MappingProxyType({"max_request_body_bytes": 10})

    def test_an_announced_length_reaches_no_cell(self) -> None:
        client = self.rig.client(LENGTH % 11)
        self.assert_problem(client.response(), 413, "http_request_error")
        self.assertEqual((self.rig.dials, client.response().json()["placement"]), ([], "tier1"))

    def test_bytes_are_counted(self) -> None:
        client = self.rig.client(CHUNKED + b"a\r\n0123456789\r\n")
        cell = self.rig.cell()
        self.assertEqual(client.received, b"")
        client.send(b"1\r\nx\r\n")
        self.assert_problem(client.response(), 413, "http_request_error")
        self.assertEqual((cell.end, cell.requests[0].complete), ("aborted", False))

    def test_the_limit_itself_passes(self) -> None:
        self.rig.client(LENGTH % 10 + b"0123456789")
        self.assertTrue(self.rig.cell().requests[0].complete)


class DebugPathTests(RigTestCase):
    """Requests that twisted.web answers."""

    LIVEZ = b"GET /livez?a HTTP/1.1\r\nHost: x\r\n\r\n"

    def test_it_is_the_last_on_its_connection(self) -> None:
        client = self.rig.client(self.LIVEZ + GET)
        self.assertEqual((client.response().body, client.end), (b"alive", "closed"))
        self.assertEqual((self.rig.dials, self.rig.records.lines), ([], []))
        self.assertEqual(self.rig.engine.channels, set())

    def test_it_may_come_after_others(self) -> None:
        client = self.rig.client(GET + self.LIVEZ)
        client.send(b"\r\n")
        self.rig.cell().send(OK)
        self.assertEqual([bytes(each.body) for each in client.responses()], [b"ok", b"alive"])
        self.assertEqual(client.end, "closed")

    def test_other_methods_are_twisted_web_s_business_too(self) -> None:
        client = self.rig.client(self.LIVEZ.replace(b"GET", b"HEAD"))
        self.assertEqual(client.response("HEAD").status, 200)

    def test_the_absolute_form_of_a_path_is_the_same_path(self) -> None:
        client = self.rig.client(self.LIVEZ.replace(b"/livez", b"http://x/livez"))
        self.assertEqual(client.response().body, b"alive")

    def test_a_body_that_comes_later_is_handed_on(self) -> None:
        client = self.rig.client(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        self.assertEqual(client.received, b"")
        client.send(b"abc")
        self.assertEqual((client.response().status, client.end), (405, "closed"))

    def test_a_client_that_reads_slowly_gets_all_of_a_long_answer(self) -> None:
        client = self.rig.client()
        client.stall()
        client.send(self.LIVEZ.replace(b"/livez", b"/long"))
        while client.end is None:
            client.read(10_000)
            self.pass_time(1)
        self.assertEqual((client.end, len(client.response().body)), ("closed", LONG_BYTES))

    def test_an_abort_is_told_to_twisted_web(self) -> None:
        self.rig.client(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        self.rig.engine.abort_all()
        self.rig.reactor.settle()
        self.rig.engine.stop()
        self.assertEqual(self.rig.reactor.getDelayedCalls(), [])


class MissingKeyTests(RigTestCase):
    """Requests without a routing key where that is refused."""

    def test_it_is_a_400_without_a_placement(self) -> None:
        self.rig = Rig(text(missingKeyPolicy="reject"))
        client = self.rig.client(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assert_problem(client.response(), 400, "http_request_error")
        self.assertEqual(client.response().values("X-Route-Match"), [])
        self.assertEqual((client.end, self.rig.record()["placement"]), (None, None))


class PeerTests(RigTestCase):
    """Who is believed."""

    def test_only_networks_that_were_named(self) -> None:
        self.rig = Rig(trusted_proxies=(ip_network("192.0.2.0/24"),))
        request = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: a\r\nX-Request-ID: mine\r\n\r\n")
        for host, chain, request_id in (
            ("192.0.2.7", "a, 192.0.2.7", "mine"),
            ("198.51.100.7", "198.51.100.7", "id"),
        ):
            client = self.rig.client(request, IPv4Address("TCP", host, 50000))
            cell = self.rig.cell()
            seen = cell.requests[0]
            self.assertEqual((seen.value("X-Forwarded-For"), seen.value("X-Request-ID")), (chain, request_id))
            client.leave()
