"""A load at a constant rate: ``python -m benchmarks.pacer PORT REQUESTS_PER_S SECONDS CONNECTIONS``.

An open loop: when a request is due depends on the clock alone. One that had to wait for a connection, because
the proxy still had all of them busy, counts from when it was due: nothing that the proxy does makes the load
wait for it unseen (no "coordinated omission"). One that could have been sent when it was due counts from when
it was: that this program got its turn late is not the proxy's doing, and it would make proxies look alike.

Plain sockets rather than an event loop: timers of
those are a millisecond coarse, which would send a dozen requests at a time, and cost more.
"""

import gc
import json
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import KEY, answer

REQUEST = f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Routing-Key: {KEY}\r\n\r\n".encode()
OK = b"HTTP/1.1 200 "
END = answer("tier1").encode()
PATIENCE_S = 10.0
HEAD_START_S = 0.01
READ_BYTES = 64 * 1024


class Broken(Exception):
    """The load came to an end before its time; the message says why."""


class Pacer:
    """Sends requests when they are due and takes down when they were sent and answered.

    :ivar begin_s: when the first request was due, by the monotonic clock.
    :ivar sent_s: when each request was sent, by the same clock.
    :ivar from_s: when the latency of each begins.
    :ivar done_s: when each was answered.

    :param port: the proxy's, on loopback.
    :param per_s: requests in a second.
    :param total: how many requests.
    :param connections: kept connections.
    """

    def __init__(self, port: int, per_s: float, total: int, connections: int) -> None:
        self._per_s = per_s
        self._total = total
        self._sent = self._done = 0
        self.begin_s = 0.0
        self.sent_s, self.from_s, self.done_s = (array("d", bytes(8 * total)) for _ in range(3))
        self._ready = select.epoll()
        self._connections: list[socket.socket] = []
        self._under_way: dict[int, tuple[socket.socket, int, bytearray]] = {}
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            self._ready.register(connection, select.EPOLLIN)
            self._connections.append(connection)
        self._idle = deque((connection, self.begin_s) for connection in self._connections)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()
        self._ready.close()

    def run(self) -> None:
        """Send them all and wait for the last answer.

        :raises Broken: when a request is answered wrongly, or none for a long time.
        """
        self.begin_s = heard_s = time.monotonic() + HEAD_START_S
        while self._done < self._total:
            self._send_due()
            # The descriptor of epoll is itself one to wait for, and select() can wait for less than 1 ms.
            select.select([self._ready], [], [], self._wait_s())
            for descriptor, _ in self._ready.poll(0):
                heard_s = time.monotonic()
                self._receive(descriptor, heard_s)
            if time.monotonic() - heard_s > PATIENCE_S:
                raise Broken(f"nothing was answered for {PATIENCE_S:.0f} s")

    def _due_s(self, number: int) -> float:
        return self.begin_s + number / self._per_s

    def _wait_s(self) -> float:
        if not self._idle or self._sent == self._total:
            return PATIENCE_S
        return max(0.0, self._due_s(self._sent) - time.monotonic())

    def _send_due(self) -> None:
        while self._idle and self._sent < self._total:
            now = time.monotonic()
            due_s = self._due_s(self._sent)
            if due_s > now:
                return
            connection, idle_since_s = self._idle.popleft()
            self.sent_s[self._sent] = now
            self.from_s[self._sent] = now if idle_since_s <= due_s else due_s
            self._under_way[connection.fileno()] = (connection, self._sent, bytearray())
            self._sent += 1
            connection.send(REQUEST)

    def _receive(self, descriptor: int, now: float) -> None:
        if descriptor not in self._under_way:
            raise Broken("a connection was closed, or said something unasked")
        connection, number, received = self._under_way[descriptor]
        data = connection.recv(READ_BYTES)
        received += data
        if not data or not received.startswith(OK):
            raise Broken(f"an answer began with {bytes(received[:30])!r}")
        if received.endswith(END):
            self.done_s[number] = now
            self._done += 1
            del self._under_way[descriptor]
            self._idle.append((connection, now))

    def document(self) -> dict[str, Any]:
        """Write what was taken down: how late each request was sent, and its latency."""
        due_s = [self._due_s(number) for number in range(self._total)]
        return {
            "begin_s": self.begin_s,
            "per_s": self._per_s,
            "late_us": _us(self.sent_s, due_s),
            "latency_us": _us(self.done_s, self.from_s),
        }


def _us(later_s: Sequence[float], earlier_s: Sequence[float]) -> list[int]:
    return [round((later - earlier) * 1e6) for later, earlier in zip(later_s, earlier_s, strict=True)]


def main(port: int, per_s: int, seconds: int, connections: int) -> None:
    """Load a proxy, and print what came of it as JSON."""
    # By default the kernel rounds waits to 50 us, which is as long as a request takes.
    Path("/proc/self/timerslack_ns").write_text("1")
    pacer = Pacer(port, per_s, per_s * seconds, connections)
    gc.disable()
    pacer.run()
    json.dump(pacer.document(), sys.stdout)


if __name__ == "__main__":
    try:
        main(*map(int, sys.argv[1:]))
    except (Broken, OSError) as error:
        sys.exit(str(error))
