"""A snapshot as a control plane sent it, read as far as it can be without looking into the config."""

from attrs import frozen

from cellrouter.config import Revision
from cellrouter.wire import ConfigSnapshot, Message, Unknown, decode, encode_document


@frozen
class Delivery:
    """A snapshot that has arrived.

    The config is text, though it was parsed once: it goes from one process to another as a whole, and whoever
    checks it reads it from its beginning.

    :param text: the config as JSON text.
    :param version: the operator's label, as far as there is one.
    :param revision: its revision, if it came with one.
    :param source_id: names the history that the revision belongs to.
    :param hash: what its sender says its hash is.
    :param unknown_fields: JSON pointers of what a newer peer sent besides.
    """

    text: bytes
    version: str | None
    revision: Revision | None
    source_id: str | None
    hash: str | None
    unknown_fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: ConfigSnapshot) -> "Delivery":
        """Make one of a message."""
        version = message.config.get("version") if isinstance(message.config, dict) else None
        return cls(
            encode_document(message.config),
            version if isinstance(version, str) else None,
            message.revision,
            message.source_id,
            message.hash,
            message.unknown_fields,
        )


def read_message(payload: bytes, limit_bytes: int) -> Message | Unknown | Delivery:
    """Read a message.

    :param payload: its text.
    :param limit_bytes: how much is accepted, in bytes.
    :returns: the message, a snapshot as a delivery, or what type it has when that is not a known one.
    :raises MessageRefused: when it is too large, no JSON object, or has a field of the wrong type.
    """
    message = decode(payload, limit_bytes)
    return Delivery.of(message) if isinstance(message, ConfigSnapshot) else message
