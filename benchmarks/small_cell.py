"""The cells for machines without nginx: ``python -m benchmarks.small_cell PORT DEFAULT_PORT``."""

import asyncio
import sys
from functools import partial

from benchmarks.cells import BIG_BYTES, answer

END_OF_HEAD = b"\r\n\r\n"
CLOSE = "Connection: close"
Responses = dict[tuple[bool, bool], bytes]
"""Whole responses, by whether the path is ``/big`` and whether the client asked to close."""


def response(body: bytes, *fields: str) -> bytes:
    """Make a whole response, with fields of the head on top of the usual two."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + END_OF_HEAD + body


def responses(name: str) -> Responses:
    """Make all that a cell ever says."""
    small, big = answer(name).encode(), b"x" * BIG_BYTES
    return {
        (False, False): response(small),
        (False, True): response(small, CLOSE),
        (True, False): response(big),
        (True, True): response(big, CLOSE),
    }


class SmallCell(asyncio.Protocol):
    """Answers each request without a body, without reading more of it than it must.

    :param known: what it says.
    """

    def __init__(self, known: Responses) -> None:
        self._responses = known
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every head that is complete."""
        *heads, self._rest = (self._rest + data).split(END_OF_HEAD)
        for head in heads:
            closing = b"\nconnection: close" in head.lower()
            self._transport.write(self._responses[head.startswith(b"GET /big "), closing])
            if closing:
                self._transport.close()


async def serve(port: int, default_port: int) -> None:
    """Answer for ever, as tier1 and as tier3."""
    loop = asyncio.get_running_loop()
    for number, name in ((port, "tier1"), (default_port, "tier3")):
        await loop.create_server(partial(SmallCell, responses(name)), "127.0.0.1", number)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
