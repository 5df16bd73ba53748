"""What a control plane may answer, and what the tool makes of it."""

import json
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from click.testing import CliRunner
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from cellrouter.cli.control_plane import (
    BeyondGuards,
    ControlPlane,
    Refused,
    RevisionMoved,
    is_readable_on_the_way,
)
from cellrouter.cli.entry import main
from cellrouter.daemon.resources import NOTHING_HERE


class Answering(Resource):
    """Answer everything with a status and a body, and take note."""

    isLeaf = True

    def __init__(self, status: int, body: bytes, fields: dict[str, str]) -> None:
        super().__init__()
        self.status, self.body, self.fields = status, body, fields
        self.asked: list[tuple[bytes, bytes, bytes]] = []

    def render(self, request: Any) -> bytes:
        self.asked.append((request.method, request.uri, request.content.read()))
        request.setResponseCode(self.status)
        for name, value in self.fields.items():
            request.setHeader(name, value)
        return self.body


class ControlPlaneTests(SynchronousTestCase):
    """One request."""

    def ask(
        self,
        status: int,
        document: Any,
        fields: dict[str, str] | None = None,
        token_file: Path | None = None,
    ) -> "Deferred[Any]":
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answering = Answering(status, body, fields or {})
        stub = StubTreq(self.answering)

        def request(
            method: str, url: str, data: bytes | None, headers: Any, allow_redirects: bool, **options: Any
        ) -> Any:
            return stub.request(method, url, data=data, headers=headers, allow_redirects=allow_redirects)

        plane = ControlPlane(Clock(), "http://cp", token_file, request)
        return Deferred.fromCoroutine(plane.post("/config/apply", {"reason": "a b", "x": None}, b"{}"))

    def test_an_object_is_returned(self) -> None:
        self.assertEqual(self.successResultOf(self.ask(200, {"revision": 1})), {"revision": 1})
        self.assertEqual(self.answering.asked, [(b"POST", b"/config/apply?reason=a+b", b"{}")])

    def test_a_change_is_not_sent_on_to_wherever_a_redirect_leads(self) -> None:
        for status in (301, 302, 307, 308):
            asking = self.ask(status, b"", {"location": "https://other/config/apply"})
            error = self.failureResultOf(asking, click.ClickException).value
            self.assertIn(f'answered {status} (it is at "https://other/config/apply"), not as', error.message)
            self.assertEqual(len(self.answering.asked), 1)

    def test_a_token_that_others_can_read_on_the_way_is_pointed_out(self) -> None:
        for url, readable in {
            "http://cp.example:8081": True,
            "http://10.0.0.7": True,
            "https://cp.example": False,
            "http://localhost:8081": False,
            "http://127.0.0.1:8081": False,
            "http://[::1]:8081": False,
            "http://[": False,
        }.items():
            self.assertEqual(is_readable_on_the_way(url), readable, url)
        told: list[str] = []
        self.patch(click, "echo", lambda text, err: told.append(text))
        token_file = Path(self.enterContext(TemporaryDirectory(prefix="cellrouter-"))) / "token"
        token_file.write_text("abc")
        self.successResultOf(self.ask(200, {}, token_file=token_file))
        self.assertEqual(
            told, ["http://cp: the operator's token goes over the network unencrypted; use https://"]
        )

    def test_a_problem_is_told_with_its_detail(self) -> None:
        refused = self.failureResultOf(self.ask(404, {"detail": "there is none"}), Refused).value
        self.assertEqual((refused.message, refused.exit_code), ("there is none", 1))

    def test_each_kind_of_refusal_has_a_status_of_its_own(self) -> None:
        beyond = self.failureResultOf(
            self.ask(409, {"detail": "too much", "exceeded": []}), BeyondGuards
        ).value
        self.assertEqual(beyond.exit_code, 4)
        self.assertIn("--override REASON", beyond.message)
        moved = self.failureResultOf(self.ask(412, {"detail": "moved"}), RevisionMoved).value
        self.assertEqual(moved.exit_code, 5)
        wanted = self.failureResultOf(self.ask(401, {"detail": "no token"}), Refused).value
        self.assertEqual(wanted.exit_code, 1)
        self.assertIn("--operator-token-file", wanted.message)

    def test_another_servers_page_is_not_taken_for_an_answer(self) -> None:
        for status, body in ((200, b"<html>"), (502, b"<html>"), (200, b"[]"), (500, b"{}")):
            error = self.failureResultOf(self.ask(status, body), click.ClickException).value
            self.assertNotIsInstance(error, Refused)
            self.assertIn(f"answered {status}, not as a control plane does", error.message)

    def test_a_data_plane_is_not_taken_for_a_control_plane(self) -> None:
        error = self.failureResultOf(self.ask(404, {"detail": NOTHING_HERE}), click.ClickException).value
        self.assertIn("http://cp/config/apply", error.message)
        self.assertIn("--control-plane", error.message)

    def test_a_problem_that_makes_no_sense_is_one_line(self) -> None:
        for violations in (3, [1], [{"path": "/version"}]):
            problem = {"detail": "refused", "violations": violations}
            error = self.failureResultOf(self.ask(422, problem), click.ClickException).value
            self.assertNotIsInstance(error, Refused)
            self.assertIn("does not answer as a control plane", error.message)

    def test_what_it_says_cannot_drive_the_terminal(self) -> None:
        violation = {"path": "/a\x1b[2J", "code": "c", "message": "m\x1b[2J"}
        problem = {"detail": "d\x1b[2J", "violations": [violation]}
        refused = self.failureResultOf(self.ask(422, problem), Refused).value
        shown = StringIO()
        refused.show(shown)
        self.assertEqual(shown.getvalue(), "/a\\x1b[2J: c: m\\x1b[2J\nError: d\\x1b[2J\n")


class CommandLineTests(SynchronousTestCase):
    """What is wrong before anybody is asked."""

    def assert_usage(self, *arguments: str, says: str) -> None:
        result = CliRunner().invoke(main, arguments)
        self.assertEqual(result.exit_code, 2, result.output)
        self.assertIn(says, result.stderr)

    def test_apply_needs_a_file_or_an_override(self) -> None:
        self.assert_usage("apply", says="give a FILE")
        self.assert_usage("apply", "--reason", "x", says="give a FILE")
        self.assert_usage("apply", "--override", "x", "--if-revision", "1", says="give a FILE")

    def test_a_rollback_needs_a_reason(self) -> None:
        self.assert_usage("rollback", "3", says="--reason")

    def test_revisions_are_numbers(self) -> None:
        self.assert_usage("show", "x", says="x")
        self.assert_usage("diff", "1", says="B")
        self.assert_usage("wait", "--revision", "-1", says="-1")

    def test_time_outs_are_durations(self) -> None:
        self.assert_usage("wait", "--timeout", "soon", says="--timeout")

    def test_a_file_that_does_not_exist_is_one_line(self) -> None:
        result = CliRunner().invoke(main, ["apply", "/no/such/file"])
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        self.assertEqual(result.stderr, "Error: /no/such/file: the file does not exist\n")
