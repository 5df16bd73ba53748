"""What a data plane shows to control planes, and whom it believes."""

import contextlib  # "suppress" in a module means something else to trial
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.tokens import NoToken
from cellrouter.dataplane.credentials import Credentials, Way, Ways
from cellrouter.dataplane.tls import ControlPlaneTls, failure_of_tls
from cellrouter.dataplane.urls import control_plane_url
from cellrouter.snapshots.poller import Unreadable
from tests.support.certificates import Authority
from tests.support.logs import CapturedLog
from tests.unit.dataplane.threads import at_once

TOKEN = "9b1deb4d3b7d"
EXPIRED = timedelta(seconds=-5)


class FolderTestCase(SynchronousTestCase):
    """Files in a folder."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory(prefix="cellrouter-")))

    def save(self, name: str, content: bytes, mode: int = 0o600) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(mode)
        return path


class TokenTests(FolderTestCase):
    """The token."""

    def test_it_is_shown_as_bearer(self) -> None:
        token_file = self.save("token", f"# ours\n{TOKEN}\n".encode())
        self.assertEqual(
            Credentials(token_file=token_file).headers_blocking(), {"Authorization": f"Bearer {TOKEN}"}
        )

    def test_without_a_file_nothing_is_shown(self) -> None:
        self.assertEqual(Credentials().headers_blocking(), {})

    def test_a_file_without_one_is_a_reason(self) -> None:
        credentials = Credentials(token_file=self.save("token", b"\n"))
        self.assertRaises(NoToken, credentials.headers_blocking)


class WayTests(FolderTestCase):
    """The way to a control plane, and what is warned of on it."""

    def setUp(self) -> None:
        super().setUp()
        self.log = CapturedLog(self)

    def find(self, url: str, credentials: Credentials, times: int = 1) -> Way:
        ways = Ways(MemoryReactorClock(), at_once, credentials)
        for _ in range(times):
            way = self.successResultOf(Deferred.fromCoroutine(ways.find(control_plane_url(url))))
        return way

    def test_a_token_that_goes_unencrypted_is_warned_of_once(self) -> None:
        credentials = Credentials(token_file=self.save("token", TOKEN.encode()))
        self.find("ws://cp.example", credentials, times=3)
        self.assertEqual(
            self.log.lines,
            ["ws://cp.example/connect: the token goes over the network unencrypted; use wss://"],
        )

    def test_one_that_stays_on_this_machine_or_is_encrypted_is_not(self) -> None:
        credentials = Credentials(token_file=self.save("token", TOKEN.encode()))
        for url in ("ws://127.0.0.1:8081", "ws://[::1]:8081", "ws://localhost", "wss://cp.example"):
            self.find(url, credentials)
        self.find("ws://cp.example", Credentials())
        self.assertEqual(self.log.lines, [])

    def test_secrets_that_everybody_can_read_are_warned_of_once(self) -> None:
        token = self.save("token", TOKEN.encode(), 0o644)
        certificate = self.save("dp.pem", Authority().issue("dp-1"), 0o644)
        self.find("wss://cp.example", Credentials(token, None, certificate), times=3)
        self.assertEqual(
            self.log.lines,
            [f"{path}: every user of this machine can read it; chmod o-r" for path in (token, certificate)],
        )

    def test_a_certificate_that_everybody_can_read_is_fine_when_its_key_is_elsewhere(self) -> None:
        pem = Authority().issue("dp-1")
        certificate, key = self.save("dp.pem", pem, 0o644), self.save("key.pem", pem)
        self.find("wss://cp.example", Credentials(None, None, certificate, key))
        self.assertEqual(self.log.lines, [])

    def test_a_refused_upgrade_says_what_to_look_at(self) -> None:
        way = self.find("ws://cp.example", Credentials())
        self.assertIn("--control-plane-token-file", way.explain("upgrade failed [401]: Unauthorized"))
        self.assertIn("--control-plane-certificate", way.explain("upgrade failed (403 - Forbidden)"))
        self.assertEqual(way.explain("Connection refused"), "Connection refused")

    def test_nobody_learns_the_token_from_the_way(self) -> None:
        way = self.find("ws://cp.example", Credentials(token_file=self.save("token", TOKEN.encode())))
        self.assertEqual(way.headers, {"Authorization": f"Bearer {TOKEN}"})
        self.assertNotIn(TOKEN, repr(way))


class FileTests(FolderTestCase):
    """Certificates and keys that are not in order are named, with what is wrong, and never quoted."""

    def refused(self, credentials: Credentials) -> str:
        return str(self.assertRaises(Unreadable, credentials.tls_blocking, "cp.example"))

    def test_authorities(self) -> None:
        missing, broken = self.folder / "missing", self.save("broken", b"-----BEGIN CERTIFICATE-----\nx\n")
        self.assertEqual(self.refused(Credentials(None, missing)), f"{missing}: the file does not exist")
        self.assertIn("there is no certificate in PEM", self.refused(Credentials(None, broken)))

    def test_a_key_is_missing_or_none_or_locked_or_another(self) -> None:
        pem = Authority().issue("dp-1")
        certificate = self.save("dp.pem", pem)
        alone = self.save("alone.pem", pem[: pem.index(b"-----BEGIN PRIVATE")])
        self.assertIn("no private key", self.refused(Credentials(None, None, alone)))
        locked = load_pem_private_key(pem, None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
        for content in (b"", b"nonsense", locked):
            key = self.save("key.pem", content)
            self.assertIn(
                "key.pem: there is no private", self.refused(Credentials(None, None, certificate, key))
            )
        key = self.save("key.pem", Authority().issue("dp-2"))
        self.assertEqual(
            self.refused(Credentials(None, None, certificate, key)),
            f"{key}: the key does not fit {certificate}",
        )


class HandshakeTests(FolderTestCase):
    """A TLS handshake in memory, with a control plane at ``cp.example``."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority()
        self.credentials = Credentials(authorities=self.save("ca.pem", self.authority.certificate))

    def shake(self, host: str, pem: bytes) -> tuple[ControlPlaneTls, SSL.Error | None]:
        """Shake hands with a control plane.

        :param host: what the data plane calls it.
        :param pem: its certificate and key.
        :returns: the data plane's side, and what was wrong, if anything.
        """
        tls = self.credentials.tls_blocking(host)
        client = tls.clientConnectionForTLS(None)
        client.set_connect_state()
        server = SSL.Connection(PrivateCertificate.loadPEM(pem).options().getContext(), None)
        server.set_accept_state()
        try:
            for _ in range(4):
                for end, other in ((client, server), (server, client)):
                    with contextlib.suppress(SSL.WantReadError):
                        end.do_handshake()
                    with contextlib.suppress(SSL.WantReadError):
                        other.bio_write(end.bio_read(65536))
        except SSL.Error as error:
            return tls, error
        return tls, None

    def test_a_certificate_for_the_host_is_believed(self) -> None:
        for host in ("cp.example", "10.0.0.1", "::1"):
            tls, error = self.shake(host, self.authority.issue("x", host))
            self.assertIsNone(error)
            self.assertEqual(tls.explain("reset"), "reset")

    def test_one_for_a_wildcard_is_believed_for_one_label(self) -> None:
        pem = self.authority.issue("x", "*.cells.example")
        self.assertIsNone(self.shake("cp.cells.example", pem)[1])
        self.assertIsNotNone(self.shake("a.cp.cells.example", pem)[1])

    def test_one_for_anything_else_is_not(self) -> None:
        for host in ("other.example", "cp.example.org", "10.0.0.1", None):
            tls, error = self.shake("cp.example", self.authority.issue("cp.example", host))
            self.assertIsNotNone(error)
            self.assertEqual(tls.explain(""), "its certificate is not for cp.example")

    def test_one_that_has_expired_is_named_with_its_time(self) -> None:
        tls, error = self.shake("cp.example", self.authority.issue("old", "cp.example", EXPIRED))
        assert error is not None
        self.assertRegex(
            tls.explain(""), r'^the certificate of "CN=old", valid from \S+Z until \S+Z, has expired$'
        )
        self.assertEqual(failure_of_tls(error), "TLS: certificate verify failed")

    def test_one_that_pretends_to_be_of_the_authority_is_not_believed(self) -> None:
        tls, _ = self.shake("cp.example", Authority().issue("cp", "cp.example"))
        self.assertIn("has a signature that is not its authority's", tls.explain(""))

    def test_without_an_authority_of_our_own_the_system_s_count(self) -> None:
        self.credentials = Credentials()
        tls, error = self.shake("cp.example", self.authority.issue("cp", "cp.example"))
        self.assertIsNotNone(error)
        self.assertIn("is not signed by an authority that is trusted", tls.explain(""))

    def test_a_name_from_a_certificate_cannot_forge_a_line(self) -> None:
        pem = Authority("x").issue("a\nforged", "cp.example")
        tls, _ = self.shake("cp.example", pem)
        self.assertNotIn("\n", tls.explain(""))
