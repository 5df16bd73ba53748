"""The data path: one engine that routes and proxies, and two doors to it."""

from cellrouter.proxy.engine import ProxyEngine
from cellrouter.proxy.resource import CellProxyResource
from cellrouter.proxy.settings import ProxySettings
from cellrouter.proxy.site import LeanSite

__all__ = ["CellProxyResource", "LeanSite", "ProxyEngine", "ProxySettings"]
