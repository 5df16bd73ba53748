"""Where a placement is served: the base URL of a cell, taken apart and checked."""

import ipaddress
import re

import idna
from attrs import frozen

from cellrouter.config.violations import quoted

_MAX_URL_CHARS = 2048
_MAX_HOST_CHARS = 253
_DEFAULT_PORT = 80

_FORBIDDEN = re.compile(r'[\s\\%<>"{}|^`\x00-\x1f\x7f-\x9f]')
_URL = re.compile(r"http://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")

# RFC 1123 section 2.1, and the underscore that container networks use in service names.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")

# What resolvers take for an IPv4 address, in forms such as 127.1 or 0x7f000001 too.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?", re.DOTALL)


@frozen
class Endpoint:
    """The address of a cell.

    :param url: what clients and logs are shown: ``http://host[:port]`` as it was written, without a trailing
        slash and with an international host name in its ASCII form, so that it can stand in a header field.
    :param host: an IP address without brackets, or a host name in ASCII and lower case.
    :param port: TCP port.
    """

    url: str
    host: str
    port: int


def parse_endpoint(url: str) -> Endpoint:
    """Take the base URL of a cell apart.

    Messages never repeat a whole URL, since a refused one may contain a password.

    :param url: ``http://host[:port]``, with nothing or one slash after it; port 80 when there is none.
    :returns: the endpoint.
    :raises ValueError: with a message for people, for anything else.
    """
    if len(url) > _MAX_URL_CHARS:
        raise ValueError(f"the URL is longer than {_MAX_URL_CHARS} characters")
    if "@" in url:
        raise ValueError(
            "a user name or password (anything before an @) is not allowed; write http://host:port"
        )
    if forbidden := _FORBIDDEN.search(url):
        raise ValueError(f"the character {quoted(forbidden[0])} is not allowed; write http://host:port")
    if url[:8].lower() == "https://":
        raise ValueError("https is not supported between router and cells; write http://host:port")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise ValueError("not an absolute http URL; write http://host:port")
    if parts["rest"] not in ("", "/"):
        raise ValueError("a path, query or fragment is not allowed; write http://host:port")
    return _parse_authority(parts["authority"])


def _parse_authority(authority: str) -> Endpoint:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError(
            f"{quoted(authority)} is not host or host:port; an IPv6 address has brackets: [::1]:8080"
        )
    port = int(parts["port"]) if parts["port"] else _DEFAULT_PORT
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not between 1 and 65535")
    host = _host_name(parts["name"]) if parts["name"] else _ipv6_address(parts["ipv6"])
    if not authority.isascii():
        authority = f"{host}:{parts['port']}" if parts["port"] else host
    return Endpoint(url=f"http://{authority}", host=host, port=port)


def _ipv6_address(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError as error:
        raise ValueError(f"[{quoted(text)[1:-1]}] is not an IPv6 address") from error


def _host_name(text: str) -> str:
    name = text if text.isascii() else _to_ascii(text)
    if len(name.rstrip(".")) > _MAX_HOST_CHARS or not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{quoted(text)} is not a host name")
    return _ipv4_address(name) if _NUMERIC.fullmatch(name) else name.lower()


def _ipv4_address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is not an IPv4 address") from error


def _to_ascii(text: str) -> str:
    """Convert an international host name by IDNA 2008, after the mapping of UTS 46."""
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"{quoted(text)} is not an international host name: {error}") from error
