"""``cellrouter route``: looked up in a file, or asked of a data plane that may answer anything."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from click.testing import CliRunner, Result
from treq.testing import StubTreq
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource

from cellrouter.cli.client import get_json
from cellrouter.cli.entry import main

CONFIG = {
    "version": "1.0.0",
    "routingTable": {"acme": "tier1"},
    "cellEndpoints": {"tier1": "http://127.0.0.1:9001", "tier3": "http://127.0.0.1:9003"},
    "defaultPlacement": "tier3",
}


class LookUpTests(SynchronousTestCase):
    """With ``--config``."""

    def route(self, key: str, document: object, *options: str) -> Result:
        file = Path(self.enterContext(TemporaryDirectory())) / "routing.json"
        file.write_text(json.dumps(document))
        return CliRunner().invoke(main, ["route", "--config", str(file), key, *options])

    def test_a_key_leads_to_its_placement(self) -> None:
        result = self.route("acme", CONFIG)
        self.assertEqual(result.exit_code, 0)
        rows = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
        self.assertEqual((rows["placement"], rows["match"]), ("tier1", "exact"))
        self.assertEqual(rows["endpoint"], "http://127.0.0.1:9001")

    def test_blanks_around_a_key_do_not_count_as_in_a_header(self) -> None:
        self.assertEqual(json.loads(self.route(" acme\t", CONFIG, "--json").stdout)["match"], "exact")

    def test_any_other_key_leads_to_the_default(self) -> None:
        for key in ("nobody", "", "ключ", "\udcff"):
            document = json.loads(self.route(key, CONFIG, "--json").stdout)
            self.assertEqual((document["placement"], document["match"]), ("tier3", "default"))

    def test_a_refused_config_is_one_line_on_standard_error(self) -> None:
        result = self.route("acme", {**CONFIG, "version": ""})
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"^Error: [^\n]+refused[^\n]+/version: empty_version[^\n]+\n$")


class Answer(Resource):
    """Answer everything with a status and a body."""

    isLeaf = True

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self._status = status
        self._body = body

    def render(self, request) -> bytes:
        request.setResponseCode(self._status)
        return self._body


class GetJsonTests(SynchronousTestCase):
    """What a daemon that does not answer well leads to: one line that says what, where, and what to do."""

    def ask(self, status: int, body: bytes) -> "Deferred[dict[str, object]]":
        stub = StubTreq(Answer(status, body))

        def get(url: str, headers: object, **options: object) -> "Deferred[object]":
            return stub.get(url, headers=headers)

        return Deferred.fromCoroutine(get_json(Clock(), "http://dp/debug/route", "use --data-plane", get))

    def message(self, asked: "Deferred[dict[str, object]]") -> str:
        return self.failureResultOf(asked, click.ClickException).value.message

    def test_an_object_is_returned(self) -> None:
        self.assertEqual(self.successResultOf(self.ask(200, b'{"placement": "a"}')), {"placement": "a"})

    def test_the_detail_of_a_problem_is_shown(self) -> None:
        self.assertEqual(
            self.message(self.ask(404, b'{"detail": "there is no such thing"}')),
            "http://dp/debug/route: answered 404 there is no such thing; use --data-plane",
        )

    def test_another_servers_page_is_not_taken_for_an_answer(self) -> None:
        self.assertIn("answered 404; use --data-plane", self.message(self.ask(404, b"<html>")))
        for body in (b"<html>", b"[]", b"\xff", b"[" * 100_000):
            self.assertIn("the answer is not a JSON object", self.message(self.ask(200, body)))

    def test_no_answer_is_told_with_its_reason(self) -> None:
        reasons = {
            ConnectError("nobody there"): "nobody there",
            CancelledError(): "nothing within 10 s",
            ResponseNeverReceived([Failure(CancelledError())]): "nothing within 10 s",
        }
        for error, reason in reasons.items():

            async def get(url: str, error: Exception = error, **options: object) -> None:
                raise error

            asked = Deferred.fromCoroutine(get_json(Clock(), "http://dp/x", "use --data-plane", get))
            self.assertRegex(
                self.message(asked), rf"^http://dp/x: no answer: .*{reason}.*; use --data-plane$"
            )
