"""JSON over HTTP."""

import json

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.server import Request, Site

from cellrouter.daemon.resources import JsonResource, JsonRoot, QueryResource, problem
from tests.support.web import Answer, ask


class Upgrade(JsonRoot):
    """Answer with a status that twisted.web has no words for."""

    def render(self, request: Request) -> bytes:
        return problem(request, 426, "speak WebSocket")


class JsonResourceTests(SynchronousTestCase):
    """What is asked, and what comes back."""

    def setUp(self) -> None:
        root = JsonRoot()
        root.putChild(b"branch", JsonRoot())
        root.putChild(b"state", JsonResource(lambda: (503, {"status": "bad"})))
        root.putChild(b"echo", QueryResource("key", lambda keys: (200, [key.decode() for key in keys])))
        root.putChild(b"upgrade", Upgrade())
        self.site = Site(root, reactor=MemoryReactorClock())

    def ask(self, target: str, method: str = "GET") -> Answer:
        return ask(self.site, target, method)

    def test_a_document_comes_with_its_status_and_is_never_cached(self) -> None:
        answer = self.ask("/state")
        self.assertEqual((answer.status, answer.json()), (503, {"status": "bad"}))
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_head_has_the_length_and_no_body(self) -> None:
        answer = self.ask("/state", "HEAD")
        self.assertEqual((answer.status, answer.body), (503, b""))
        self.assertEqual(int(answer.headers["content-length"]), len(self.ask("/state").body))

    def test_other_methods_are_405_and_say_which_are_possible(self) -> None:
        for method in ("POST", "PUT", "DELETE", "NONSENSE"):
            answer = self.ask("/state", method)
            self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD"))
            self.assertEqual(answer.headers["content-type"], "application/problem+json")

    def test_an_unknown_path_is_404_in_json(self) -> None:
        for path in ("/nothing", "/", "/state/below", "/branch"):
            self.assertEqual(json.loads(self.ask(path).body)["status"], 404)

    def test_a_problem_has_a_title_whatever_its_status(self) -> None:
        for path, title in (("/nothing", "Not Found"), ("/upgrade", "Upgrade Required")):
            self.assertEqual(self.ask(path).json()["title"], title)

    def test_a_parameter_reaches_the_document(self) -> None:
        self.assertEqual(self.ask("/echo?key=acme").json(), ["acme"])
        self.assertEqual(self.ask("/echo?key=").json(), [""])
        self.assertEqual(self.ask("/echo").json(), [])

    def test_an_unknown_parameter_is_400(self) -> None:
        self.assertEqual(self.ask("/echo?kee=acme").status, 400)
