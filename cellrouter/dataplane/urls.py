"""The URLs of control planes as operators write them."""

from urllib.parse import urlsplit

from attrs import frozen

from cellrouter.daemon.text import quoted

DEFAULT_PATH = "/connect"
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


@frozen
class ControlPlaneUrl:
    """Where a control plane's WebSocket is.

    :ivar text: the URL, with a path.
    :ivar host: host name or address, without brackets.
    :ivar port: TCP port.
    :ivar secure: whether it is ``wss``.
    """

    text: str
    host: str
    port: int
    secure: bool


def control_plane_urls(text: str) -> tuple[ControlPlaneUrl, ...]:
    """Read one or several URLs separated by commas.

    :param text: for example ``ws://cp-1:8081/connect,ws://cp-2:8081``.
    :returns: the URLs, in order.
    :raises ValueError: with a message for people.
    """
    return tuple(control_plane_url(part.strip()) for part in text.split(","))


def control_plane_url(text: str) -> ControlPlaneUrl:
    """Read one URL; ``/connect`` is its path when it has none.

    Messages do not repeat a URL that may hold a password.

    :raises ValueError: with a message for people.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a WebSocket URL like ws://cp:8081/connect: {error}") from None
    if "@" in parts.netloc:
        raise ValueError("a user name or password in the URL is not supported")
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(
            f"{quoted(text)} is not a WebSocket URL like ws://cp:8081/connect or wss://cp/connect"
        )
    if parts.fragment or not text.isascii() or not text.isprintable() or " " in text or port == 0:
        raise ValueError(f"{quoted(text)} is not a usable WebSocket URL (RFC 6455 section 3)")
    complete = parts._replace(path=DEFAULT_PATH).geturl() if parts.path in ("", "/") else text
    return ControlPlaneUrl(
        complete, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], parts.scheme == "wss"
    )
