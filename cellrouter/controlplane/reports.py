"""What the control plane says of itself over HTTP, as JSON values."""

from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest

from attrs import asdict
from twisted.internet.interfaces import IReactorTime
from twisted.web import http

from cellrouter.controlplane import rollout_reports, traffic_reports
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.convergence import Expected, Standing, Target, convergence, standing
from cellrouter.controlplane.fleet import Node, Presence, Report
from cellrouter.controlplane.hub import Announcement, Hub
from cellrouter.controlplane.proposals import Held
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.controlplane.sources import ISource, Json
from cellrouter.controlplane.traffic import FleetTraffic
from cellrouter.daemon.resources import encode
from cellrouter.daemon.times import utc_timestamp
from cellrouter.snapshots.accepted import Entry
from cellrouter.wire import Running

MAX_LISTED = 100
NO_CONFIG = "no config has been accepted yet"

_WORST_FIRST = (Standing.NACKED, Standing.DRIFT, Standing.BEHIND)
"""Of those that are connected; then come those that left, then those that are as they should be."""


def health(hub: Hub, source: ISource, changes: Changes, rollouts: Rollouts) -> tuple[int, Json]:
    """Say whether a valid config is held, and how what the operator wrote stands to it.

    :returns: the HTTP status, 200 or 503, and the document.
    """
    if hub.current is None:
        reasons = source.reasons() or [NO_CONFIG]
        return http.SERVICE_UNAVAILABLE, {"status": "unavailable", "reasons": reasons, **source.health()}
    document: Json = {
        "status": "ok",
        **_identity(hub.current),
        "data_planes": hub.connected,
        **source.health(),
        "held": None if changes.held is None else _held(changes.held, source.how_to_release),
        "rollout": rollout_reports.rollout(rollouts),
    }
    return http.OK, document


def fleet(
    hub: Hub,
    source: ISource,
    rollouts: Rollouts,
    traffic: FleetTraffic,
    clock: IReactorTime,
    expected: Expected,
    shown: Standing | None = None,
    most: int | None = None,
) -> Json:
    """Put what :func:`fleet_in_parts` gives into one document; for thousands that takes long."""
    document, listed = fleet_in_parts(hub, source, rollouts, traffic, clock, expected, shown, most)
    return {**document, "data_planes": list(listed)}


def fleet_in_parts(
    hub: Hub,
    source: ISource,
    rollouts: Rollouts,
    traffic: FleetTraffic,
    clock: IReactorTime,
    expected: Expected,
    shown: Standing | None = None,
    most: int | None = None,
) -> tuple[Json, Iterator[Json]]:
    """Tell how the fleet stands, and list the data planes that are known, the connected ones first.

    :param expected: which data planes there should be.
    :param shown: list only those that stand like this, though all are counted; None for all.
    :param most: list so many at most, the worst first, though all are counted; None for all.
    :returns: what comes before the list, and the list's members, each made when it is taken.
    """
    now, nodes, current = clock.seconds(), hub.fleet.nodes(), hub.current
    document: Json = {
        "active": None if current is None else _identity(current),
        **source.in_fleet(),
        "connected": hub.connected,
        "rollout": rollout_reports.rollout(rollouts),
        **traffic_reports.fleet(traffic),
    }

    def listed(node: Node, state: Standing | None) -> Json:
        return {**_node(node, state, now), "traffic": traffic_reports.data_plane(traffic, node)}

    if current is None:
        return {**document, "converged": False}, (listed(node, None) for node in nodes[:most])

    def target(node: Node) -> Target:
        accepted = (rollouts.intended(node) or current).accepted
        return Target(accepted.revision, accepted.hash, hub.announced_at)

    standings = [(node, standing(node, target(node))) for node in nodes]
    found = convergence(standings, expected)
    states = Counter(state for _, state in standings)
    departed = Counter(state for node, state in standings if node.presence is Presence.DEPARTED)
    chosen = [(node, state) for node, state in standings if shown in (None, state)]
    if most is not None:
        chosen = nsmallest(most, chosen, key=_worst_first)
    document |= {
        "converged": found.converged and not rollouts.under_way,
        "waiting_for": list(found.waiting_for[:MAX_LISTED]),
        "missing": found.missing,
        "states": {each.value: states[each] for each in Standing},
        "departed": {each.value: departed[each] for each in Standing},
    }
    return document, (listed(node, state) for node, state in chosen)


def config(hub: Hub) -> bytes:
    """Give the active document with its version, revision, hash and source.

    :returns: JSON text; empty when there is none.
    """
    if hub.current is None:
        return b""
    accepted = hub.current.accepted
    head = {**_identity(hub.current), "accepted_at": utc_timestamp(accepted.accepted_at)}
    return with_config(head, accepted.text)


def with_config(head: Json, text: bytes) -> bytes:
    """Write a document with a config in it that is JSON text already, and may be long.

    :param head: the members before it.
    :param text: the config.
    """
    return b'%b,"config":%b}\n' % (encode(head)[:-2], text)


def entry(accepted: Entry) -> Json:
    """Say what the history knows of an accepted config."""
    return {
        "revision": accepted.revision,
        "version": accepted.version,
        "hash": accepted.hash,
        "accepted_at": utc_timestamp(accepted.accepted_at),
        "actor": accepted.actor,
        "reason": accepted.reason,
        "changes": accepted.changes,
        "overridden": accepted.overridden,
        "restores": accepted.restores,
    }


def _held(held: Held, how_to_release: str) -> Json:
    return {
        "version": held.checked.version,
        "hash": held.checked.hash,
        "since": utc_timestamp(held.since),
        "exceeded": [{"guard": each.guard, "message": each.text} for each in held.exceeded],
        "counts": None if held.checked.counts is None else asdict(held.checked.counts),
        "how_to_release": how_to_release,
    }


def _identity(announcement: Announcement) -> Json:
    accepted = announcement.accepted
    return {
        "version": accepted.version,
        "revision": accepted.revision,
        "hash": accepted.hash,
        "source_id": announcement.source_id,
    }


def _worst_first(stands: tuple[Node, Standing]) -> tuple[int, str]:
    """Order data planes by how much they need somebody's attention, then by name."""
    node, state = stands
    if node.presence is Presence.CONNECTED and state is not Standing.ACKED:
        return _WORST_FIRST.index(state), node.name
    return len(_WORST_FIRST) + (node.presence is Presence.CONNECTED), node.name


def _node(node: Node, state: Standing | None, now: float) -> Json:
    return {
        "node_id": node.node_id,
        "address": node.address,
        "connected": node.presence is Presence.CONNECTED,
        "state": None if state is None else state.value,
        "connections": node.connections,
        "since": utc_timestamp(node.since),
        "last_seen": utc_timestamp(node.last_seen),
        "age_s": _age(node.last_seen, now),
        "software": node.software,
        "running": _running(node.running),
        "last_ack": _report(node.last_ack, now),
        "last_nack": _report(node.last_nack, now),
    }


def _running(running: Running | None) -> Json | None:
    if running is None:
        return None
    return {
        "version": running.version,
        "revision": running.revision,
        "hash": running.hash,
        "source": running.source,
    }


def _report(report: Report | None, now: float) -> Json | None:
    if report is None:
        return None
    document: Json = {
        "version": report.version,
        "revision": report.revision,
        "hash": report.hash,
        "at": utc_timestamp(report.at),
        "age_s": _age(report.at, now),
    }
    if report.apply_ms is not None:
        document["apply_ms"] = report.apply_ms
    if report.errors:
        document["errors"] = [
            {"path": error.path, "code": error.code, "message": error.message} for error in report.errors
        ]
    return document


def _age(then: float, now: float) -> float:
    # The wall clock may be set back between the two.
    return round(max(0.0, now - then), 3)
