"""Who shows a valid token gets in, and nobody else, whatever becomes of the file."""

import hmac
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Request, Site

from cellrouter.daemon.resources import JsonRoot, write_json
from cellrouter.daemon.tokens import (
    NoToken,
    TokenFile,
    Tokens,
    may_change,
    open_to_everybody,
    parse_tokens,
    read_first_token,
)
from cellrouter.snapshots.poller import Unreadable
from tests.support.logs import CapturedLog
from tests.support.web import Answer, ask
from tests.unit.dataplane.threads import at_once

FIRST, SECOND = "first-3f9c8a7be1d24c", "second.77~20_c1+a/b=="
SHOWN = [b"Bearer " + FIRST.encode()]
SHOWN_SECOND = [b"Bearer " + SECOND.encode()]
LOOPBACK, ELSEWHERE = "127.0.0.1", "10.0.0.7"


class ParseTests(SynchronousTestCase):
    """What is a token in a file."""

    def test_one_a_line_without_comments_and_blanks(self) -> None:
        content = f"# made on Monday\n\n  {FIRST}  \r\n\t\n#{SECOND}\n{SECOND}".encode()
        self.assertEqual(parse_tokens(content), Tokens((FIRST, SECOND), ()))

    def test_a_line_that_is_no_token_is_told_by_its_number(self) -> None:
        content = b"good\ntwo words\n\xff\xfe\n=\nunten-\xc3\xbc"
        self.assertEqual(parse_tokens(content), Tokens(("good",), (2, 3, 4, 5)))

    def test_nobody_learns_a_token_from_what_was_parsed(self) -> None:
        self.assertNotIn(FIRST, repr(parse_tokens(FIRST.encode())))


class FileTestCase(SynchronousTestCase):
    """A file of tokens in a folder of its own."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory(prefix="cellrouter-"))) / "tokens"
        self.clock = Clock()
        self.log = CapturedLog(self)

    def write(self, *lines: str, mode: int = 0o600) -> None:
        """Replace the file."""
        draft = self.path.with_suffix(".draft")
        draft.write_text("".join(f"{line}\n" for line in lines))
        draft.chmod(mode)
        draft.rename(self.path)

    def load(self) -> TokenFile:
        """Read the file as a daemon does when it starts, and begin to look at it."""
        tokens = TokenFile(self.path, "nobody new gets in", self.clock, at_once, 2.0)
        tokens.load_blocking()
        tokens.startService()
        self.addCleanup(tokens.stopService)
        return tokens

    def look_twice(self) -> None:
        self.clock.pump([2.0, 2.0])


class AcceptTests(FileTestCase):
    """What is shown against what is valid."""

    def test_any_of_several_is_valid(self) -> None:
        self.write(FIRST, SECOND)
        tokens = self.load()
        self.assertTrue(tokens.accepts(SHOWN))
        self.assertTrue(tokens.accepts(SHOWN_SECOND))

    def test_the_scheme_is_read_in_any_case(self) -> None:
        self.write(FIRST)
        tokens = self.load()
        for scheme in (b"bearer", b"BEARER", b"Bearer "):
            self.assertTrue(tokens.accepts([scheme + b" " + FIRST.encode()]), scheme)

    def test_nothing_else_is_valid(self) -> None:
        self.write(FIRST)
        tokens = self.load()
        for credentials in (
            [],
            [b""],
            [b"Bearer"],
            [b"Bearer "],
            [b"Bearer " + SECOND.encode()],
            [b"Bearer " + FIRST[:-1].encode()],
            [b"Bearer " + FIRST.encode() + b"x"],
            [b"Bearer " + FIRST.encode() + b" x"],
            [b"Basic " + FIRST.encode()],
            [FIRST.encode()],
            [b"Bearer " + FIRST.upper().encode()],
            SHOWN * 2,
        ):
            self.assertFalse(tokens.accepts(credentials), credentials)

    def test_every_token_is_compared_in_constant_time_even_after_one_that_fits(self) -> None:
        self.write(FIRST, SECOND, "third")
        tokens = self.load()
        for credentials in (SHOWN, [b"Bearer wrong"], []):
            with patch.object(hmac, "compare_digest", wraps=hmac.compare_digest) as compare:
                tokens.accepts(credentials)
            self.assertEqual(compare.call_count, 3)


class StartTests(FileTestCase):
    """A daemon that starts with a bad file does not start."""

    def test_a_file_that_is_missing_or_a_folder_is_refused(self) -> None:
        self.assertIn("does not exist", str(self.assertRaises(Unreadable, self.load)))
        self.path.mkdir()
        self.assertIn("is a folder", str(self.assertRaises(Unreadable, self.load)))

    def test_a_file_without_a_token_is_refused(self) -> None:
        self.write("# none yet")
        self.assertIn("there is no token in the file", str(self.assertRaises(NoToken, self.load)))

    def test_a_file_that_everybody_can_read_is_warned_of_once(self) -> None:
        self.write(FIRST, mode=0o644)
        self.load()
        self.write(SECOND, mode=0o644)
        self.look_twice()
        self.assertEqual(self.log.text.count("every user of this machine can read it"), 1)

    def test_a_file_that_only_its_group_can_read_is_fine(self) -> None:
        self.write(FIRST, mode=0o640)
        self.load()
        self.assertEqual(self.log.lines, [])

    def test_a_file_that_is_gone_is_open_to_nobody(self) -> None:
        self.assertFalse(open_to_everybody(self.path))


class ChangeTests(FileTestCase):
    """The file changes while the daemon runs."""

    def setUp(self) -> None:
        super().setUp()
        self.write(FIRST)
        self.tokens = self.load()

    def valid(self) -> tuple[bool, bool]:
        """Tell which of the two tokens is."""
        return self.tokens.accepts(SHOWN), self.tokens.accepts(SHOWN_SECOND)

    def test_rotation_needs_no_restart(self) -> None:
        states = []
        for lines in ([FIRST, SECOND], [SECOND]):
            self.write(*lines)
            self.look_twice()
            states.append(self.valid())
        self.assertEqual(states, [(True, True), (False, True)])

    def test_an_emptied_file_lets_nobody_in_and_is_one_line_in_the_log(self) -> None:
        self.write("# nobody")
        for _ in range(10):
            self.look_twice()
        self.assertEqual(self.valid(), (False, False))
        self.assertFalse(self.tokens.accepts([b"Bearer "]))
        self.assertFalse(self.tokens.accepts([]))
        self.assertEqual(self.log.lines, [f"{self.path}: there is no token in the file: nobody new gets in"])

    def test_a_file_that_is_gone_lets_nobody_in_until_it_is_back(self) -> None:
        self.path.unlink()
        for _ in range(10):
            self.look_twice()
        self.assertEqual(self.valid(), (False, False))
        self.assertEqual(self.log.lines, [f"{self.path}: the file does not exist: nobody new gets in"])
        self.write(FIRST)
        self.look_twice()
        self.assertEqual(self.valid(), (True, False))
        self.assertIn("was read again; valid tokens: 1", self.log.lines[-1])

    def test_a_file_that_is_too_large_lets_nobody_in(self) -> None:
        self.write(*[FIRST] * 10_000)
        self.look_twice()
        self.assertEqual(self.valid(), (False, False))

    def test_a_bad_line_is_told_by_its_number_and_the_rest_counts(self) -> None:
        self.write("my secret", SECOND)
        self.look_twice()
        self.assertEqual(self.valid(), (False, True))
        self.assertIn("line 1 is ignored", self.log.text)

    def test_no_token_is_in_the_log_or_in_the_object(self) -> None:
        self.write(FIRST, SECOND, "my secret")
        self.look_twice()
        for text in (self.log.text, repr(vars(self.tokens)), repr(vars(self.tokens._poller))):
            for secret in (FIRST, SECOND, "my secret"):
                self.assertNotIn(secret, text)


class FirstTokenTests(FileTestCase):
    """The token that we show to others."""

    def test_it_is_the_first_of_the_file(self) -> None:
        self.write("# ours", SECOND, FIRST)
        self.assertEqual(read_first_token(self.path), SECOND)

    def test_without_one_there_is_a_reason(self) -> None:
        self.assertIn("does not exist", str(self.assertRaises(Unreadable, read_first_token, self.path)))
        self.write("not a token")
        error = self.assertRaises(NoToken, read_first_token, self.path)
        self.assertNotIn("not a token", str(error))


class Changing(JsonRoot):
    """Changes something, if it may."""

    tokens: TokenFile | None = None

    def render(self, request: Request) -> bytes:
        refusal = may_change(request, self.tokens)
        return refusal.answer(request) if refusal is not None else write_json(request, 200, "changed")


class ChangeSomethingTests(FileTestCase):
    """Who may change anything."""

    def setUp(self) -> None:
        super().setUp()
        self.changing = Changing()
        root = JsonRoot()
        root.putChild(b"change", self.changing)
        self.site = Site(root, reactor=MemoryReactorClock())

    def post(self, fields: dict[str, str] | None = None, host: str = ELSEWHERE) -> Answer:
        return ask(self.site, "/change", "POST", fields=fields, host=host)

    def test_with_tokens_one_of_them_is_needed_from_wherever(self) -> None:
        self.write(FIRST)
        self.changing.tokens = self.load()
        for host in (LOOPBACK, ELSEWHERE):
            self.assertEqual(self.post({"Authorization": f"Bearer {FIRST}"}, host).status, 200)
            for fields in ({}, {"Authorization": f"Bearer {SECOND}"}, {"Authorization": "Bearer"}):
                answer = self.post(fields, host)
                self.assertEqual(answer.status, 401)
                self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="cellrouter"')
                self.assertNotIn(SECOND.encode(), answer.body)

    def test_without_tokens_this_machine_may(self) -> None:
        self.assertEqual(self.post(host=LOOPBACK).status, 200)

    def test_without_tokens_other_machines_may_not(self) -> None:
        answer = self.post()
        self.assertEqual(answer.status, 403)
        self.assertIn("--operator-token-file", answer.json()["detail"])

    def test_without_tokens_a_page_in_a_browser_of_this_machine_may_not(self) -> None:
        for origin in ("http://evil.example", "http://127.0.0.1:8081", "null"):
            self.assertEqual(self.post({"Origin": origin}, LOOPBACK).status, 403)

    def test_what_a_proxy_says_of_where_a_request_comes_from_does_not_count(self) -> None:
        self.assertEqual(self.post({"X-Forwarded-For": LOOPBACK}).status, 403)

    def test_without_tokens_nobody_may_through_a_proxy_on_this_machine(self) -> None:
        for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            self.assertEqual(self.post({name: LOOPBACK}, LOOPBACK).status, 403)
        self.assertEqual(self.post({"Host": "cp.example.com"}, LOOPBACK).status, 403)

    def test_without_tokens_a_name_that_was_made_to_mean_this_machine_does_not_help(self) -> None:
        """As a web site does with its own name: the browser takes page and control plane for one site."""
        for name in ("evil.example:8081", "localhost.evil.example", "127.0.0.1.evil.example"):
            answer = self.post({"Host": name}, LOOPBACK)
            self.assertEqual(answer.status, 403, name)
            self.assertIn("--operator-token-file", answer.json()["detail"])
        for name in ("localhost", "localhost:8081", "127.0.0.1:8081", "[::1]:8081", "10.0.0.7"):
            self.assertEqual(self.post({"Host": name}, LOOPBACK).status, 200, name)
