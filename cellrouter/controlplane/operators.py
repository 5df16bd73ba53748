"""Who may change anything over HTTP."""

from ipaddress import ip_address

from twisted.internet.address import UNIXAddress
from twisted.web import http
from twisted.web.server import Request


class NotAuthorised(Exception):
    """Whoever sent a request may not do what it asks for.

    :ivar status: the HTTP status to answer with.
    :ivar detail: why, for people.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def authorise(request: Request) -> None:
    """Let a request pass that may change something: one from this machine that no browser sent.

    It is called when the head has arrived, to decide whether a body is taken at all, and again when the whole
    request has.

    :param request: the request.
    :raises NotAuthorised: when it may not.
    """
    if request.requestHeaders.hasHeader(b"origin"):
        # A page of any web site can have the operator's browser send it, from the operator's machine.
        raise NotAuthorised(http.FORBIDDEN, "browsers, which send Origin, may not change anything")
    if not _from_this_machine(request):
        raise NotAuthorised(http.FORBIDDEN, "changes are taken from this machine (loopback) only")


def _from_this_machine(request: Request) -> bool:
    address = request.getClientAddress()
    if isinstance(address, UNIXAddress):
        return True
    try:
        return ip_address(getattr(address, "host", "")).is_loopback
    except ValueError:
        return False
