"""The router that Twisted has on board: ``python -m benchmarks.stock_twisted PORT CELL DEFAULT_CELL LOG``.

:class:`twisted.web.proxy.ReverseProxyResource` under a stock Site, with its access log in a file. A
dictionary chooses the cell, as that resource knows one only.
"""

import sys
from collections.abc import Mapping
from typing import Any

from twisted.web.proxy import ReverseProxyResource
from twisted.web.resource import Resource
from twisted.web.server import Request, Site


class ByRoutingKey(Resource):
    """Sends each request to the cell of its routing key.

    :param routes: each key's cell.
    :param default: the cell for other keys.
    """

    def __init__(self, routes: Mapping[bytes, Resource], default: Resource) -> None:
        super().__init__()
        self._routes = routes
        self._default = default

    def getChild(self, path: bytes, request: Request) -> Any:
        """Choose the cell."""
        key = request.requestHeaders.getRawHeaders(b"X-Routing-Key", [b""])[0]
        return self._routes.get(key, self._default).getChild(path, request)


def main(port: int, cell: int, default_cell: int, *, log: str) -> None:
    """Serve until the process is ended."""
    from twisted.internet import reactor  # a program's entry may

    running: Any = reactor
    default = ReverseProxyResource("127.0.0.1", default_cell, b"", running)
    routes = {b"acme": ReverseProxyResource("127.0.0.1", cell, b"", running), b"globex": default}
    running.listenTCP(port, Site(ByRoutingKey(routes, default), logPath=log), interface="127.0.0.1")
    running.run()


if __name__ == "__main__":
    _, *ports, log_path = sys.argv
    main(*map(int, ports), log=log_path)
