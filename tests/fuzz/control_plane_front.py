"""Arbitrary bytes as a config document, and as a message between control plane and data plane.

They are refused by the exception that is documented, or they mean something, which is then compiled and
written again without trouble.
"""

from contextlib import suppress

from cellrouter.config import (
    CompiledConfig,
    ConfigRefused,
    LoadedConfig,
    RoutingTable,
    load_config,
    load_document,
)
from cellrouter.wire import ConfigSnapshot, Message, MessageRefused, Unknown, decode, encode

LIMIT_BYTES = 1 << 16
KEY = b"acme"


def run(data: bytes) -> None:
    """Read it both ways.

    :param data: a document, or a message.
    :raises AssertionError: when what was read means something else than it says.
    """
    with suppress(ConfigRefused):
        _check_config(load_config(data, limit_bytes=LIMIT_BYTES))
    with suppress(MessageRefused):
        message = decode(data, LIMIT_BYTES)
        if not isinstance(message, Unknown):
            _check_message(message)


def _check_config(loaded: LoadedConfig) -> None:
    table = RoutingTable.build(CompiledConfig.of(loaded))
    assert table.route(KEY).placement in table.placements
    again = load_document(loaded.document)
    assert (again.config, again.hash) == (loaded.config, loaded.hash)


def _check_message(message: Message) -> None:
    assert decode(encode(message), 4 * LIMIT_BYTES) == message, message
    if isinstance(message, ConfigSnapshot):
        with suppress(ConfigRefused):
            _check_config(load_document(message.config))
