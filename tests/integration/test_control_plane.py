"""The control plane as its operator and its data planes meet it: a real process, real sockets."""

import json
import socket
from pathlib import Path
from typing import Any

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.integration.data_plane_client import Recording, RecordingClient, connect
from tests.support.processes import Child, ProcessTestCase, until


def config(version: str, port: int = 9001) -> bytes:
    """Return a valid config as JSON text."""
    document = {
        "version": version,
        "routingTable": {"acme": "tier1"},
        "cellEndpoints": {"tier1": f"http://127.0.0.1:{port}", "tier3": "http://127.0.0.1:9003"},
        "defaultPlacement": "tier3",
    }
    return json.dumps(document).encode()


class ControlPlaneTestCase(ProcessTestCase):
    """Control planes that poll ``routing.json`` ten times a second."""

    def setUp(self) -> None:
        super().setUp()
        self.file = self.folder / "routing.json"

    def launch(self, *options: str) -> Child:
        """Start a control plane, which may fail."""
        return self.start_control_plane("--config", str(self.file), "--poll-interval", "100ms", *options)

    async def serve(self, content: bytes | None = None) -> tuple[Child, int]:
        """Start a control plane with a file, and wait for its port."""
        if content is not None:
            self.file.write_bytes(content)
        process = self.launch()
        return process, await process.port("control plane")

    async def connect(
        self, port: int, headers: dict[str, str] | None = None
    ) -> tuple[RecordingClient, Recording]:
        """Connect as a data plane that leaves with the test."""
        client, recording = await connect(reactor, port, headers=headers)

        def drop() -> "Deferred[None]":
            client.transport.abortConnection()
            return recording.closed

        self.addCleanup(drop)
        return client, recording

    async def get(self, port: int, path: str) -> tuple[int, dict[str, Any]]:
        """GET a JSON document."""
        response = await treq.get(f"http://127.0.0.1:{port}{path}", persistent=False)
        return response.code, await response.json()

    def replace(self, content: bytes) -> None:
        """Change the file as careful editors do."""
        draft = self.folder / "draft"
        draft.write_bytes(content)
        draft.rename(self.file)


class ConnectTests(ControlPlaneTestCase):
    """What a data plane gets."""

    async def test_a_data_plane_gets_the_snapshot_at_once_and_then_each_change(self) -> None:
        _, port = await self.serve(config("1.0.0"))
        _, recording = await self.connect(port)
        first = await recording.snapshot(lambda snapshot: True)
        self.assertEqual((first["revision"], first["config"]), (1, json.loads(config("1.0.0"))))
        self.replace(config("1.0.1", 9002))
        second = await recording.snapshot(lambda snapshot: snapshot["revision"] == 2)
        self.assertEqual(second["config"], json.loads(config("1.0.1", 9002)))
        self.assertEqual(second["source_id"], first["source_id"])
        self.assertNotEqual(second["hash"], first["hash"])

    async def test_the_subprotocol_may_be_left_out(self) -> None:
        _, port = await self.serve(config("1.0.0"))
        client, recording = await connect(reactor, port, protocols=())
        await recording.snapshot(lambda snapshot: True)
        client.sendClose(1000)
        await recording.closed

    async def test_whoever_speaks_only_other_subprotocols_is_refused(self) -> None:
        _, port = await self.serve(config("1.0.0"))
        with self.assertRaisesRegex(ConnectionRefusedError, "400"):
            await connect(reactor, port, protocols=("cellrouter.v9",))

    async def test_browsers_are_refused(self) -> None:
        _, port = await self.serve(config("1.0.0"))
        with self.assertRaisesRegex(ConnectionRefusedError, "403"):
            await connect(reactor, port, headers={"Origin": "http://127.0.0.1"})

    async def test_a_data_plane_that_never_reads_delays_nobody(self) -> None:
        """The stalled one is a bare socket that asks for the upgrade and then reads nothing."""
        _, port = await self.serve(config("1.0.0"))
        stalled = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(stalled.close)
        stalled.sendall(
            b"GET /connect HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        _, recording = await self.connect(port)
        large = json.loads(config("1"))
        large["routingTable"] = {f"customer-{number}": "tier1" for number in range(100_000)}
        for version in ("2", "3", "4", "5"):
            large["version"] = version
            self.replace(json.dumps(large).encode())
            await recording.snapshot(lambda snapshot, wanted=version: snapshot["config"]["version"] == wanted)
        self.assertEqual((await self.get(port, "/fleet"))[1]["connected"], 2)

    async def test_garbage_from_one_data_plane_is_logged_once_and_reaches_nobody(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        hostile, _ = await self.connect(port)
        _, recording = await self.connect(port)
        for _ in range(20):
            hostile.sendMessage(b"garbage")
            hostile.sendMessage(b"\0\1\2", isBinary=True)
        await process.until_logged("refused a message")
        self.replace(config("1.0.1"))
        await recording.snapshot(lambda snapshot: snapshot["revision"] == 2)
        self.assertEqual(process.stderr.count(b"refused a message"), 1)
        self.assertNotIn(b"Traceback", process.stderr)


class HttpTests(ControlPlaneTestCase):
    """What an operator reads."""

    async def test_health_names_what_is_held_and_what_is_wrong_with_the_file(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        status, health = await self.get(port, "/health")
        self.assertEqual((status, health["status"], health["revision"]), (200, "ok", 1))
        self.replace(b'{"version": 3}')
        await process.until_logged("is not taken")
        status, health = await self.get(port, "/health")
        self.assertEqual((status, health["version"], health["file"]["state"]), (200, "1.0.0", "refused"))
        self.assertIn("/version", "".join(health["file"]["problems"]))

    async def test_config_is_the_active_one(self) -> None:
        _, port = await self.serve(config("1.0.0"))
        status, document = await self.get(port, "/config")
        self.assertEqual((status, document["config"]), (200, json.loads(config("1.0.0"))))

    async def test_fleet_shows_what_each_data_plane_said_and_keeps_those_that_left(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        client, recording = await self.connect(port)
        snapshot = await recording.snapshot(lambda snapshot: True)
        client.send({"type": "hello", "node_id": "dp-1", "software": "0.1.0"})
        client.send(
            {
                "type": "ack",
                "version": "1.0.0",
                "revision": snapshot["revision"],
                "hash": snapshot["hash"],
                "apply_ms": 1.5,
            }
        )
        await process.until_logged("dp-1")
        await process.until_logged("runs revision 1")
        _, fleet = await self.get(port, "/fleet")
        (node,) = fleet["data_planes"]
        self.assertEqual((node["node_id"], node["connected"]), ("dp-1", True))
        self.assertEqual((node["running"]["revision"], node["last_ack"]["hash"]), (1, snapshot["hash"]))
        client.sendClose(1000)
        await recording.closed
        await process.until_logged("disconnected")
        _, fleet = await self.get(port, "/fleet")
        self.assertEqual([node["connected"] for node in fleet["data_planes"]], [False])


class FileTests(ControlPlaneTestCase):
    """What becomes of the operator's mistakes."""

    async def test_whatever_happens_to_the_file_the_old_config_is_served_without_a_traceback(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        hostile = [
            b"",
            b"[" * 100_000,
            config("1.0.1")[:-10],
            config("1.0.1").replace(b'"1.0.1"', b"NaN"),
            config("1.0.1").replace(b'"version"', b'"version": "2", "version"'),
            config("1.0.1").replace(b'"tier3"}', b"null}"),
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
        _, recording = await self.connect(port)
        self.assertEqual((await recording.snapshot(lambda snapshot: True))["revision"], 1)
        self.replace(config("1.0.1"))
        await recording.snapshot(lambda snapshot: snapshot["revision"] == 2)
        self.assertNotIn(b"Traceback", process.stderr)

    async def test_a_link_that_is_swapped_two_folders_up_is_a_change(self) -> None:
        """As Kubernetes swaps a ConfigMap: routing.json -> ..data/routing.json, ..data -> ..TIME."""
        for name, version in (("..1", "1.0.0"), ("..2", "1.0.1")):
            (self.folder / name).mkdir()
            (self.folder / name / "routing.json").write_bytes(config(version))
        (self.folder / "..data").symlink_to("..1")
        self.file.symlink_to("..data/routing.json")
        _, port = await self.serve()
        _, recording = await self.connect(port)
        (self.folder / "..new").symlink_to("..2")
        (self.folder / "..new").rename(self.folder / "..data")
        second = await recording.snapshot(lambda snapshot: snapshot["revision"] == 2)
        self.assertEqual(second["config"]["version"], "1.0.1")

    async def test_a_changed_config_with_the_old_label_is_pointed_out(self) -> None:
        process, _ = await self.serve(config("1.0.0", 9001))
        self.replace(config("1.0.0", 9002))
        await process.until_logged('version "1.0.0" was changed but kept its label')


class LifeTests(ControlPlaneTestCase):
    """Starting and stopping."""

    async def test_a_first_start_with_a_bad_file_is_one_clear_line_per_reason(self) -> None:
        self.file.write_bytes(config("1.0.0").replace(b"http://127.0.0.1:9001", b"ftp://cell"))
        process = self.launch()
        self.assertEqual(await process.until_ended(), 1)
        (line,) = process.stderr.decode().splitlines()
        self.assertIn(f"{self.file}: /cellEndpoints/tier1: invalid_url: ", line)

    async def test_a_first_start_without_a_file_is_one_clear_line(self) -> None:
        process = self.launch()
        self.assertEqual(await process.until_ended(), 1)
        (line,) = process.stderr.decode().splitlines()
        self.assertIn(f"{self.file}: the file does not exist", line)

    async def test_a_port_that_is_taken_is_one_clear_line(self) -> None:
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.file.write_bytes(config("1.0.0"))
        process = self.launch("--port", f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1")
        self.assertEqual(await process.until_ended(), 1)
        lines = [line for line in process.stderr.decode().splitlines() if "cannot listen" in line]
        self.assertEqual(len(lines), 1)
        self.assertNotIn(b"Traceback", process.stderr)

    async def test_a_second_one_does_not_start_on_the_same_state_folder(self) -> None:
        first, _ = await self.serve(config("1.0.0"))
        second = self.launch()
        self.assertEqual(await second.until_ended(), 1)
        (line,) = second.stderr.decode().splitlines()
        self.assertIn("another process uses this folder: give each its own --state-dir", line)
        first.signal("KILL")
        await first.until_ended()
        await self.serve()

    async def test_sigterm_says_going_away_and_exits_0(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        _, recording = await self.connect(port)
        await recording.snapshot(lambda snapshot: True)
        process.signal("TERM")
        await recording.closed
        self.assertEqual(recording.close_code, 1001)
        self.assertEqual(await process.until_ended(), 0)
        self.assertNotIn(b"Traceback", process.stderr)

    async def test_a_restart_whose_file_is_gone_serves_the_last_good_config(self) -> None:
        process, port = await self.serve(config("1.0.0"))
        await process.stop("KILL")
        self.file.unlink()
        process, port = await self.serve()
        _, recording = await self.connect(port)
        snapshot = await recording.snapshot(lambda snapshot: True)
        self.assertEqual((snapshot["revision"], snapshot["config"]), (1, json.loads(config("1.0.0"))))

    async def test_sigterm_while_a_large_config_is_checked_ends_it_at_once_without_a_complaint(self) -> None:
        process, _ = await self.serve(config("1.0.0"))
        large = json.loads(config("2"))
        large["routingTable"] = {f"customer-{number}": "tier1" for number in range(200_000)}
        self.replace(json.dumps(large).encode())
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        await until(lambda: children.read_text() != "" or b"revision 2" in process.stderr)
        self.assertEqual(await process.stop(), 0)
        self.assertNotIn(b"cannot be checked", process.stderr)
        self.assertNotIn(b"Traceback", process.stderr)
