"""Connections between the planes that go dead, crawl or are flooded: nobody else notices."""

import contextlib  # "suppress" in a module means something else to trial
import os
import struct
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import LoopingCall

from tests.chaos.cases import ChaosTestCase
from tests.chaos.relay import Relay
from tests.support.connections import Connection
from tests.support.control_plane import ScriptedControlPlane, snapshot_message
from tests.support.documents import document
from tests.support.processes import Child

UPGRADE = (
    b"GET /connect HTTP/1.1\r\nHost: cp\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT = 0x81
NO_FRAME = b"\xff"
"""Bits that RFC 6455 section 5.2 reserves."""

LARGE_ROUTES = {f"{number:0>250}": "tier1" for number in range(40_000)}
"""10 MB of config: more than the buffers of a connection take."""

BOUND_S = 60.0
MIB = 1024 * 1024
GARBAGE_FRAMES = 10_000
HUGE_BYTES = 100 * MIB
MOST_GROWTH_BYTES = 50 * MIB


def frame(payload: bytes) -> bytes:
    """Make a data plane's text frame, masked with zeros."""
    length = len(payload)
    head = (
        struct.pack("!BB", TEXT, 0x80 | length) if length < 126 else struct.pack("!BBQ", TEXT, 0xFF, length)
    )
    return head + b"\0\0\0\0" + payload


def peak_bytes(process: Child) -> int:
    """Tell how much memory a process has had at most."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


class HalfOpenTests(ChaosTestCase):
    """The network between both is cut, and neither is told."""

    async def test_both_sides_find_out_and_the_change_made_meanwhile_arrives(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0])
        await self.fleet.start_control_plane()
        relay = Relay(self, reactor, await self.fleet.control_plane.port("control plane"))
        await self.fleet.start_data_plane("--control-plane-url", f"ws://127.0.0.1:{relay.entrance}")
        await self.fleet.until_served("1")
        load = await self.load()
        relay.cut()
        self.fleet.change("2", self.fleet.cells[1])
        await self.fleet.data_plane.until_logged(
            "lost: no pong for 20 s; the active config stays", timeout_s=60
        )
        await self.fleet.control_plane.until_logged("dropped: no pong for 20 s", timeout_s=60)
        await self.fleet.until_served("2")
        await load.stop()
        self.assertEqual(load.failed, 0, load.answers)
        self.assert_no_traceback()


class CrawlingTests(ChaosTestCase):
    """A data plane that reads one byte a second."""

    async def test_it_is_dropped_and_no_other_waits_for_it(self) -> None:
        await self.fleet.start_cells()
        self.fleet.change("1", self.fleet.cells[0], routingTable=LARGE_ROUTES)
        await self.fleet.start_control_plane()
        crawling = await self._connect()
        crawling.transport.pauseProducing()
        reading = LoopingCall(self._read_one_byte, crawling)
        reading.start(1.0)
        self.addCleanup(reading.stop)
        await self.fleet.start_data_plane()
        await self.fleet.until_served("1")
        load = await self.load()
        for version in ("2", "3"):
            self.fleet.change(version, self.fleet.cells[1], routingTable=LARGE_ROUTES)
            await self.fleet.until_served(version)
        await self.fleet.control_plane.until_logged(
            "dropped: it has not taken what it was sent in 30 s", timeout_s=BOUND_S
        )
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        self.assert_no_traceback()

    async def _connect(self) -> Connection:
        endpoint = TCP4ClientEndpoint(
            reactor, "127.0.0.1", await self.fleet.control_plane.port("control plane")
        )
        connection = await connectProtocol(endpoint, Connection())
        self.addCleanup(connection.transport.abortConnection)
        connection.transport.write(UPGRADE)
        await self.fleet.control_plane.until_logged("data plane connected")
        return connection

    def _read_one_byte(self, connection: Connection) -> None:
        # The transport would read as much as there is.
        if connection.transport.connected:
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                os.read(connection.transport.fileno(), 1)


class FloodTests(ChaosTestCase):
    """Data planes that send garbage, and one message that is far too large."""

    async def flood(self, *pieces: bytes) -> Connection:
        """Connect as a data plane and send bytes, as far as the control plane takes them."""
        endpoint = TCP4ClientEndpoint(
            reactor, "127.0.0.1", await self.fleet.control_plane.port("control plane")
        )
        connection = await connectProtocol(endpoint, Connection())
        self.addCleanup(connection.transport.abortConnection)
        connection.transport.write(UPGRADE)
        await connection.until(lambda: b"config_snapshot" in connection.received)
        for piece in pieces:
            connection.transport.write(piece)
        await connection.until(lambda: connection.end is not None)
        return connection

    async def test_ten_thousand_garbage_frames_and_100_mb_reach_nobody_else(self) -> None:
        await self.fleet.start()
        load = await self.load()
        control_plane = self.fleet.control_plane
        before = peak_bytes(control_plane)
        await self.flood(frame(b"garbage") * GARBAGE_FRAMES)
        await self.flood(NO_FRAME + os.urandom(50 * GARBAGE_FRAMES))
        await self.flood(frame(b"[" * HUGE_BYTES))
        self.assertLess(peak_bytes(control_plane) - before, MOST_GROWTH_BYTES)
        self.fleet.change("2", self.fleet.cells[1])
        await self.fleet.until_served("2")
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        self.assertLess(len(control_plane.stderr.splitlines()), 50)
        self.assertNotIn(b"Traceback", control_plane.stderr)
        self.assertEqual(self.fleet.data_plane.stderr.count(b"connected to ws://"), 1)


class HostileControlPlaneTests(ChaosTestCase):
    """A control plane that sends a data plane garbage, or 100 MB."""

    async def test_ten_thousand_garbage_messages_are_a_few_lines_and_no_request_notices(self) -> None:
        control_plane = ScriptedControlPlane(self, reactor)
        await self.fleet.start_cells()
        cell = self.fleet.cells[0]
        await self.fleet.start_data_plane("--control-plane-url", control_plane.url)
        await control_plane.received("hello")
        control_plane.send(snapshot_message(document("1", cellEndpoints={"tier1": cell, "tier3": cell})))
        await control_plane.received("ack")
        load = await self.load()
        for _ in range(GARBAGE_FRAMES):
            control_plane.send_bytes(b"garbage")
        control_plane.send(snapshot_message(document("2", cellEndpoints={"tier1": cell, "tier3": cell}), 2))
        await control_plane.received("ack", 2)
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        self.assertLess(len(self.fleet.data_plane.stderr.splitlines()), 50)
        self.assert_no_traceback()

    async def test_100_mb_are_refused_without_being_kept_and_the_next_snapshot_is_applied(self) -> None:
        control_plane = ScriptedControlPlane(self, reactor)
        await self.fleet.start_cells()
        await self.fleet.start_data_plane("--control-plane-url", control_plane.url)
        await control_plane.received("hello")
        control_plane.send(snapshot_message(document("1"), 1))
        await control_plane.received("ack")
        before = peak_bytes(self.fleet.data_plane)
        control_plane.send_bytes(b"[" * HUGE_BYTES)
        nack = await control_plane.received("nack")
        self.assertEqual(nack["errors"][0]["code"], "too_large")
        self.assertLess(peak_bytes(self.fleet.data_plane) - before, MOST_GROWTH_BYTES)
        control_plane.send(snapshot_message(document("2"), 2))
        await control_plane.received("ack", 2)
        self.assertEqual((await self.fleet.served())["version"], "2")
        self.assert_no_traceback()
