"""How long a control plane takes to say that it is well, asked all the time."""

import json
import threading
import time
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any

PAUSE_S = 0.005
TIMEOUT_S = 60.0


def ask(port: int, path: str) -> dict[str, Any]:
    """Ask a control plane once.

    :raises OSError, HTTPException, ValueError: when it does not answer.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


class Asking:
    """Asks ``/health`` in a thread, on one connection, for as long as the context lasts.

    :ivar longest_s: the longest that an answer took; an attempt that found nobody there does not count.

    :param port: the control plane's.
    """

    def __init__(self, port: int) -> None:
        self.longest_s = 0.0
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        while not self._ended.wait(PAUSE_S):
            began_s = time.monotonic()
            try:
                connection.request("GET", "/health")
                connection.getresponse().read()
            except (OSError, HTTPException):
                connection.close()
            else:
                self.longest_s = max(self.longest_s, time.monotonic() - began_s)
        connection.close()
