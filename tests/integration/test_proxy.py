"""What becomes of a request and its answer on their way through the router, whichever door they take."""

import re
from ipaddress import ip_network

from tests.support.cells import Cell, answer, response
from tests.support.engines import LEAN, RESOURCE, ProxyTestCase, config
from tests.support.messages import Request, Response

OURS = {"x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via"}
UUID4 = re.compile(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")


def get(*fields: bytes, target: bytes = b"/", method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """Make a request."""
    lines = (method + b" " + target + b" HTTP/" + version, b"Host: x.test:80", *fields)
    return b"\r\n".join((*lines, b"", b""))


class HeaderTestCase(ProxyTestCase):
    """One request to one cell."""

    async def exchange(
        self, *fields: bytes, sent: bytes | None = None, version: bytes = b"1.1", **settings: object
    ) -> tuple[Request, Response]:
        """Send a GET; return what the cell and the client got.

        :param fields: of the request, after ``Host``.
        :param sent: what the cell answers.
        :param version: the request's.
        :param settings: the engine's.
        """
        cell = self.cell(answer(sent or response()))
        got = await self.proxy(cell, **settings).ask(get(*fields, version=version))
        return cell.requests[0], got


class RequestHeaderTests(HeaderTestCase):
    """What cells get."""

    door = LEAN

    def comparable(self, name: str) -> str:
        """Give a field's name as far as the door keeps it."""
        return name

    async def test_the_request_line_and_all_end_to_end_fields_arrive_in_order(self) -> None:
        sent = [
            ("Host", "x.test:80"),
            ("accept", "*/*"),
            ("X-Multi", "1"),
            ("X-Multi", ""),
            ("cOOKIE", "a=b; c=\xff"),
            ("X-Routing-Key", "acme"),
            ("Content-Length", "0"),
            ("Authorization", "Basic x"),
        ]
        cell = self.cell()
        fields = [f"{name}: {value}".encode("latin-1") for name, value in sent[1:]]
        await self.proxy(cell).ask(get(*fields, method=b"DELETE", target=b"/a%2Fb?c=%20&d"))
        (request,) = cell.requests
        self.assertEqual(
            (request.method, request.target, request.version), ("DELETE", "/a%2Fb?c=%20&d", "1.1")
        )
        got = [(self.comparable(name), value) for name, value in request.fields if name.lower() not in OURS]
        self.assertEqual(got, [(self.comparable(name), value) for name, value in sent])

    async def test_fields_for_one_connection_end_here(self) -> None:
        request, _ = await self.exchange(
            b"Connection: keep-alive, X-Named",
            b"connection: x-too",
            b"X-Named: 1",
            b"X-Too: 2",
            b"Keep-Alive: timeout=5",
            b"Proxy-Connection: keep-alive",
            b"Proxy-Authorization: Basic x",
            b"TE: trailers",
            b"X-Kept: 3",
        )
        names = {name.lower() for name, _ in request.fields} - OURS
        self.assertEqual(names - {"connection"}, {"host", "x-kept"})
        self.assertIn(request.value("Connection"), (None, "keep-alive"))

    async def test_a_request_without_an_id_gets_one(self) -> None:
        ids = set()
        for _ in range(2):
            request, got = await self.exchange()
            self.assertRegex(request.value("X-Request-ID"), UUID4)
            self.assertEqual(request.value("X-Request-ID"), got.value("X-Request-ID"))
            ids.add(request.value("X-Request-ID"))
        self.assertEqual(len(ids), 2)

    async def test_the_clients_id_is_kept_if_it_can_be_one(self) -> None:
        for kept in ("a", "~" * 128, 'x"y,z'):
            request, got = await self.exchange(b"X-Request-ID: " + kept.encode())
            self.assertEqual((request.value("X-Request-ID"), got.value("X-Request-ID")), (kept, kept))
        for replaced in (b"", b"~" * 129, b"a b", b"\xc3\xa4", b"a\r\nX-Request-ID: b"):
            request, got = await self.exchange(b"X-Request-ID: " + replaced)
            self.assertRegex(request.value("X-Request-ID"), UUID4, replaced)
            self.assertEqual(got.value("X-Request-ID"), request.value("X-Request-ID"))

    def forwarded(self, request: Request) -> tuple[str, str | None, str | None]:
        """Give what a cell is told of where a request came from."""
        chain = ", ".join(request.values("X-Forwarded-For"))
        return chain, request.value("X-Forwarded-Proto"), request.value("X-Forwarded-Host")

    async def test_cells_are_told_where_a_request_came_from(self) -> None:
        request, _ = await self.exchange()
        self.assertEqual(self.forwarded(request), ("127.0.0.1", "http", "x.test:80"))
        request, _ = await self.exchange(
            b"X-Forwarded-For: 192.0.2.1", b"x-forwarded-for: 192.0.2.2", b"X-Forwarded-Proto: https"
        )
        self.assertEqual(self.forwarded(request), ("192.0.2.1, 192.0.2.2, 127.0.0.1", "https", "x.test:80"))
        request, _ = await self.exchange(b"X-Forwarded-Host: public.test")
        self.assertEqual(self.forwarded(request), ("127.0.0.1", "http", "public.test"))

    async def test_only_trusted_peers_are_believed(self) -> None:
        claims = (
            b"X-Forwarded-For: 192.0.2.1",
            b"X-Forwarded-Proto: https",
            b"X-Forwarded-Host: public.test",
            b"X-Request-ID: mine",
        )
        request, _ = await self.exchange(*claims, trusted_proxies=(ip_network("127.0.0.0/8"),))
        self.assertEqual(self.forwarded(request), ("192.0.2.1, 127.0.0.1", "https", "public.test"))
        self.assertEqual(request.value("X-Request-ID"), "mine")
        request, got = await self.exchange(*claims, trusted_proxies=(ip_network("10.0.0.0/8"),))
        self.assertEqual(self.forwarded(request), ("127.0.0.1", "http", "x.test:80"))
        self.assertRegex(request.value("X-Request-ID"), UUID4)
        self.assertEqual(got.value("X-Request-ID"), request.value("X-Request-ID"))

    async def test_the_router_is_added_to_via(self) -> None:
        request, _ = await self.exchange()
        self.assertRegex(", ".join(request.values("Via")), r"^1\.1 \S+$")
        request, _ = await self.exchange(b"Via: 1.1 edge, 1.0 old", version=b"1.0")
        self.assertRegex(", ".join(request.values("Via")), r"^1\.1 edge, 1\.0 old, 1\.0 \S+$")


class ResponseHeaderTests(HeaderTestCase):
    """What clients get."""

    door = LEAN

    def comparable(self, name: str) -> str:
        """Give a field's name as far as the door keeps it."""
        return name

    async def test_status_and_all_end_to_end_fields_arrive_in_order(self) -> None:
        sent = [
            ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("server", "cell"),
            ("Set-Cookie", "a=b"),
            ("Set-Cookie", "c=\xff"),
            ("X-EMPTY", ""),
            ("Content-Length", "2"),
        ]
        fields = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in sent)
        _, got = await self.exchange(sent=b"HTTP/1.1 418 Teapot\r\n" + fields + b"\r\nok")
        ours = {"x-routed-to", "x-route-reason", "x-route-match", "x-request-id"}
        kept = [(self.comparable(name), value) for name, value in got.fields if name.lower() not in ours]
        self.assertEqual(kept, [(self.comparable(name), value) for name, value in sent])
        self.assertEqual((got.status, got.body), (418, b"ok"))

    async def test_fields_for_one_connection_end_here(self) -> None:
        _, got = await self.exchange(
            sent=response(
                b"ok",
                b"Connection: keep-alive, X-Named",
                b"X-Named: 1",
                b"Keep-Alive: timeout=5",
                b"Proxy-Connection: close",
                b"Proxy-Authenticate: Basic",
                b"Upgrade: h2c",
                b"X-Kept: 2",
            )
        )
        names = {name.lower() for name, _ in got.fields}
        gone = {"x-named", "keep-alive", "proxy-connection", "proxy-authenticate", "upgrade"}
        self.assertEqual((names & gone, got.value("X-Kept")), (set(), "2"))

    async def test_the_length_of_what_head_leaves_out_is_kept(self) -> None:
        cell = self.cell(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"))
        got = await self.proxy(cell).ask(get(method=b"HEAD"), "HEAD")
        self.assertEqual((got.value("Content-Length"), got.body, got.complete), ("12345", b"", True))

    async def test_bodies_keep_their_framing(self) -> None:
        _, got = await self.exchange()
        self.assertEqual((got.value("Content-Length"), got.values("Transfer-Encoding")), ("2", []))
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        _, got = await self.exchange(sent=chunked)
        self.assertEqual((got.values("Content-Length"), got.value("Transfer-Encoding")), ([], "chunked"))

    def explained(self, got: Response) -> list[str | None]:
        """Give what a client is told of a decision."""
        return [got.value(name) for name in ("X-Routed-To", "X-Route-Reason", "X-Route-Match")]

    def cells(self) -> tuple[Cell, Cell]:
        """Start two cells that answer with their names."""
        return self.cell(answer(response(b"one"))), self.cell(answer(response(b"three")))

    async def test_the_routing_key_decides_and_the_decision_is_explained(self) -> None:
        first, third = self.cells()
        proxy = self.proxy(config(first.url, third.url))
        for fields, cell, expected in (
            ([b"X-Routing-Key: acme"], b"one", [first.url, "tier1", "exact"]),
            ([b"x-routing-key: \t acme \t"], b"one", [first.url, "tier1", "exact"]),
            ([b"X-Routing-Key: ACME"], b"three", [third.url, "tier3", "default"]),
            ([b"X-Routing-Key: nobody"], b"three", [third.url, "tier3", "default"]),
            ([b"X-Routing-Key:"], b"three", [third.url, "tier3", "default"]),
            ([b"X-Routing-Key: \xff/ " + b"x" * 1000], b"three", [third.url, "tier3", "default"]),
            ([], b"three", [third.url, "tier3", "missing"]),
        ):
            got = await proxy.ask(get(*fields))
            self.assertEqual((got.status, got.body, self.explained(got)), (200, cell, expected), fields)

    async def test_a_cells_own_explanations_are_replaced(self) -> None:
        fields = (
            b"x-routed-to: http://evil",
            b"X-Route-Reason: evil",
            b"X-Route-Match: evil",
            b"X-Request-ID: evil",
        )
        cell = self.cell(answer(response(b"ok", *fields, *fields)))
        got = await self.proxy(cell).ask(get(b"X-Request-ID: mine", b"X-Routing-Key: acme"))
        self.assertEqual(self.explained(got), [cell.url, "tier1", "exact"])
        self.assertEqual(got.value("X-Request-ID"), "mine")

    async def test_clients_need_not_see_the_topology(self) -> None:
        fields = (b"X-Routed-To: http://evil", b"X-Route-Reason: evil", b"X-Route-Match: evil")
        _, got = await self.exchange(
            b"X-Routing-Key: acme", sent=response(b"ok", *fields), explain_headers=False
        )
        self.assertEqual(self.explained(got), [None, None, "exact"])
        self.assertTrue(got.value("X-Request-ID"))


class ResourceRequestHeaderTests(RequestHeaderTests):
    """The same behind twisted.web, which writes the names of fields its own way."""

    door = RESOURCE

    def comparable(self, name: str) -> str:
        return name.lower()


class ResourceResponseHeaderTests(ResponseHeaderTests):
    """The same behind twisted.web, which writes the names of fields its own way."""

    door = RESOURCE

    def comparable(self, name: str) -> str:
        return name.lower()


class DebugPathTests(ProxyTestCase):
    """The data port answers a few paths itself."""

    async def test_they_are_twisted_webs_and_then_the_connection_ends(self) -> None:
        cell = self.cell()
        proxy = self.proxy(cell)
        client = await proxy.client()
        await client.ask(get())
        # What is sent behind it must not be taken for another of twisted.web's: it would not be routed.
        client.write(get(target=b"/livez?x") + get(target=b"/livez"))
        got = await client.response()
        self.assertEqual((got.status, got.body, got.value("Connection")), (200, b"alive", "close"))
        self.assertEqual((await client.until_ended(), client.unread), ("closed", b""))
        self.assertEqual(len(cell.requests), 1)

    async def test_only_the_very_paths_are(self) -> None:
        cell = self.cell()
        proxy = self.proxy(cell)
        for elsewhere in (b"/livez/", b"/livezz", b"/x?/livez", b"//livez"):
            await proxy.ask(get(target=elsewhere))
        self.assertEqual(len(cell.requests), 4)
