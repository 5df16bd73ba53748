"""Request bodies in bounded memory, from those only who may send one."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

from twisted.internet.interfaces import IAddress, IReactorTime, ITCPTransport
from twisted.web.resource import IResource
from twisted.web.server import Request

from cellrouter.controlplane.access import Access
from cellrouter.daemon import QuietSite
from cellrouter.daemon.tokens import Refusal

MAX_DROPPED_BYTES = 256 * 1024 * 1024
"""How much of a body that is too large is read and dropped, so that its sender can read the answer."""


class BoundedRequest(Request):
    """A request whose body is kept up to a limit: the site's for those who may change anything, else nothing.

    :ivar refusal: what to answer to whoever may not change anything, or None.
    :ivar limit_bytes: how much is kept.
    :ivar too_large: whether the body went beyond the limit; it is not kept then.
    """

    content: BytesIO
    refusal: Refusal | None = None
    too_large = False
    limit_bytes = 0
    _dropped_bytes = 0

    def gotLength(self, length: int | None) -> None:
        """Begin with the body: the head has arrived."""
        self.content = BytesIO()
        # The content is JSON whatever it says it is: twisted.web would parse a form, which takes long.
        self.requestHeaders.removeHeader(b"content-type")
        site = getattr(self.channel, "site", None)
        assert isinstance(site, BoundedSite)
        self.refusal = site.access.may_change(self)
        if self.refusal is None:
            self.limit_bytes = site.limit_body_bytes

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.too_large and self.content.tell() + len(data) <= self.limit_bytes:
            self.content.write(data)
            return
        self.too_large = True
        self.content = BytesIO()
        self._dropped_bytes += len(data)
        if self._dropped_bytes > MAX_DROPPED_BYTES:
            cast(ITCPTransport, self.channel.transport).abortConnection()


class BoundedSite(QuietSite):
    """A site that takes bodies up to a limit.

    :ivar on_client: called for each client that is accepted.

    :param resource: the root.
    :param limit_body_bytes: how long a body may be.
    :param reactor: times idle connections.
    :param access: says who may change anything.
    """

    requestFactory = BoundedRequest

    def __init__(
        self, resource: IResource, limit_body_bytes: int, reactor: IReactorTime, access: Access
    ) -> None:
        super().__init__(resource, reactor=reactor)
        self.access = access
        self.limit_body_bytes = limit_body_bytes
        self.on_client: Callable[[], object] = lambda: None

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Take a client."""
        self.on_client()
        return super().buildProtocol(addr)


def body(request: Request) -> bytes:
    """Return a request's body."""
    assert isinstance(request.content, BytesIO)
    return request.content.getvalue()
