"""Who is on the other side of a client's connection."""

from twisted.internet.interfaces import IAddress

from cellrouter.http1 import Peer
from cellrouter.proxy.settings import ProxySettings


def peer_of(settings: ProxySettings, address: IAddress, secure: bool) -> Peer:
    """Describe a client.

    :param settings: say who is trusted.
    :param address: the client's; it has no host when it came by a UNIX socket.
    :param secure: whether it came by TLS.
    """
    host = str(getattr(address, "host", "unknown"))
    return Peer(host.encode("ascii", "replace"), b"https" if secure else b"http", settings.trusts(host))
