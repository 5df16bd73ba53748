"""Who gets into a control plane that demands tokens: a real process, real sockets."""

from twisted.internet import reactor

from tests.integration.data_plane_client import connect
from tests.integration.test_control_plane import ControlPlaneTestCase, config
from tests.support.processes import Child

OLD, NEW = "old-b0c8f1de77", "new-4410aa9c52"


def bearer(token: str) -> dict[str, str]:
    """Return the header field that shows a token."""
    return {"Authorization": f"Bearer {token}"}


class TokenTestCase(ControlPlaneTestCase):
    """A control plane whose data planes need a token."""

    def setUp(self) -> None:
        super().setUp()
        self.tokens = self.folder / "tokens"
        self.write(OLD)

    def write(self, *tokens: str) -> None:
        """Replace the file of tokens as careful operators do."""
        draft = self.folder / "tokens.draft"
        draft.write_text("".join(f"{token}\n" for token in tokens))
        draft.chmod(0o600)
        draft.rename(self.tokens)

    def launch(self, *options: str) -> Child:
        return super().launch("--data-plane-token-file", str(self.tokens), *options)

    async def refused(self, port: int, status: int, headers: dict[str, str] | None = None) -> None:
        """Check that a data plane does not get in."""
        with self.assertRaisesRegex(ConnectionRefusedError, str(status)):
            await connect(reactor, port, headers=headers)


class ConnectTests(TokenTestCase):
    """What data planes show."""

    async def test_without_a_valid_token_nobody_gets_in(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        await self.refused(port, 401)
        await self.refused(port, 401, bearer(NEW))
        await self.refused(port, 403, bearer(OLD) | {"Origin": "http://127.0.0.1"})
        _, recording = await self.connect(port, headers=bearer(OLD))
        await recording.snapshot(lambda snapshot: True)
        await process.until_logged(r"refused 127\.0\.0\.1:\d+: a valid token is needed")
        await process.until_logged(r"refused 127\.0\.0\.1:\d+: the token is not valid")

    async def test_tokens_are_rotated_without_a_restart(self) -> None:
        """Both are valid for a while; then only the new one, and who is connected stays."""
        process, port = await self.serve(config("1.0.0"))
        _, recording = await self.connect(port, headers=bearer(OLD))
        self.write(OLD, NEW)
        await process.until_logged("was read again; valid tokens: 2")
        for token in (OLD, NEW):
            await self.connect(port, headers=bearer(token))
        self.write(NEW)
        await process.until_logged("was read again; valid tokens: 1")
        await self.refused(port, 401, bearer(OLD))
        await self.connect(port, headers=bearer(NEW))
        self.replace(config("1.0.1"))
        await recording.snapshot(lambda snapshot: snapshot["revision"] == 2)

    async def test_no_token_is_in_the_log_or_in_what_the_control_plane_answers(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        await self.connect(port, headers=bearer(OLD))
        await self.refused(port, 401, bearer(NEW))
        await process.until_logged("the token is not valid")
        answers = [await self.get(port, path) for path in ("/fleet", "/health", "/config", "/connect")]
        self.assertEqual([status for status, _ in answers], [200, 200, 200, 401])
        for text in (str(answers), process.stderr.decode(), process.stdout.decode()):
            self.assertNotIn(OLD, text)
            self.assertNotIn(NEW, text)


class StartTests(TokenTestCase):
    """A bad file of tokens is one clear line, before anything listens."""

    async def ends(self) -> str:
        self.file.write_bytes(config("1.0.0"))
        process = self.launch()
        self.assertEqual(await process.until_ended(), 1)
        (line,) = process.stderr.decode().splitlines()
        return line

    async def test_one_that_is_missing(self) -> None:
        self.tokens.unlink()
        self.assertEqual(
            await self.ends(),
            f"cellrouter-cp: --data-plane-token-file: {self.tokens}: the file does not exist",
        )

    async def test_one_without_a_token(self) -> None:
        self.tokens.write_text("# none\n")
        self.assertIn("there is no token in the file; it has one a line", await self.ends())
