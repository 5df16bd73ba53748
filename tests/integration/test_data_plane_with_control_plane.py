"""The data plane with a control plane that comes, goes and misbehaves."""

import json
from typing import Any

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate

from tests.integration.test_data_plane import DataPlaneTestCase
from tests.support.certificates import self_signed
from tests.support.control_plane import ScriptedControlPlane, snapshot_message
from tests.support.documents import document, text
from tests.support.processes import Child

KILLS = 10


class ControlledTestCase(DataPlaneTestCase):
    """A data plane with a scripted control plane and a bootstrap file."""

    def setUp(self) -> None:
        super().setUp()
        self.file.write_bytes(text("0.0.1"))
        self.control_plane = ScriptedControlPlane(self, reactor)
        self.state = self.folder / "dp"

    def launch(self, *options: str, environment: dict[str, str] | None = None) -> Child:
        return super().launch(
            "--control-plane-url", self.control_plane.url, *options, environment=environment
        )

    async def apply(self, version: str, revision: int, times: int) -> dict[str, Any]:
        """Send a snapshot and return the ack, which is so many in all."""
        self.control_plane.send(snapshot_message(document(version), revision))
        return await self.control_plane.received("ack", times)


class SnapshotTests(ControlledTestCase):
    """Snapshots come, are applied and answered."""

    async def test_hello_then_a_snapshot_then_an_ack(self) -> None:
        self.control_plane.greeting = snapshot_message(document("1"), 42)
        process = self.launch("--node-id", "dp-1")
        ack = await self.control_plane.received("ack")
        hello = self.control_plane.messages[0]
        self.assertEqual((hello["type"], hello["node_id"]), ("hello", "dp-1"))
        self.assertEqual((hello["running"]["version"], hello["running"]["source"]), ("0.0.1", "bootstrap"))
        self.assertEqual(
            (ack["version"], ack["revision"], ack["hash"]), ("1", 42, self.control_plane.greeting["hash"])
        )
        version = await self.config_version(process)
        self.assertEqual(
            (version["version"], version["revision"], version["source"]), ("1", 42, "control_plane")
        )
        self.assertTrue(version["control_plane"]["connected"])

    async def test_the_node_id_is_host_and_port_unless_it_is_given(self) -> None:
        process = self.launch()
        hello = await self.control_plane.received("hello")
        self.assertTrue(hello["node_id"].endswith(f":{await process.port('data port')}"))

    async def test_an_ack_means_that_a_restart_serves_it(self) -> None:
        self.launch()
        await self.control_plane.received("hello")
        ack = await self.apply("1", 1, 1)
        saved = json.loads((self.state / "last-known-good.json").read_bytes())
        self.assertEqual((saved["hash"], saved["revision"]), (ack["hash"], 1))

    async def test_a_misbehaving_control_plane_is_answered_and_changes_nothing(self) -> None:
        process = self.launch("--max-config-bytes", "100000")
        await self.control_plane.received("hello")
        await self.apply("1", 5, 1)
        for number, payload in enumerate((b"garbage", b"[" * 50_000, b"\xff", b"x" * 300_000, b"[]"), 1):
            self.control_plane.send_bytes(payload)
            await self.control_plane.received("nack", number)
        self.control_plane.send_bytes(b"\0\1", binary=True)
        await self.control_plane.received("nack", 6)
        self.control_plane.send({"type": "fortune_cookie"})
        self.control_plane.send(snapshot_message(document("0.9"), 4))
        nack = await self.control_plane.received("nack", 7)
        self.assertEqual(nack["errors"][0]["code"], "stale_revision")
        self.assertEqual((await self.config_version(process))["version"], "1")
        await self.apply("2", 6, 2)
        self.assert_no_traceback(process)

    async def test_a_third_party_s_bare_snapshots_are_applied_whenever_they_differ(self) -> None:
        process = self.launch()
        await self.control_plane.received("hello")
        for number, version in enumerate(("1", "2", "1"), 1):
            self.control_plane.send({"type": "config_snapshot", "config": document(version)})
            ack = await self.control_plane.received("ack", number)
            self.assertEqual((ack["version"], ack["revision"]), (version, None))
        self.assertEqual((await self.config_version(process))["version"], "1")

    async def test_a_newer_control_plane_is_understood_as_far_as_it_can_be(self) -> None:
        process = self.launch()
        await self.control_plane.received("hello")
        for _ in range(3):
            self.control_plane.send({"type": "weather", "sunny": True})
        self.control_plane.send({**snapshot_message(document("1"), 1), "signature": "abc", "not_before": 3})
        await self.control_plane.received("ack")
        self.assertEqual(process.stderr.count(b'messages of unknown type "weather" are ignored'), 1)
        self.assertEqual(process.stderr.count(b'unknown fields are ignored: "/signature", "/not_before"'), 1)

    async def test_a_status_follows_each_change_with_what_was_done_so_far(self) -> None:
        self.launch()
        await self.control_plane.received("hello")
        await self.apply("1", 1, 1)
        status = await self.control_plane.received("status")
        self.assertEqual(set(status["placements"]), {"tier1", "tier3"})
        self.assertEqual(
            set(status["requests"]),
            {
                *("since", "in_flight", "total", "server_errors", "latency", "latency_ms"),
                *("exact", "default", "missing", "unrouted"),
            },
        )

    async def test_a_state_folder_that_cannot_be_written_is_an_error_line_and_nothing_more(self) -> None:
        self.state.touch()
        process = self.launch()
        await self.control_plane.received("hello")
        await self.apply("1", 1, 1)
        self.assertEqual((await self.config_version(process))["version"], "1")
        await process.until_logged("error .*last-known-good.json: the last-known-good config cannot be saved")
        self.assert_no_traceback(process)


class OutageTests(ControlledTestCase):
    """The control plane is gone."""

    async def test_each_start_after_kill_9_serves_the_last_acked_config(self) -> None:
        process = self.launch()
        await self.control_plane.received("hello")
        ack = await self.apply("1", 1, 1)
        await self.control_plane.stop()
        for _ in range(KILLS):
            await process.stop("KILL")
            process = self.launch()
            version = await self.config_version(process)
            self.assertEqual((version["hash"], version["source"]), (ack["hash"], "last_known_good"))

    async def test_killed_while_configs_change_it_never_serves_less_than_it_acked(self) -> None:
        revision = acks = 0
        for _ in range(KILLS):
            process = self.launch()
            await self.control_plane.received("hello", revision // 3 + 1)
            for _ in range(3):
                revision += 1
                self.control_plane.send(snapshot_message(document(str(revision)), revision))
                if revision % 3:
                    acks += 1
                    await self.control_plane.received("ack", acks)
            await process.stop("KILL")
            acks = len([message for message in self.control_plane.messages if message["type"] == "ack"])
            acked = [each["revision"] for each in self.control_plane.messages if each["type"] == "ack"][-1]
            saved = json.loads((self.state / "last-known-good.json").read_bytes())
            self.assertGreaterEqual(saved["revision"], acked)

    async def test_a_control_plane_that_comes_back_is_found_and_an_equal_config_is_acked(self) -> None:
        process = self.launch()
        await self.control_plane.received("hello")
        await self.apply("1", 1, 1)
        await self.control_plane.stop()
        await process.until_logged("lost: .*the active config stays")
        again = ScriptedControlPlane(self, reactor, self.control_plane.port)
        again.greeting = snapshot_message(document("1"), 1)
        hello = await again.received("hello")
        self.assertEqual((hello["running"]["revision"], hello["running"]["source"]), (1, "control_plane"))
        await again.received("ack")
        self.assertEqual(process.stderr.count(b'serving version "1"'), 1)

    async def test_a_corrupt_file_is_set_aside_and_the_previous_one_served(self) -> None:
        process = self.launch()
        await self.control_plane.received("hello")
        await self.apply("1", 1, 1)
        await self.apply("2", 2, 2)
        await process.stop("KILL")
        await self.control_plane.stop()
        (self.state / "last-known-good.json").write_bytes(b"\0" * 100)
        process = self.launch()
        self.assertEqual((await self.config_version(process))["version"], "1")
        self.assertEqual(len(list(self.state.glob("*.corrupt-*"))), 1)

    async def test_the_first_start_without_a_control_plane_serves_the_bootstrap_file(self) -> None:
        await self.control_plane.stop()
        process = self.launch()
        version = await self.config_version(process)
        self.assertEqual((version["version"], version["source"]), ("0.0.1", "bootstrap"))
        await process.until_logged("cannot connect to ws://")

    async def test_without_anything_to_serve_it_ends_with_a_clear_line(self) -> None:
        self.file.unlink()
        process = self.launch()
        self.assertEqual(await process.until_ended(), 1)
        (line,) = process.stderr.decode().splitlines()
        self.assertIn(
            f"cellrouter-dp: {self.file}: the file does not exist; there is no last-known-good", line
        )

    async def test_the_next_control_plane_of_several_is_tried(self) -> None:
        await self.control_plane.stop()
        second = ScriptedControlPlane(self, reactor)
        self.start_data_plane(
            "--config", str(self.file), "--control-plane-url", f"{self.control_plane.url},{second.url}"
        )
        await second.received("hello")


class TlsTests(ControlledTestCase):
    """A control plane behind ``wss``."""

    def setUp(self) -> None:
        super().setUp()
        key, certificate = self_signed("127.0.0.1")
        self.certificate = self.folder / "certificate.pem"
        self.certificate.write_bytes(certificate)
        tls = PrivateCertificate.loadPEM(key + certificate).options()
        self.control_plane = ScriptedControlPlane(self, reactor, tls=tls)

    async def test_one_with_a_trusted_certificate_is_believed(self) -> None:
        process = self.launch(environment={"SSL_CERT_FILE": str(self.certificate)})
        await self.control_plane.received("hello")
        await self.apply("1", 1, 1)
        self.assert_no_traceback(process)

    async def test_one_with_any_other_certificate_is_not(self) -> None:
        process = self.launch()
        await process.until_logged("cannot connect to wss://.*is not signed by an authority that is trusted")
        self.assertEqual(self.control_plane.messages, [])
        self.assert_no_traceback(process)


class RealControlPlaneTests(DataPlaneTestCase):
    """Both daemons as they are shipped."""

    async def test_a_change_of_the_control_planes_file_reaches_the_data_plane(self) -> None:
        bootstrap = self.folder / "initial.json"
        bootstrap.write_bytes(text("0.0.1"))
        control_plane = self.start_control_plane("--config", str(self.file), "--poll-interval", "100ms")
        url = f"ws://127.0.0.1:{await control_plane.port('control plane')}"
        data_plane = self.start_data_plane("--config", str(bootstrap), "--control-plane-url", url)
        await data_plane.until_logged('serving version "1", revision 1, from control_plane')
        self.replace(text("2", 9002))
        await data_plane.until_logged('serving version "2", revision 2, from control_plane')
        await control_plane.until_logged("runs revision 2")
        self.replace(b"{")
        await control_plane.until_logged("is not taken")
        await control_plane.stop("KILL")
        self.assertEqual((await self.config_version(data_plane))["version"], "2")
