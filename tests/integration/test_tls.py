"""Both daemons with TLS between them: who believes whom, and what an operator reads when they do not."""

import json
from datetime import timedelta

from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS

from tests.integration.test_data_plane import DataPlaneTestCase
from tests.support.certificates import Authority
from tests.support.documents import text
from tests.support.processes import Child

EXPIRED = timedelta(seconds=-5)


class TlsTestCase(DataPlaneTestCase):
    """A control plane on an ``ssl:`` endpoint, and a data plane that starts with a config of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority()
        self.authority_file = self.save("authority.pem", self.authority.certificate)
        self.bootstrap = self.save("initial.json", text("0.0.1"))
        self.present(self.authority.issue("cp", "127.0.0.1"))
        self.port = 0

    def save(self, name: str, content: bytes) -> str:
        """Write a file that nobody else reads, and return its path."""
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return str(path)

    def present(self, certificate: bytes) -> None:
        """Give the control plane a certificate, for its next start."""
        self.save("cp.pem", certificate)

    async def start_plane(self, *options: str) -> Child:
        """Start the control plane, always on the same port."""
        control_plane = self.start_control_plane(
            *("--config", str(self.file), "--poll-interval", "100ms"),
            *("--port", f"ssl:{self.port}:privateKey={self.folder / 'cp.pem'}:interface=127.0.0.1"),
            *options,
        )
        self.port = await control_plane.port("control plane")
        return control_plane

    def start_router(self, *options: str) -> Child:
        """Start the data plane."""
        return self.start_data_plane(
            *("--config", str(self.bootstrap), "--control-plane-url", f"wss://127.0.0.1:{self.port}"),
            *("--control-plane-ca", self.authority_file, *options),
        )

    async def still_routes(self, data_plane: Child) -> None:
        """Check that the data plane serves what it started with, and show no traceback."""
        self.assertEqual((await self.config_version(data_plane))["version"], "0.0.1")
        self.assert_no_traceback(data_plane)


class ServerTests(TlsTestCase):
    """The control plane's certificate."""

    async def test_one_of_a_private_authority_is_believed_and_a_large_config_comes_through(self) -> None:
        control_plane = await self.start_plane()
        data_plane = self.start_router()
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')
        large = json.loads(text("2"))
        large["routingTable"] = {f"customer-{number}": "tier1" for number in range(100_000)}
        self.replace(json.dumps(large).encode())
        await data_plane.until_logged('serving version "2", revision 2, from control_plane')
        await control_plane.until_logged("runs revision 2")
        self.assert_no_traceback(data_plane)
        self.assert_no_traceback(control_plane)

    async def test_one_that_has_expired_is_told_and_a_new_one_is_found(self) -> None:
        self.present(self.authority.issue("cp.old", "127.0.0.1", EXPIRED))
        control_plane = await self.start_plane()
        data_plane = self.start_router()
        await data_plane.until_logged(
            r'warn .*cannot connect to wss://127\.0\.0\.1:\d+/connect: the certificate of "CN=cp\.old", valid'
            r" from \S+Z until \S+Z, has expired; the active config stays"
        )
        await self.still_routes(data_plane)
        self.present(self.authority.issue("cp.new", "127.0.0.1"))
        await control_plane.until_logged(
            'info .*the certificate of "CN=cp.new", valid from .*, is shown from now'
        )
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')
        self.assertEqual(control_plane.stderr.count(b"is shown from now on"), 1)

    async def test_one_that_cannot_be_used_at_the_start_is_one_clear_line(self) -> None:
        good, other = self.authority.issue("cp", "127.0.0.1"), self.authority.issue("x")
        begin = b"-----BEGIN PRIVATE"
        swapped = good[: good.index(begin)] + other[other.index(begin) :]
        for bad in (swapped, good[:100], good[good.index(begin) :]):
            self.present(bad)
            port = f"ssl:0:privateKey={self.folder / 'cp.pem'}:interface=127.0.0.1"
            control_plane = self.start_control_plane("--config", str(self.file), "--port", port)
            self.assertEqual(await control_plane.until_ended(), 1)
            (line,) = control_plane.stderr.decode().splitlines()
            self.assertRegex(
                line, "cellrouter-cp: --port: ssl:.* is not a usable endpoint: its certificate or key: ."
            )

    async def test_one_that_cannot_be_used_changes_nothing(self) -> None:
        control_plane = await self.start_plane()
        file = self.folder / "cp.pem"
        good = file.read_bytes()
        key, other_key = (
            each[each.index(b"-----BEGIN PRIVATE") :] for each in (good, self.authority.issue("x"))
        )
        for bad, reason in (
            (good.replace(key, other_key), "the files of --port cannot be used: .* do not match"),
            (good[:100], "the files of --port cannot be used: "),
            (b"", "the files of --port cannot be used: "),
        ):
            file.write_bytes(bad)
            await control_plane.until_logged(f"error .*{reason}.*; the certificate that was shown so far is")
        file.unlink()
        await control_plane.until_logged(f"error .*{file}: the file does not exist; the certificate that was")
        data_plane = self.start_router()
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')
        self.assert_no_traceback(control_plane)

    async def test_one_for_another_address_is_not_believed(self) -> None:
        self.present(self.authority.issue("cp", "127.0.0.2"))
        await self.start_plane()
        data_plane = self.start_router()
        await data_plane.until_logged(r"its certificate is not for 127\.0\.0\.1; the active config stays")
        await self.still_routes(data_plane)

    async def test_one_for_no_address_at_all_is_not_believed(self) -> None:
        self.present(self.authority.issue("127.0.0.1"))
        await self.start_plane()
        data_plane = self.start_router()
        await data_plane.until_logged(r"its certificate is not for 127\.0\.0\.1; the active config stays")

    async def test_one_of_another_authority_is_not_believed(self) -> None:
        self.present(Authority("another authority").issue("cp", "127.0.0.1"))
        await self.start_plane()
        data_plane = self.start_router()
        await data_plane.until_logged('"CN=cp", .* is not signed by an authority that is trusted; the active')
        await self.still_routes(data_plane)

    async def test_a_data_plane_that_disbelieves_shows_its_token_to_nobody(self) -> None:
        """The control plane would log a token that it does not know."""
        self.present(Authority("another authority").issue("cp", "127.0.0.1"))
        control_plane = await self.start_plane("--data-plane-token-file", self.save("theirs", b"theirs\n"))
        data_plane = self.start_router("--control-plane-token-file", self.save("ours", b"ours\n"))
        await data_plane.until_logged("is not signed by an authority that is trusted", times=2)
        self.assertNotIn(b"refused", control_plane.stderr)


class ClientTests(TlsTestCase):
    """Data planes' certificates."""

    def setUp(self) -> None:
        super().setUp()
        self.clients = Authority("authority of data planes")
        self.clients_file = self.save("clients.pem", self.clients.certificate)

    def certificate(self, content: bytes) -> tuple[str, ...]:
        """Save a data plane's certificate; return the options that make it show it."""
        return ("--control-plane-certificate", self.save("dp.pem", content))

    async def test_one_of_the_right_authority_gets_in(self) -> None:
        await self.start_plane("--client-ca", self.clients_file)
        data_plane = self.start_router(*self.certificate(self.clients.issue("dp-1")))
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')
        self.assert_no_traceback(data_plane)

    async def test_without_one_nobody_gets_in_but_health_is_told(self) -> None:
        control_plane = await self.start_plane("--client-ca", self.clients_file)
        data_plane = self.start_router()
        await data_plane.until_logged(r"403.*; it needs a certificate, see --control-plane-certificate")
        await control_plane.until_logged(r"refused 127\.0\.0\.1:\d+: a client certificate of an authority in")
        await self.still_routes(data_plane)
        trust = trustRootFromCertificates([Certificate.loadPEM(self.authority.certificate)])
        client = HTTPClient(Agent(reactor, BrowserLikePolicyForHTTPS(trust)))
        response = await client.get(f"https://127.0.0.1:{self.port}/health")
        self.assertEqual((await response.json())["status"], "ok")

    async def test_one_of_another_authority_is_refused(self) -> None:
        control_plane = await self.start_plane("--client-ca", self.clients_file)
        data_plane = self.start_router(*self.certificate(self.authority.issue("dp-1")))
        await control_plane.until_logged(
            'refused .*: the certificate of "CN=test authority", .*, is not signed by an authority that is'
        )
        await data_plane.until_logged('alert .*; our certificate is that of "CN=dp-1", valid from')
        await self.still_routes(data_plane)
        self.assert_no_traceback(control_plane)

    async def test_one_that_has_expired_is_refused_and_its_successor_needs_no_restart(self) -> None:
        control_plane = await self.start_plane("--client-ca", self.clients_file)
        data_plane = self.start_router(*self.certificate(self.clients.issue("dp-1", valid_for=EXPIRED)))
        await control_plane.until_logged('refused .*: the certificate of "CN=dp-1", .*, has expired')
        await data_plane.until_logged(
            r'alert certificate expired; our certificate is that of "CN=dp-1", valid from \S+Z until \S+Z'
        )
        await self.still_routes(data_plane)
        self.certificate(self.clients.issue("dp-1"))
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')

    async def test_an_authority_is_added_and_taken_away_without_a_restart(self) -> None:
        control_plane = await self.start_plane("--client-ca", self.clients_file)
        first = self.start_router(*self.certificate(self.clients.issue("dp-1")))
        await first.until_logged('serving version "1", revision 1, from control_plane')
        new = Authority("new authority")
        self.save("clients.pem", self.clients.certificate + new.certificate)
        await control_plane.until_logged(f"{self.clients_file} was read again; authorities: 2")
        certificate = self.certificate(new.issue("dp-2"))
        second = self.start_router("--state-dir", str(self.folder / "dp-2"), *certificate)
        await second.until_logged('serving version "1", revision 1, from control_plane')
        await second.stop()
        self.save("clients.pem", b"")
        await control_plane.until_logged(
            f"error .*{self.clients_file}: there is no certificate in PEM .*: no data plane gets in any more,"
        )
        third = self.start_router("--state-dir", str(self.folder / "dp-3"), *certificate)
        await control_plane.until_logged("refused .*, is not signed by an authority that is trusted")
        await self.still_routes(third)
        self.replace(text("2"))
        await first.until_logged('serving version "2", revision 2, from control_plane')
        self.assert_no_traceback(control_plane)

    async def test_token_and_certificate_are_both_needed_when_both_are_asked_for(self) -> None:
        token = self.save("token", b"abc\n")
        await self.start_plane("--client-ca", self.clients_file, "--data-plane-token-file", token)
        certificate = self.certificate(self.clients.issue("dp-1"))
        data_plane = self.start_router(*certificate)
        await data_plane.until_logged(
            r"401.*; it needs a token that it knows, see --control-plane-token-file"
        )
        await data_plane.stop()
        data_plane = self.start_router(*certificate, "--control-plane-token-file", token)
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')

    async def test_client_certificates_need_tls(self) -> None:
        control_plane = self.start_control_plane("--config", str(self.file), "--client-ca", self.clients_file)
        self.assertEqual(await control_plane.until_ended(), 1)
        self.assertEqual(
            control_plane.stderr,
            b"cellrouter-cp: --client-ca: needs TLS: an endpoint ssl:... as --port\n",
        )

    async def test_a_file_without_an_authority_is_one_clear_line(self) -> None:
        bad = self.save("bad.pem", b"nothing")
        port = f"ssl:0:privateKey={self.folder / 'cp.pem'}:interface=127.0.0.1"
        control_plane = self.start_control_plane(
            "--config", str(self.file), "--client-ca", bad, "--port", port
        )
        self.assertEqual(await control_plane.until_ended(), 1)
        self.assertEqual(
            control_plane.stderr.decode(),
            f"cellrouter-cp: --client-ca: {bad}: there is no certificate in PEM in the file,"
            " or a broken one\n",
        )


class FileTests(TlsTestCase):
    """A data plane whose files are not in order routes all the same, and says what is wrong."""

    async def test_each_is_named_and_counts_once_it_is_in_order(self) -> None:
        token = self.folder / "token"
        await self.start_plane()
        data_plane = self.start_router("--control-plane-token-file", str(token))
        await data_plane.until_logged(f"cannot connect to wss://.*: {token}: the file does not exist; the")
        await self.still_routes(data_plane)
        token.write_text("# later\n")
        await data_plane.until_logged(f"{token}: there is no token in the file")
        token.write_text("abc\n")
        token.chmod(0o604)
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')
        await data_plane.until_logged(f"{token}: every user of this machine can read it; chmod o-r")
