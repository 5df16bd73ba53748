"""The control plane's HTTP interface, as one tree of resources."""

from collections.abc import Callable, Iterator
from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.controlplane import reports
from cellrouter.controlplane.access import Access
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.connect import ConnectResource
from cellrouter.controlplane.convergence import Expected, Standing, expected_nodes
from cellrouter.controlplane.exchanges import Parameters, Question
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.metrics import metrics
from cellrouter.controlplane.operations import Operations, add_operations
from cellrouter.controlplane.portions import in_portions
from cellrouter.controlplane.rollout_operations import RolloutOperations, add_rollout
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.controlplane.sources import ISource, Json
from cellrouter.controlplane.traffic import FleetTraffic
from cellrouter.daemon import JsonResource, JsonRoot
from cellrouter.daemon.metrics import MetricsResource
from cellrouter.daemon.resources import JSON, encode, prepare, problem

LISTED_AT_ONCE = 500
"""How many data planes are written down before others have their turn: it takes about 10 ms."""


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


class FleetResource(Question):
    """Answer with the fleet, in portions when it is large: others have their turn meanwhile.

    ``expect-nodes`` in the query says which data planes the asker expects, ``state`` which are to be listed.

    :param report: makes the report: what comes before the list of data planes, and the list's members.
    :param expected: which data planes there should be when the asker does not say.
    :param clock: gives others their turn.
    """

    def __init__(
        self,
        report: Callable[[Expected, Standing | None], tuple[Json, Iterator[Json]]],
        expected: Expected,
        clock: IReactorTime,
    ) -> None:
        super().__init__(self._fleet, {"expect-nodes": expected_nodes, "state": Standing})
        self._report = report
        self._expected = expected
        self._clock = clock

    async def _fleet(self, request: Request, given: Parameters) -> bytes:
        wanted = given.get("expect-nodes", self._expected)
        shown = given.get("state")
        assert isinstance(wanted, Expected)
        assert shown is None or isinstance(shown, Standing)
        document, listed = self._report(wanted, shown)
        # Without the brackets and the end of the line.
        portions = [encode(each)[1:-2] async for each in in_portions(listed, LISTED_AT_ONCE, self._clock)]
        return b'%b,"data_planes":[%b]}\n' % (encode(document)[:-2], b",".join(portions))


def build_root(
    hub: Hub,
    source: ISource,
    changes: Changes,
    rollouts: Rollouts,
    traffic: FleetTraffic,
    operations: Operations,
    expected: Expected,
    clock: IReactorTime,
    access: Access,
) -> Resource:
    """Put the control plane's resources together.

    :param hub: the connected data planes and the active snapshot.
    :param source: knows how what the operator wrote stands.
    :param changes: knows what is held.
    :param rollouts: knows how a rollout stands.
    :param traffic: knows what the data planes do.
    :param operations: answers what operators ask and do.
    :param expected: which data planes there should be.
    :param clock: gives the time that ages are measured by.
    :param access: says who may do what.
    :returns: the root of the tree, for a ``twisted.web.server.Site``.
    """
    root = JsonRoot()
    root.putChild(b"connect", ConnectResource(hub, access))
    root.putChild(b"health", JsonResource(lambda: reports.health(hub, source, changes, rollouts)))
    report = partial(reports.fleet_in_parts, hub, source, rollouts, traffic, clock)
    root.putChild(b"fleet", FleetResource(report, expected, clock))
    root.putChild(b"metrics", MetricsResource(partial(metrics, hub, source, changes, rollouts, traffic)))
    config = ConfigResource(hub)
    add_operations(config, operations)
    root.putChild(b"config", config)
    add_rollout(root, RolloutOperations(rollouts))
    return root
