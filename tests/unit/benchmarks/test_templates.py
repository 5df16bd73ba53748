"""The proxies' configuration files."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.cells import ANSWER_BYTES, answer
from benchmarks.peers import STREAM_PEERS
from benchmarks.tables import tenant, tenants
from benchmarks.templates import filled, render
from cellrouter.config import load_config


class TemplateTests(SynchronousTestCase):
    """How their blanks are filled in."""

    def test_what_is_not_ours_stays(self) -> None:
        self.assertEqual(filled('$host "@type" @{port} a@b', {"port": 80}), '$host "@type" 80 a@b')

    def test_no_file_of_a_proxy_has_a_blank_left(self) -> None:
        with TemporaryDirectory() as folder:
            for peer in STREAM_PEERS:
                for name in peer.files:
                    blanks = {"port": 1, "buffering": "on", **peer.blanks}
                    path = render(name, Path(folder), 2, 3, **blanks)
                    self.assertEqual(re.findall(r"@\{.*?\}", path.read_text()), [], name)

    def test_the_router_accepts_its_config(self) -> None:
        with TemporaryDirectory() as folder:
            config = load_config(render("routing.json", Path(folder), 2, 3).read_bytes()).config
        self.assertEqual(config.routing_table["acme"], "tier1")
        self.assertEqual(config.default_placement, "tier3")

    def test_it_accepts_as_many_routes_as_one_likes(self) -> None:
        with TemporaryDirectory() as folder:
            path = render("routing.json", Path(folder), 2, 3, tenants=tenants(98), version="benchmark-7")
            config = load_config(path.read_bytes()).config
        self.assertEqual((len(config.routing_table), config.version), (100, "benchmark-7"))
        self.assertEqual(config.routing_table[tenant(97)], "tier1")


class AnswerTests(SynchronousTestCase):
    """What the cells say."""

    def test_all_answers_have_the_same_length(self) -> None:
        self.assertEqual({len(answer(name)) for name in ("tier1", "default")}, {ANSWER_BYTES})
