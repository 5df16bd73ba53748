"""The data port."""

from typing import Any, cast

from twisted.internet.interfaces import IAddress, IProtocol
from twisted.web.resource import IResource
from twisted.web.server import Site

from cellrouter.proxy.channel import LeanChannel
from cellrouter.proxy.engine import ProxyEngine


class LeanSite(Site):
    """A site that proxies, and leaves a few paths to twisted.web.

    :param engine: routes.
    :param root: the tree of resources that answers on the debug paths.
    :param debug_paths: the paths, with no query.
    """

    noisy = False

    def __init__(self, engine: ProxyEngine, root: IResource, debug_paths: frozenset[bytes]) -> None:
        Site.__init__(self, root, reactor=engine.reactor)
        self._engine = engine
        self._debug_paths = debug_paths

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make the protocol of a client's connection."""

        def stock_channel() -> IProtocol:
            return cast(IProtocol, Site.buildProtocol(self, addr))

        return LeanChannel(self._engine, self._debug_paths, stock_channel)

    def log(self, request: object) -> None:
        """Write nothing: what twisted.web answers here is asked by monitoring, every few seconds."""
