"""The messages between control plane and data plane, and their JSON form."""

from cellrouter.wire.codec import MessageRefused, decode, encode, encode_document, encode_snapshot
from cellrouter.wire.messages import Ack, ConfigSnapshot, Hello, Message, Nack, Running, Status, Unknown

__all__ = [
    "Ack",
    "ConfigSnapshot",
    "Hello",
    "Message",
    "MessageRefused",
    "Nack",
    "Running",
    "Status",
    "Unknown",
    "decode",
    "encode",
    "encode_document",
    "encode_snapshot",
]
