"""Responses: what cells send, sound, odd and malformed."""

from collections.abc import Mapping, Sequence

from tests.conformance.responses import (
    bodiless,
    chunks,
    connection,
    content_length,
    excess,
    field_lines,
    interim,
    splitting,
    status_line,
    trailers,
    transfer_encoding,
    truncation,
    upgrade,
)
from tests.conformance.rows import Row

GROUPS: Mapping[str, Sequence[Row]] = {
    "status line": status_line.ROWS,
    "field lines": field_lines.ROWS,
    "content length": content_length.ROWS,
    "transfer encoding": transfer_encoding.ROWS,
    "chunks": chunks.ROWS,
    "trailers": trailers.ROWS,
    "interim": interim.ROWS,
    "bodiless": bodiless.ROWS,
    "excess": excess.ROWS,
    "truncation": truncation.ROWS,
    "upgrade": upgrade.ROWS,
    "connection": connection.ROWS,
    "splitting": splitting.ROWS,
}
"""The vectors by what they are about."""
