"""The control plane's HTTP interface, as one tree of resources."""

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource

from cellrouter.controlplane import reports
from cellrouter.controlplane.access import Access
from cellrouter.controlplane.connect import ConnectResource
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.intake import Intake
from cellrouter.daemon import JsonResource, JsonRoot


def build_root(hub: Hub, intake: Intake, clock: IReactorTime, access: Access) -> Resource:
    """Put the control plane's resources together.

    :param hub: the connected data planes and the active snapshot.
    :param intake: knows how the operator's file stands.
    :param clock: gives the time that ages are measured by.
    :param access: says who may do what.
    :returns: the root of the tree, for a ``twisted.web.server.Site``.
    """
    root = JsonRoot()
    root.putChild(b"connect", ConnectResource(hub, access))
    root.putChild(b"health", JsonResource(lambda: reports.health(hub, intake)))
    root.putChild(b"fleet", JsonResource(lambda: reports.fleet(hub, clock)))
    root.putChild(b"config", JsonResource(lambda: reports.config(hub)))
    return root
