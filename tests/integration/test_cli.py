"""The operator's tool as it is typed: real processes, real exit statuses."""

import json
import shutil
import sys
from pathlib import Path

import treq

from tests.support.processes import ON_LOOPBACK, Child, ProcessTestCase

PROJECT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1"


class ToolTestCase(ProcessTestCase):
    """Runs the tool."""

    def tool(self, *arguments: str, **environment: str) -> Child:
        """Start ``cellrouter``."""
        return self.start(sys.executable, "-m", "cellrouter.cli", *arguments, environment=environment)

    def assertOneLine(self, child: Child, *parts: str) -> None:
        """Assert that it failed with one line on standard error, and what that says."""
        self.assertNotEqual(child.status, 0)
        self.assertEqual(child.stdout, b"")
        text = child.stderr.decode()
        self.assertEqual(len(text.splitlines()), 1, text)
        for part in parts:
            self.assertIn(part, text)


class CellTests(ToolTestCase):
    """``cellrouter cell``."""

    async def test_it_says_where_it_listens_and_echoes(self) -> None:
        child = self.tool("cell", "--name", "visa", "--port", ON_LOOPBACK)
        port = await child.port("cell visa")
        response = await treq.post(f"http://127.0.0.1:{port}/pay?x=1", data=b"body", persistent=False)
        answer = await response.json()
        self.assertEqual((answer["cell"], answer["path"], answer["body_bytes"]), ("visa", "/pay?x=1", 4))
        self.assertEqual(await child.stop(), 0)
        self.assertEqual(child.stdout, b"")

    async def test_a_port_that_is_taken_is_one_line(self) -> None:
        first = self.tool("cell", "--port", ON_LOOPBACK)
        port = await first.port("cell")
        second = self.tool("cell", "--port", f"tcp:{port}:interface=127.0.0.1")
        self.assertEqual(await second.until_ended(), 1)
        self.assertOneLine(second, "cellrouter cell: --port: cannot listen on", "in use")

    async def test_a_port_that_is_none_is_refused(self) -> None:
        child = self.tool("cell", "--port", "99999999")
        self.assertEqual(await child.until_ended(), 2)
        self.assertIn("Invalid value for --port", child.stderr.decode())


class RouteTests(ToolTestCase):
    """``cellrouter route`` against a running data plane, and against nobody."""

    async def test_a_data_plane_and_its_config_file_say_the_same(self) -> None:
        shutil.copy(PROJECT / "config" / "routing.json", self.folder)
        data_plane = self.start_data_plane("--config", str(self.folder / "routing.json"))
        url = f"http://127.0.0.1:{await data_plane.port('admin port')}"
        for key in (
            "acme",
            " acme\t",
            "acme,globex",
            "not in the table",
            "a/b?c&d=e#f%41",
            "",
            "ключ",
            "\udcff",
        ):
            asked = self.tool("--data-plane", url, "route", "--json", key)
            looked_up = self.tool("route", "--config", "routing.json", "--json", key)
            self.assertEqual(await asked.until_ended(), 0, asked.stderr)
            self.assertEqual(await looked_up.until_ended(), 0, looked_up.stderr)
            theirs, ours = json.loads(asked.stdout), json.loads(looked_up.stdout)
            # What only a data plane knows is the number that a control plane gave the config.
            self.assertEqual(theirs, {**ours, "config_revision": None})

    async def test_the_data_plane_is_found_by_the_environment_too(self) -> None:
        child = self.tool("route", "acme", DATA_PLANE=NOBODY)
        self.assertEqual(await child.until_ended(), 1)
        self.assertOneLine(child, f"{NOBODY}/debug/route?key=acme", "refused", "--data-plane or DATA_PLANE")

    async def test_what_is_no_url_is_one_line(self) -> None:
        for url in ("nonsense", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port", "http://[::1", ""):
            child = self.tool("--data-plane", url, "route", "acme")
            self.assertEqual(await child.until_ended(), 1, url)
            self.assertOneLine(child, "--data-plane or DATA_PLANE")


class CheckTests(ToolTestCase):
    """``cellrouter check``."""

    async def test_every_config_that_ships_is_valid(self) -> None:
        files = sorted((PROJECT / "config").glob("*.json"))
        self.assertEqual(len(files), 4)
        for file in files:
            child = self.tool("check", str(file))
            self.assertEqual(await child.until_ended(), 0, child.stdout)

    async def test_hostile_files_are_answered_in_lines(self) -> None:
        (self.folder / "folder").mkdir()
        (self.folder / "deep").write_bytes(b"[" * 100_000)
        (self.folder / "number").write_bytes(b'{"version": ' + b"1" * 100_000 + b"}")
        (self.folder / "binary").write_bytes(bytes(range(256)))
        for name in ("missing", "folder", "deep", "number", "binary"):
            child = self.tool("check", name)
            self.assertEqual(await child.until_ended(), 1, name)
            self.assertNotIn(b"Traceback", child.stdout + child.stderr)
            self.assertTrue(child.stdout + child.stderr)
