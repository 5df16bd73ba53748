"""Keeps the names of the data planes through a restart, so that those that are missing are missed."""

import json
from collections.abc import Iterable

from attrs import asdict
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cellrouter.config import Revision
from cellrouter.controlplane.fleet import REMEMBERED_S, Fleet, Node, Report
from cellrouter.controlplane.portions import in_portions
from cellrouter.snapshots.accepted import SeenNode
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.wire import Running

INTERVAL_S = 10.0
SEEN_STEP_S = 600.0
"""How far what is noted of a silent data plane may lag behind."""

NOTED_AT_ONCE = 250
"""How many are written down before others have their turn: it takes about 10 ms."""

Mark = tuple[Report | None, bool, int]
"""What has to change for a data plane to be noted again."""


class Roster(Service):
    """Note in the history which data planes there are and what they acked last.

    :param fleet: knows them.
    :param history: keeps it.
    :param clock: says when.
    """

    log = Logger()

    def __init__(self, fleet: Fleet, history: History, clock: IReactorTime) -> None:
        self._fleet = fleet
        self._history = history
        self._clock = clock
        self._noted: dict[str, Mark] = {}
        self._failing = False
        self._loop = LoopingCall(self._note)
        self._loop.clock = clock

    def load_blocking(self) -> None:
        """Tell the fleet who was there before, for the time before the reactor runs.

        Those of whom another release has noted something else are known by their names alone.

        :raises HistoryUnusable: when the history cannot be read.
        """
        for seen in self._history.nodes_blocking():
            self._fleet.recall(_node(seen))

    def startService(self) -> None:
        """Note, now and at every interval."""
        Service.startService(self)
        self._loop.start(INTERVAL_S, now=False).addErrback(
            lambda failure: self.log.failure("noting the data planes failed", failure)
        )

    def stopService(self) -> "Deferred[None]":
        """Note for the last time.

        :returns: a Deferred that fires when that is done.
        """
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()
        return self._note()

    def _note(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._note_changed())

    async def _note_changed(self) -> None:
        marks = {
            node.node_id: (_mark(node), node) for node in self._fleet.nodes() if node.node_id is not None
        }
        changed = [node for name, (mark, node) in marks.items() if self._noted.get(name) != mark]
        if not changed and marks.keys() == self._noted.keys():
            return
        try:
            forget_before = self._clock.seconds() - REMEMBERED_S
            seen: list[SeenNode] = []
            async for portion in in_portions(_seen(changed), NOTED_AT_ONCE, self._clock):
                seen += portion
            await self._history.note_nodes(seen, forget_before)
        except HistoryUnusable as error:
            if not self._failing:
                self.log.error("which data planes there are cannot be noted: {error}", error=error)
            self._failing = True
            return
        self._failing = False
        self._noted = {name: mark for name, (mark, _) in marks.items()}


def _mark(node: Node) -> Mark:
    return node.last_ack, bool(node.connections), int(node.last_seen // SEEN_STEP_S)


def _seen(nodes: Iterable[Node]) -> Iterable[SeenNode]:
    for node in nodes:
        ack = node.last_ack
        known = {
            "address": node.address,
            "software": node.software,
            "last_ack": None if ack is None else asdict(ack, filter=lambda field, _: field.name != "errors"),
        }
        yield SeenNode(str(node.node_id), node.last_seen, json.dumps(known))


def _node(seen: SeenNode) -> Node:
    node = Node("", seen.last_seen, seen.last_seen, node_id=seen.node_id, connections=0)
    try:
        known = json.loads(seen.document)
        node.address, node.software = known["address"], known["software"]
        ack = None if known["last_ack"] is None else Report(**known["last_ack"])
    except (ValueError, LookupError, TypeError):
        return node
    node.last_ack = ack
    if ack is not None and ack.hash is not None:
        revision = None if ack.revision is None else Revision(ack.revision)
        node.running = Running(ack.version or "", revision, ack.hash, "control_plane")
    return node
