"""A router on aiohttp and uvloop: ``python -m benchmarks.aiohttp_proxy PORT CELL DEFAULT_CELL LOG``.

What one would write with aiohttp's server and client: a dictionary chooses the cell, headers are rewritten,
bodies stream, and a line of JSON about each request goes to a file.
"""

import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import TextIO

import uvloop
from aiohttp import ClientSession, TCPConnector, web
from multidict import CIMultiDict, CIMultiDictProxy

LOG_BUFFER_BYTES = 64 * 1024
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "host")
)


class ByRoutingKey:
    """Sends each request to the cell of its routing key.

    :param routes: each key's placement and cell.
    :param default: the same for other keys.
    :param log: gets a line for each request.
    """

    def __init__(self, routes: Mapping[str, tuple[str, str]], default: tuple[str, str], log: TextIO) -> None:
        self._routes = routes
        self._default = default
        self._log = log

    async def connect(self, _: web.Application) -> AsyncIterator[None]:
        """Keep connections to the cells for as long as the application runs."""
        async with ClientSession(connector=TCPConnector(limit=0), auto_decompress=False) as self._cells:
            yield

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Forward a request and its answer."""
        started_s = time.monotonic()
        key = request.headers.get("X-Routing-Key", "")
        placement, cell = self._routes.get(key, self._default)
        request_id = request.headers.get("X-Request-ID") or uuid.uuid4().hex
        headers = _end_to_end(request.headers)
        headers["Host"] = request.host
        headers["X-Request-ID"] = request_id
        known_for = headers.get("X-Forwarded-For")
        headers["X-Forwarded-For"] = f"{known_for}, {request.remote}" if known_for else request.remote or ""
        headers["X-Forwarded-Proto"] = request.scheme
        body = request.content if request.can_read_body else None
        async with self._cells.request(
            request.method, cell + request.raw_path, headers=headers, data=body, allow_redirects=False
        ) as answer:
            explained = _end_to_end(answer.headers)
            explained.update({"X-Routed-To": cell, "X-Route-Reason": placement, "X-Request-ID": request_id})
            response = web.StreamResponse(status=answer.status, headers=explained)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
        self._tell(request, response, started_s, key, placement, cell)
        return response

    def _tell(
        self, request: web.Request, response: web.StreamResponse, started_s: float, *where: str
    ) -> None:
        key, placement, cell = where
        line = {
            "timestamp": time.time(),
            "level": "info",
            "message": "request",
            "routing_key": key,
            "placement": placement,
            "upstream": cell,
            "status": response.status,
            "duration_ms": (time.monotonic() - started_s) * 1e3,
            "request_id": response.headers["X-Request-ID"],
            "method": request.method,
            "path": request.raw_path,
            "bytes_out": response.body_length,
        }
        self._log.write(json.dumps(line) + "\n")


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)


def main(port: int, cell: int, default_cell: int, *, log: str) -> None:
    """Serve until the process is ended."""
    default = ("tier3", f"http://127.0.0.1:{default_cell}")
    routes = {"acme": ("tier1", f"http://127.0.0.1:{cell}"), "globex": default}
    with Path(log).open("w", buffering=LOG_BUFFER_BYTES) as lines:
        router = ByRoutingKey(routes, default, lines)
        application = web.Application()
        application.cleanup_ctx.append(router.connect)
        application.router.add_route("*", "/{path:.*}", partial(router.__call__))
        loop = uvloop.new_event_loop()
        web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    _, *ports, log_path = sys.argv
    main(*map(int, ports), log=log_path)
