"""What a message looks like on the other side of the router.

The rules are those of an intermediary (RFC 9110 section 7.6); the fields that tell where a request came from
are de facto standards.
"""

from attrs import field, frozen

from cellrouter.config import Route
from cellrouter.http1 import grammar
from cellrouter.http1.request import RequestHead
from cellrouter.http1.response import ResponseHead

_VIA = (b"Via: 1.0 cellrouter", b"Via: 1.1 cellrouter")


@frozen
class Peer:
    """Who sent a request.

    :param address: the IP address, as text.
    :param scheme: ``http`` or ``https``.
    :param trusted: whether what it says of where the request came from is believed.
    """

    address: bytes
    scheme: bytes = b"http"
    trusted: bool = True
    _origin: bytes = field(init=False)

    def __attrs_post_init__(self) -> None:
        origin = b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b" % (self.address, self.scheme)
        object.__setattr__(self, "_origin", origin)

    def add_origin(self, lines: list[bytes], request: RequestHead) -> None:
        """Add the fields that tell where a request came from.

        :param lines: what they are added to.
        :param request: what the peer sent.
        """
        if request.forwarded and self.trusted:
            lines += self._continued(request)
        else:
            lines.append(self._origin)
            if request.host:
                lines.append(b"X-Forwarded-Host: " + request.host)

    def _continued(self, request: RequestHead) -> list[bytes]:
        """Give what the peer says of where the request came from, and the peer as the last station."""
        chain = [value for name, value in request.forwarded if name == b"x-forwarded-for" and value]
        names = {name for name, _ in request.forwarded}
        lines = [b"X-Forwarded-For: " + b", ".join([*chain, self.address])]
        lines += [
            name.title() + b": " + value for name, value in request.forwarded if name != b"x-forwarded-for"
        ]
        if b"x-forwarded-proto" not in names:
            lines.append(b"X-Forwarded-Proto: " + self.scheme)
        if b"x-forwarded-host" not in names and request.host:
            lines.append(b"X-Forwarded-Host: " + request.host)
        return lines

    def request_id(self, request: RequestHead) -> bytes | None:
        """Give the ID that the peer gave to a request, or None if it gave none that is believed."""
        given = request.request_ids
        if len(given) == 1 and self.trusted and grammar.REQUEST_ID.fullmatch(given[0]):
            return given[0]
        return None


def request_to_cell(request: RequestHead, peer: Peer, request_id: bytes, host: bytes) -> bytes:
    """Write the head of a request as the cell gets it.

    :param request: what the client sent.
    :param peer: the client.
    :param request_id: the request's ID.
    :param host: what ``Host`` becomes for a client that sent none.
    """
    lines = [
        request.method + b" " + request.target + b" HTTP/1.1",
        *request.lines,
        b"X-Request-ID: " + request_id,
    ]
    if request.host is None:
        lines = [line for line in lines if line[:5].lower() != b"host:"]
        lines.insert(1, b"Host: " + host)
    peer.add_origin(lines, request)
    lines.append(_VIA[request.minor])
    if request.chunked:
        lines.append(b"Transfer-Encoding: chunked")
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def response_to_client(response: ResponseHead, explanation: bytes, request_id: bytes) -> bytes:
    """Write the fields of a response as the client gets them.

    :param response: what the cell sent.
    :param explanation: the fields that say why the request went there, each with its CR LF.
    :param request_id: the request's ID.
    :returns: the fields, each with its CR LF; framing and persistence are added by whoever sends them.
    """
    return b"\r\n".join([*response.lines, explanation + b"X-Request-ID: " + request_id, b""])


def explanation(route: Route, with_topology: bool) -> bytes:
    """Write the fields that say where a request went and why.

    :param route: of the request.
    :param with_topology: whether clients may see the cells.
    :returns: the fields, each with its CR LF.
    """
    topology = f"X-Routed-To: {route.endpoint.url}\r\nX-Route-Reason: {route.placement}\r\n"
    return ((topology if with_topology else "") + f"X-Route-Match: {route.match.value}\r\n").encode("ascii")
