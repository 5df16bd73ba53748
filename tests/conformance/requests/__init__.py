"""Requests: what clients send, sound, odd and malformed."""

from collections.abc import Mapping, Sequence

from tests.conformance.requests import (
    chunks,
    connection,
    content_length,
    endings,
    expectation,
    field_lines,
    forwarded,
    host,
    limits,
    lookalikes,
    method,
    pipelining,
    request_line,
    routing_key,
    target,
    trailers,
    transfer_encoding,
    upgrade,
)
from tests.conformance.rows import Row

GROUPS: Mapping[str, Sequence[Row]] = {
    "request line": request_line.ROWS,
    "method": method.ROWS,
    "target": target.ROWS,
    "host": host.ROWS,
    "limits": limits.ROWS,
    "field lines": field_lines.ROWS,
    "content length": content_length.ROWS,
    "transfer encoding": transfer_encoding.ROWS,
    "chunks": chunks.ROWS,
    "trailers": trailers.ROWS,
    "routing key": routing_key.ROWS,
    "look-alikes": lookalikes.ROWS,
    "connection": connection.ROWS,
    "upgrade": upgrade.ROWS,
    "expectation": expectation.ROWS,
    "pipelining": pipelining.ROWS,
    "forwarded": forwarded.ROWS,
    "endings": endings.ROWS,
}
"""The vectors by what they are about."""
