"""Writing at once.

A write to one of Twisted's TCP transports waits for the next turn of the event loop: two system calls to be
told that the socket is writable, which it nearly always is.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.tcp import Connection


def writer(transport: Any) -> Callable[[bytes], None]:
    """Give the fastest way to write to a transport.

    :param transport: a connected transport of any kind.
    :returns: what writes bytes; like the transport's own ``write`` it keeps the order, buffers what the
        socket does not take, and pauses the transport's producer when that is much.
    """
    write: Callable[[bytes], None] = transport.write
    if not isinstance(transport, Connection) or transport.TLS:
        return write
    send = transport.writeSomeData

    def write_at_once(data: bytes) -> None:
        if (
            transport.dataBuffer
            or transport._tempDataBuffer
            or not transport.connected
            or transport._writeDisconnected
        ):
            write(data)
            return
        sent = send(data)
        if not isinstance(sent, int):
            # The connection is broken; the reactor finds that out when it writes, and tells the protocol.
            write(data)
        elif sent < len(data):
            write(data[sent:])

    return write_at_once
