"""How much of a message is read before it is refused."""

from attrs import frozen


@frozen
class HeadLimits:
    """Limits on the head of a message.

    :param target_bytes: longest request target.
    :param head_bytes: longest head, with everything from the first line to the empty one.
    :param fields: most header fields.
    """

    target_bytes: int = 8192
    head_bytes: int = 32768
    fields: int = 100


MAX_CHUNK_LINE_BYTES = 4096
"""Longest line that announces a chunk; longer ones consist of extensions that nobody reads."""

MAX_TRAILER_BYTES = 8192
"""Longest trailer section of a chunked body, which is checked."""

MAX_INTERIM_RESPONSES = 32
"""Most 1xx responses before the final one."""
