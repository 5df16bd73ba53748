"""The benchmarks' load at a constant rate, against a cell that stalls once."""

import socket
import threading
import time

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.cells import answer
from benchmarks.pacer import Broken, Pacer

PER_S, TOTAL = 1000, 100
STALL_S = 0.03
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 147\r\n\r\n"


class Cell(threading.Thread):
    """Answers the requests of one connection in turn, the first one late.

    :param pieces: what an answer is sent as.
    """

    def __init__(self, *pieces: bytes) -> None:
        super().__init__(daemon=True)
        self._pieces = pieces
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def run(self) -> None:
        """Answer until the client has gone."""
        connection, _ = self._listening.accept()
        with self._listening, connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stall_s = STALL_S
            while connection.recv(65536):
                # This cell is a thread of its own, and its stall is what the pacer is to take down.
                time.sleep(stall_s)
                stall_s = 0
                for piece in self._pieces:
                    connection.sendall(piece)


class PacerTests(SynchronousTestCase):
    """What it takes down."""

    def paced(self, *pieces: bytes, total: int = TOTAL) -> Pacer:
        cell = Cell(*pieces)
        cell.start()
        self.addCleanup(cell.join, 10)
        pacer = Pacer(cell.port, PER_S, total, connections=1)
        self.addCleanup(pacer.close)
        return pacer

    def test_the_latency_of_a_request_that_had_to_wait_counts_from_when_it_was_due(self) -> None:
        pacer = self.paced(HEAD, answer("tier1").encode())
        pacer.run()
        found = pacer.document()
        late_us, latency_us = found["late_us"], found["latency_us"]
        self.assertEqual((len(late_us), len(latency_us)), (TOTAL, TOTAL))
        self.assertGreaterEqual(latency_us[0], STALL_S * 1e6)
        for number in range(1, TOTAL):
            # The one connection was not free before the first answer; since then this much time has passed.
            self.assertGreaterEqual(latency_us[number], latency_us[0] - number * 1e6 / PER_S - 1)

    def test_how_late_it_was_sent_itself_is_taken_down_too(self) -> None:
        pacer = self.paced(HEAD, answer("tier1").encode())
        pacer.run()
        found = pacer.document()
        self.assertGreaterEqual(found["late_us"][1], found["latency_us"][0] - 1e6 / PER_S - 1)
        self.assertTrue(all(late_us >= 0 for late_us in found["late_us"]))

    def test_another_answer_than_the_cells_ends_it(self) -> None:
        refused = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        error = self.assertRaises(Broken, self.paced(refused, total=1).run)
        self.assertIn("HTTP/1.1 503", str(error))
