"""The control plane's HTTP interface, as one tree of resources."""

from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.controlplane import reports
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.connect import ConnectResource
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.intake import Intake
from cellrouter.controlplane.operations import Operations, add_operations
from cellrouter.daemon import JsonResource, JsonRoot
from cellrouter.daemon.resources import JSON, prepare, problem


class ConfigResource(JsonResource):
    """Answer with the active config, which is JSON text already.

    :param hub: has it.
    """

    def __init__(self, hub: Hub) -> None:
        JsonRoot.__init__(self)
        self._hub = hub

    def answer(self, request: Request) -> bytes:
        """Answer a GET or HEAD."""
        text = reports.config(self._hub)
        if not text:
            return problem(request, http.SERVICE_UNAVAILABLE, reports.NO_CONFIG)
        return prepare(request, http.OK, JSON, text)


def build_root(
    hub: Hub, intake: Intake, changes: Changes, operations: Operations, clock: IReactorTime
) -> Resource:
    """Put the control plane's resources together.

    :param hub: the connected data planes and the active snapshot.
    :param intake: knows how the operator's file stands.
    :param changes: knows what is held.
    :param operations: answers what operators ask and do.
    :param clock: gives the time that ages are measured by.
    :returns: the root of the tree, for a ``twisted.web.server.Site``.
    """
    root = JsonRoot()
    root.putChild(b"connect", ConnectResource(hub))
    root.putChild(b"health", JsonResource(lambda: reports.health(hub, intake, changes)))
    root.putChild(b"fleet", JsonResource(lambda: reports.fleet(hub, clock)))
    config = ConfigResource(hub)
    add_operations(config, operations)
    root.putChild(b"config", config)
    return root
