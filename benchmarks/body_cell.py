"""A cell for long bodies: ``python -m benchmarks.body_cell PORT DEFAULT_PORT BYTES``.

It answers ``GET /`` with who it is, ``GET`` of any other path with a body of that many bytes, and takes the
body of a ``PUT`` before it answers; for ``/slow`` it takes it at :data:`SLOW_BYTES_PER_S`.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from functools import partial

from benchmarks.cells import answer

CHUNK_BYTES = 256 * 1024
SLOW_BYTES_PER_S = 128 * 1024 * 1024


async def converse(name: str, size_bytes: int, reader: StreamReader, writer: StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while await _answer(name, size_bytes, reader, writer):
            pass
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the router has closed the connection
    finally:
        writer.close()


async def _answer(name: str, size_bytes: int, reader: StreamReader, writer: StreamWriter) -> bool:
    """Answer one request; returns whether the connection is kept."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b" ", 2)
    if method == b"PUT":
        await _take(reader, size_bytes, slowly=target == b"/slow")
    kept = b"connection: close" not in head.lower()
    chunk, times = answer(name).encode(), 1
    if method == b"GET" and target != b"/":
        chunk, times = b"x" * CHUNK_BYTES, size_bytes // CHUNK_BYTES
    fields = f"Content-Length: {times * len(chunk)}\r\nConnection: {'keep-alive' if kept else 'close'}"
    writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode())
    for _ in range(times):
        writer.write(chunk)
        await writer.drain()
    return kept


async def _take(reader: StreamReader, size_bytes: int, *, slowly: bool) -> None:
    taken = 0
    while taken < size_bytes:
        data = await reader.read(CHUNK_BYTES)
        if not data:
            raise ConnectionError
        taken += len(data)
        if slowly:
            await asyncio.sleep(len(data) / SLOW_BYTES_PER_S)


async def serve(port: int, default_port: int, size_bytes: int) -> None:
    """Answer for ever, as tier1 and as tier3."""
    for number, name in ((port, "tier1"), (default_port, "tier3")):
        await asyncio.start_server(
            partial(converse, name, size_bytes), "127.0.0.1", number, limit=CHUNK_BYTES
        )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
