"""Tokens go and certificates expire under load: who is in stays in, and no request notices."""

from datetime import timedelta

from tests.chaos.cases import ChaosTestCase
from tests.support.certificates import Authority

TOKEN = "b0c8f1de774410aa"
EXPIRED = timedelta(seconds=-5)


class EmptiedTokenFileTests(ChaosTestCase):
    """The file of the data planes' tokens is emptied, deleted and given back."""

    def save(self, name: str, content: str) -> str:
        """Write a file that nobody else reads, and return its path."""
        path = self.folder / name
        path.write_text(content)
        path.chmod(0o600)
        return str(path)

    async def test_nobody_new_gets_in_who_is_in_stays_and_no_request_fails(self) -> None:
        tokens = self.save("tokens", TOKEN)
        demand = ("--data-plane-token-file", tokens)
        show = ("--control-plane-token-file", self.save("token", TOKEN))
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_control_plane(*demand)
        await self.fleet.start_data_plane(*show)
        await self.fleet.until_served("1")
        load, data_plane, control_plane = await self.load(), self.fleet.data_plane, self.fleet.control_plane
        self.save("tokens", "")
        await control_plane.until_logged("error .*there is no token in the file: no data plane gets in any")
        await self.fleet.start_data_plane("--state-dir", str(self.folder / "newcomer"), *show)
        newcomer, self.fleet.data_plane = self.fleet.data_plane, data_plane
        await newcomer.until_logged("cannot connect to ws://.*401.*; it needs a token that it knows")
        self.fleet.change("2", self.fleet.cells[1])
        await self.fleet.until_served("2")
        (self.folder / "tokens").unlink()
        await control_plane.until_logged("the file does not exist: no data plane gets in any more")
        self.fleet.change("3", self.fleet.cells[0])
        await self.fleet.until_served("3")
        # Killed, it does not start again without tokens, and the data plane is on its own.
        await control_plane.stop("KILL")
        with self.assertRaisesRegex(AssertionError, "--data-plane-token-file: .* the file does not exist"):
            await self.fleet.start_control_plane(*demand)
        await load.until_answered(100)
        self.save("tokens", TOKEN)
        self.fleet.change("4", self.fleet.cells[1])
        await self.fleet.start_control_plane(*demand)
        await self.fleet.until_served("4")
        await newcomer.until_logged('serving version "4", revision 4, from control_plane')
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        for each in (control_plane, self.fleet.control_plane, data_plane, newcomer):
            self.assertNotIn(TOKEN.encode(), each.stderr + each.stdout)
        self.assert_no_traceback()


class ExpiredCertificateTests(ChaosTestCase):
    """The control plane's certificate expires while nobody looks, and is replaced without a restart."""

    async def test_the_data_plane_routes_on_says_why_and_returns_by_itself(self) -> None:
        authority = Authority()
        ca, pem = self.folder / "ca.pem", self.folder / "cp.pem"
        ca.write_bytes(authority.certificate)

        def present(name: str, valid_for: timedelta) -> None:
            pem.write_bytes(authority.issue(name, "127.0.0.1", valid_for))

        def endpoint(port: int) -> tuple[str, str]:
            return "--port", f"ssl:{port}:privateKey={pem}:interface=127.0.0.1"

        present("cp.first", timedelta(days=1))
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_control_plane(*endpoint(0))
        port = await self.fleet.control_plane.port("control plane")
        url = ("--control-plane-url", f"wss://127.0.0.1:{port}")
        await self.fleet.start_data_plane(*url, "--control-plane-ca", str(ca))
        await self.fleet.until_served("1")
        load = await self.load()
        present("cp.expired", EXPIRED)
        await self.fleet.control_plane.until_logged('of "CN=cp.expired", .*, is shown from now on')
        # An open connection does not care.
        self.fleet.change("2", self.fleet.cells[1])
        await self.fleet.until_served("2")
        await self.fleet.control_plane.stop("KILL")
        self.fleet.change("3", self.fleet.cells[0])
        await self.fleet.start_control_plane(*endpoint(port))
        await self.fleet.data_plane.until_logged(
            r'cannot connect to wss://.*: the certificate of "CN=cp\.expired", .*, has expired; the active'
        )
        await load.until_answered(100)
        self.assertEqual((await self.fleet.served())["version"], "2")
        present("cp.second", timedelta(days=1))
        await self.fleet.control_plane.until_logged('of "CN=cp.second", .*, is shown from now on')
        await self.fleet.until_served("3")
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        self.assert_no_traceback()
        self.assertNotIn(b"Traceback", self.fleet.control_plane.stderr)
