"""Data planes that only talk to their control plane: thousands in one process, as cheap as can be.

``python -m benchmarks.data_planes PORT COUNT`` keeps COUNT connections. Each says hello, acks each snapshot
at once, answers pings, and every 10 seconds pings and tells its status, as a data plane does. One that is
lost comes back when a data plane would. Of a snapshot only the beginning is looked at.

Each time that all run the same revision it writes a line of JSON: an :class:`~benchmarks.fleet.Settled`. On
SIGUSR1 the first of them stops to read, for good.
"""

import asyncio
import base64
import contextlib
import json
import random
import re
import signal
import sys
import time
from collections import Counter
from enum import Enum
from typing import cast

from cellrouter.dataplane.client import SOFTWARE, Backoff
from cellrouter.observe.traffic import Traffic

try:
    import uvloop
except ImportError:
    uvloop = None

HOST = "127.0.0.1"
INTERVAL_S = 10.0
FIRST_CONNECTS_PER_S = 500
READ_BYTES = 256 * 1024
KEPT_BYTES = 512
LABELS = re.compile(rb'"revision":(\d+),.*?"hash":"([^"]+)"')
CONTINUED_LENGTHS = {126: 2, 127: 8}

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
"""What a frame is, RFC 6455 section 11.8."""

PLACEMENT = {"healthy": True, "circuit": "closed", "in_flight": 3}
STATUS = {
    "type": "status",
    "placements": {f"tier{number}": PLACEMENT for number in (1, 2, 3)},
    "requests": Traffic().report(),
}


def frame(opcode: int, payload: bytes) -> bytes:
    """Put a client's frame around a payload, masked with zeros: it is as valid, and costs nothing."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    else:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def message(content: dict[str, object]) -> bytes:
    """Make the frame of a message."""
    return frame(TEXT, json.dumps(content, separators=(",", ":")).encode())


STATUS_FRAME = message(STATUS)
PING_FRAME = frame(PING, b"are you there")


class Stage(Enum):
    """What is read next."""

    HANDSHAKE = "handshake"
    HEADER = "header"
    PAYLOAD = "payload"


class Frames:
    """Takes a server's bytes apart, and keeps the beginning of each payload only."""

    def __init__(self) -> None:
        self.stage = Stage.HANDSHAKE
        self._kept = bytearray()
        self._opcode = 0
        self._left = 0

    def feed(self, data: memoryview) -> list[tuple[int, bytes]]:
        """Take bytes; return the frames that they complete: opcode and how the payload begins.

        :raises ConnectionError: when the handshake is refused.
        """
        found = []
        while data:
            if self.stage is Stage.HANDSHAKE:
                data = self._handshake(data)
            elif self.stage is Stage.HEADER:
                data = self._header(data)
            else:
                taken = min(len(data), self._left)
                self._left -= taken
                self._kept += data[: min(taken, KEPT_BYTES - len(self._kept))]
                data = data[taken:]
            if self.stage is Stage.PAYLOAD and not self._left:
                found.append((self._opcode, bytes(self._kept)))
                self._begin()
        return found

    def _begin(self) -> None:
        self._kept.clear()
        self.stage = Stage.HEADER

    def _handshake(self, data: memoryview) -> memoryview:
        self._kept += data
        end = self._kept.find(b"\r\n\r\n")
        if end < 0:
            return data[:0]
        if not self._kept.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(self._kept.split(b"\r\n")[0].decode("ascii", "replace"))
        rest = len(self._kept) - end - 4
        self._begin()
        return data[len(data) - rest :]

    def _header(self, data: memoryview) -> memoryview:
        taken = self._header_bytes() - len(self._kept)
        self._kept += data[:taken]
        if len(self._kept) > 1 and len(self._kept) == self._header_bytes():
            self._opcode = self._kept[0] & 0x0F
            self._left = int.from_bytes(self._kept[2:] or self._kept[1:], "big")
            self._kept.clear()
            self.stage = Stage.PAYLOAD
        return data[taken:]

    def _header_bytes(self) -> int:
        return 2 + CONTINUED_LENGTHS.get(self._kept[1], 0) if len(self._kept) > 1 else 2


class DataPlane(asyncio.BufferedProtocol):
    """One data plane, through all its connections.

    :param crowd: all of them.
    :param number: which it is.
    """

    def __init__(self, crowd: "Crowd", number: int) -> None:
        self.stalled = False
        self.running: dict[str, object] | None = None
        self.acked: tuple[int, float] | None = None
        self.opened_s = 0.0
        self._crowd = crowd
        self._number = number
        self._backoff = Backoff()
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """Try once; another try follows when it fails."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._crowd.port)
        except OSError:
            self._again()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        self._frames = Frames()
        key = base64.b64encode(random.randbytes(16)).decode()
        self._transport.write(
            f"GET /connect HTTP/1.1\r\nHost: {HOST}:{self._crowd.port}\r\nUser-Agent: {SOFTWARE}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: cellrouter.v1\r\n\r\n".encode()
        )

    def get_buffer(self, sizehint: int) -> memoryview:
        """Read everybody's bytes into the same memory."""
        return self._crowd.memory

    def buffer_updated(self, nbytes: int) -> None:
        """Take what has been read."""
        before = self._frames.stage
        try:
            frames = self._frames.feed(self._crowd.memory[:nbytes])
        except ConnectionError as error:
            self._crowd.complain(str(error))
            self._send_nothing_more()
            return
        if before is Stage.HANDSHAKE is not self._frames.stage:
            self._open()
        for opcode, payload in frames:
            self._take(opcode, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back later."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._crowd.lost(self)
        self._again()

    def stall(self) -> None:
        """Read nothing any more."""
        self.stalled = True
        if self._transport is not None:
            self._transport.pause_reading()

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._backoff(0), lambda: self._crowd.start(self))

    def _open(self) -> None:
        self.opened_s = time.monotonic()
        name = f"data-plane-{self._number:05}"
        hello = {"type": "hello", "node_id": name, "software": SOFTWARE, "running": self.running}
        self._write(message(hello))
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._tick)
        if self.stalled and self._transport is not None:
            self._transport.pause_reading()

    def _tick(self) -> None:
        self._write(PING_FRAME + STATUS_FRAME)
        self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._tick)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._write(frame(PONG, payload))
        elif opcode == CLOSE:
            self._write(frame(CLOSE, payload[:2]))
            self._send_nothing_more()
        elif opcode == TEXT and not self.stalled and (labels := LABELS.search(payload)) is not None:
            self._backoff.reset()
            revision = int(labels[1])
            # What a control plane makes of the version is to show it.
            config = {"version": f"revision-{revision}", "revision": revision, "hash": labels[2].decode()}
            self.running = {**config, "source": "control_plane"}
            self._write(message({"type": "ack", **config, "apply_ms": 1.0}))
            self._crowd.took(self, revision)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _send_nothing_more(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Crowd:
    """All data planes, and what they run.

    :param port: the control plane's.
    :param count: how many.
    """

    def __init__(self, port: int, count: int) -> None:
        self.port = port
        self.memory = memoryview(bytearray(READ_BYTES))
        self._all = self._expected = [DataPlane(self, number) for number in range(count)]
        self._runs: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints: set[str] = set()

    async def run(self) -> None:
        """Connect all, and keep them connected until the process is ended."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, ended.set)
        loop.add_signal_handler(signal.SIGUSR1, self.stall)
        for number, each in enumerate(self._all):
            loop.call_later(number / FIRST_CONNECTS_PER_S, self.start, each)
        await ended.wait()

    def start(self, each: DataPlane) -> None:
        """Let one try to connect."""
        task = asyncio.get_running_loop().create_task(each.connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stall(self) -> None:
        """Let the first read nothing any more."""
        self._forget(self._all[0])
        self._all[0].stall()
        self._expected = [each for each in self._all if not each.stalled]

    def took(self, each: DataPlane, revision: int) -> None:
        """Take note that one has acked a revision, and tell when it was the last."""
        self._forget(each)
        each.acked = (revision, time.monotonic())
        self._runs[revision] += 1
        if self._runs[revision] == len(self._expected):
            document = {
                "revision": revision,
                "cpu_s": time.process_time(),
                "opened_s": [each.opened_s for each in self._expected],
                "acked_s": [each.acked[1] for each in self._expected if each.acked is not None],
            }
            print(json.dumps(document), flush=True)

    def lost(self, each: DataPlane) -> None:
        """Take note that one has no connection any more."""
        self._forget(each)

    def complain(self, text: str) -> None:
        """Say once what went wrong."""
        if text not in self._complaints:
            self._complaints.add(text)
            print(text, file=sys.stderr, flush=True)

    def _forget(self, each: DataPlane) -> None:
        if each.acked is not None:
            self._runs[each.acked[0]] -= 1
            each.acked = None


def main() -> None:
    """Read the command line, and be data planes."""
    port, count = map(int, sys.argv[1:])
    factory = asyncio.new_event_loop if uvloop is None else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(Crowd(port, count).run())


if __name__ == "__main__":
    main()
