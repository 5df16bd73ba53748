"""The ``/connect`` resource: who may open a data plane's WebSocket."""

from autobahn.twisted.resource import WebSocketResource
from twisted.web import http
from twisted.web.server import Request

from cellrouter.controlplane.access import Access
from cellrouter.controlplane.connection import SUBPROTOCOL
from cellrouter.controlplane.hub import Hub
from cellrouter.daemon import problem
from cellrouter.daemon.peers import as_text
from cellrouter.daemon.site import PunctualChannel
from cellrouter.daemon.tokens import Refusal

MAX_CONNECTIONS = 10_000

UPGRADE_REQUIRED = 426


class ConnectResource(WebSocketResource):
    """Refuse by an ordinary HTTP answer what need not be upgraded, and hand the rest to Autobahn.

    :param hub: takes the connections.
    :param access: says who may connect.
    """

    def __init__(self, hub: Hub, access: Access) -> None:
        WebSocketResource.__init__(self, hub.factory)
        self._hub = hub
        self._access = access

    def render(self, request: Request) -> bytes | int:
        """Upgrade the connection, or say why not."""
        refused = self._stranger(request)
        if refused is not None:
            self._access.refusals.refused(as_text(request.getClientAddress()), refused.detail)
            return refused.answer(request)
        refusal = self._refusal(request)
        if refusal is None:
            if isinstance(request.channel, PunctualChannel):
                request.channel.site.left(request.channel)
            rendered: bytes | int = WebSocketResource.render(self, request)
            return rendered
        status, detail = refusal
        body = problem(request, status, detail)
        if status == UPGRADE_REQUIRED:
            # RFC 9110 section 15.5.22.
            request.setHeader(b"upgrade", b"websocket")
            request.setResponseCode(status, b"Upgrade Required")
        return body

    def _stranger(self, request: Request) -> Refusal | None:
        if request.requestHeaders.hasHeader(b"origin"):
            return Refusal(http.FORBIDDEN, "browsers, which send Origin, have no business here")
        return self._access.may_connect(request)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        headers = request.requestHeaders
        if request.method != b"GET":
            request.setHeader(b"allow", b"GET")
            return http.NOT_ALLOWED, "a WebSocket is opened with GET (RFC 6455 section 4.1)"
        upgrades = b",".join(headers.getRawHeaders(b"upgrade", [])).lower().split(b",")
        if b"websocket" not in [upgrade.strip() for upgrade in upgrades]:
            return (
                UPGRADE_REQUIRED,
                f"this is a WebSocket endpoint for data planes (subprotocol {SUBPROTOCOL})",
            )
        offered = b",".join(headers.getRawHeaders(b"sec-websocket-protocol", [])).split(b",")
        names = [name.strip() for name in offered if name.strip()]
        if names and SUBPROTOCOL.encode() not in names:
            # RFC 6455 section 4.2.2 would allow to go on without a subprotocol, but whoever offers only
            # others would not understand the messages.
            return http.BAD_REQUEST, f"the only subprotocol spoken here is {SUBPROTOCOL}"
        if self._hub.connected >= MAX_CONNECTIONS:
            return http.SERVICE_UNAVAILABLE, f"{MAX_CONNECTIONS} data planes are connected already"
        return None
