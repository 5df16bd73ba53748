"""The data plane as its operator meets it: a real process, real files, a config from a file."""

import json
import socket
from typing import Any

import treq

from tests.support.documents import text
from tests.support.processes import ON_LOOPBACK, Child, ProcessTestCase, until_answers


class DataPlaneTestCase(ProcessTestCase):
    """Data planes that poll every 100 milliseconds."""

    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "routing.json"
        self.file.write_bytes(text("1"))

    def launch(self, *options: str, environment: dict[str, str] | None = None) -> Child:
        ours = ("--config", str(self.file), "--poll-interval", "100ms")
        return self.start_data_plane(*ours, *options, environment=environment)

    def replace(self, content: bytes) -> None:
        """Change the file as careful editors do."""
        draft = self.folder / "draft"
        draft.write_bytes(content)
        draft.rename(self.file)

    async def get(self, process: Child, path: str, port: str = "admin port") -> tuple[int, Any]:
        """GET a path of one of its ports."""
        response = await treq.get(f"http://127.0.0.1:{await process.port(port)}{path}", persistent=False)
        return response.code, json.loads(await response.content())

    async def config_version(self, process: Child) -> dict[str, Any]:
        """Ask the data port which config is served."""
        status, document = await self.get(process, "/debug/config-version", "data port")
        self.assertEqual(status, 200)
        return document

    def assert_no_traceback(self, process: Child) -> None:
        self.assertNotIn(b"Traceback", process.stderr + process.stdout)


class FileTests(DataPlaneTestCase):
    """Without a control plane the file decides."""

    async def test_the_file_is_served_and_so_is_each_change(self) -> None:
        process = self.launch()
        version = await self.config_version(process)
        self.assertEqual((version["version"], version["source"]), ("1", "file"))
        self.assertIsNone(version["control_plane"])
        self.replace(text("2", 9002))
        await process.until_logged('serving version "2"')
        self.assertEqual((await self.config_version(process))["version"], "2")

    async def test_whatever_happens_to_the_file_the_old_config_is_served_without_a_traceback(self) -> None:
        process = self.launch()
        await process.port("data port")
        hostile = [
            b"",
            b"[" * 100_000,
            text("2")[:-10],
            text("2").replace(b'"2"', b"NaN"),
            text("2").replace(b'"version"', b'"version": "3", "version"'),
            text("2", routingTable=None),
        ]
        for number, content in enumerate(hostile, 1):
            self.replace(content)
            await process.until_logged("is not taken", times=number)
        self.file.unlink()
        await process.until_logged("does not exist")
        self.file.mkdir()
        await process.until_logged("is a folder")
        self.file.rmdir()
        with self.file.open("wb") as file:
            file.truncate(100 * 1024 * 1024)
        await process.until_logged("too large")
        self.assertEqual((await self.config_version(process))["version"], "1")
        self.replace(text("2"))
        await process.until_logged('serving version "2"')
        self.assert_no_traceback(process)

    async def test_settings_come_from_the_environment_too(self) -> None:
        environment = {"PORT": ON_LOOPBACK, "ADMIN": "off", "CONFIG_PATH": str(self.file)}
        process = self.start_daemon("cellrouter-dp", environment=environment)
        self.assertEqual((await self.config_version(process))["version"], "1")
        self.assertNotIn(b"admin port", process.stderr)

    async def test_fields_without_effect_are_logged_once(self) -> None:
        placements = {"tier3": {"url": "http://127.0.0.1:9003", "concurrency_limit": 5}}
        self.file.write_bytes(
            text("1", cellEndpoints={"tier1": "http://127.0.0.1:9001"}, placements=placements)
        )
        process = self.launch()
        await process.until_logged("have no effect in this release: /placements/tier3/concurrency_limit")


class AdminTests(DataPlaneTestCase):
    """What an operator can ask."""

    async def test_the_admin_port_answers(self) -> None:
        process = self.launch()
        for path, status in (
            ("/livez", 200),
            ("/readyz", 200),
            ("/debug/config-version", 200),
            ("/debug/placements", 200),
            ("/debug/decisions", 200),
            ("/nothing", 404),
        ):
            self.assertEqual((await self.get(process, path))[0], status, path)
        _, config = await self.get(process, "/debug/config")
        self.assertEqual((config["config"], config["source"]), (json.loads(text("1")), "file"))

    async def test_a_route_is_explained_without_sending_anything(self) -> None:
        process = self.launch()
        _, exact = await self.get(process, "/debug/route?key=acme")
        self.assertEqual((exact["placement"], exact["match"]), ("tier1", "exact"))
        _, default = await self.get(process, "/debug/route?key=somebody")
        self.assertEqual((default["placement"], default["match"]), ("tier3", "default"))
        _, missing = await self.get(process, "/debug/route")
        self.assertEqual((missing["placement"], missing["match"]), ("tier3", "missing"))
        self.assertEqual((await self.get(process, "/debug/route?key=a&key=b"))[0], 400)

    async def test_what_the_data_port_answers_itself_can_be_chosen(self) -> None:
        process = self.launch("--debug-on-data-port", "all")
        self.assertEqual((await self.get(process, "/readyz", "data port"))[0], 200)
        self.assertEqual((await self.get(process, "/debug/config", "data port"))[0], 200)


class MistakeTests(DataPlaneTestCase):
    """Each is a clear line on stderr, and the process ends before it serves."""

    async def refused(self, process: Child) -> list[str]:
        self.assertEqual(await process.until_ended(), 1)
        self.assert_no_traceback(process)
        self.assertNotIn(b"data port listening", process.stderr)
        return process.stderr.decode().splitlines()

    async def test_a_bad_file_is_a_line_for_each_reason(self) -> None:
        self.file.write_bytes(text("1", defaultPlacement="nowhere", missingKeyPolicy="perhaps"))
        lines = await self.refused(self.launch())
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertRegex(line, rf"^cellrouter-dp: {self.file}: /\w+: \w+: .+")

    async def test_a_missing_file(self) -> None:
        self.file.unlink()
        (line,) = await self.refused(self.launch())
        self.assertEqual(line, f"cellrouter-dp: {self.file}: the file does not exist")

    async def test_a_bad_option(self) -> None:
        (line,) = await self.refused(self.launch("--dial-timeout", "x"))
        self.assertTrue(line.startswith('cellrouter-dp: --dial-timeout: "x" is not a duration'))

    async def test_an_endpoint_that_is_none(self) -> None:
        (line,) = await self.refused(self.launch("--admin", "tcp:x"))
        self.assertIn("cellrouter-dp: --admin: tcp:x is not a usable endpoint", line)

    async def test_a_port_that_is_taken(self) -> None:
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        for flag in ("--port", "--admin"):
            endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            lines = await self.refused(self.launch(flag, endpoint))
            (line,) = [line for line in lines if "error" in line]
            self.assertIn(f"cellrouter-dp: {flag}: cannot listen on {endpoint}: Address already in use", line)

    async def test_help_names_every_setting(self) -> None:
        process = self.start_daemon("cellrouter-dp", "--help")
        self.assertEqual(await process.until_ended(), 0)
        for name in (b"--drain-timeout=", b"[DRAIN_TIMEOUT", b"--trusted-proxies=", b"[CONTROL_PLANE_URL]"):
            self.assertIn(name, process.stdout)


class EndTests(DataPlaneTestCase):
    """SIGTERM drains."""

    def stalled_cell(self) -> int:
        """Listen where connections are taken and never answered; return the port."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        return int(server.getsockname()[1])

    async def request_in_flight(self, *options: str) -> Child:
        """Start a data plane, and a request that its cell never answers."""
        self.file.write_bytes(text("1", self.stalled_cell()))
        process = self.launch("--response-timeout", "1h", *options)
        client = socket.create_connection(("127.0.0.1", await process.port("data port")))
        self.addCleanup(client.close)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n")
        admin = await process.port("admin port")
        while True:
            report = json.loads(await until_answers(f"http://127.0.0.1:{admin}/debug/placements"))
            if '"in_flight": 1' in json.dumps(report):
                return process

    async def test_an_idle_data_plane_ends_with_status_0(self) -> None:
        process = self.launch()
        await process.port("data port")
        self.assertEqual(await process.stop(), 0)
        self.assert_no_traceback(process)

    async def test_ctrl_c_is_as_good(self) -> None:
        process = self.launch()
        await process.port("data port")
        self.assertEqual(await process.stop("INT"), 0)

    async def test_before_the_port_closes_readyz_says_so_for_the_delay(self) -> None:
        process = self.launch("--drain-delay", "1h")
        admin = await process.port("admin port")
        process.signal("TERM")
        await until_answers(f"http://127.0.0.1:{admin}/readyz", status=503)
        self.assertEqual((await self.config_version(process))["version"], "1")
        self.assertEqual((await self.get(process, "/livez"))[0], 200)

    async def test_a_second_signal_ends_at_once(self) -> None:
        process = await self.request_in_flight("--drain-timeout", "1h")
        process.signal("TERM")
        await process.until_logged("1 exchanges in flight")
        self.assertEqual(await process.stop(), 128 + 15)

    async def test_what_does_not_finish_in_time_is_aborted_and_logged(self) -> None:
        process = await self.request_in_flight("--drain-timeout", "200ms")
        self.assertEqual(await process.stop(), 0)
        self.assertIn(b"1 exchanges were aborted", process.stderr)
        (line,) = process.stdout.splitlines()
        self.assertEqual(json.loads(line)["routing_key"], "acme")
        self.assert_no_traceback(process)
