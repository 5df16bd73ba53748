"""Who is at the other end of a connection."""

from ipaddress import IPv6Address, ip_address

from twisted.internet.address import UNIXAddress


def is_local(address: object) -> bool:
    """Tell whether a peer is on this machine: at a loopback address, or a UNIX socket.

    :param address: one of Twisted's addresses.
    """
    return isinstance(address, UNIXAddress) or is_loopback(getattr(address, "host", ""))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, as far as can be said without asking DNS.

    :param host: a name or an IP address.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def as_text(address: object) -> str:
    """Write an address as ``host:port``, with an IPv6 address in brackets.

    :param address: one of Twisted's addresses.
    """
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None:
        return str(address)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
