"""What the control plane says of a rollout over HTTP, as JSON values."""

from cellrouter.controlplane.counters import Tally
from cellrouter.controlplane.rollout import ACK_TIMEOUT_S, WATCHING, Phase
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.controlplane.steps import write_steps

Json = dict[str, object]

MAX_LISTED = 100


def rollout(rollouts: Rollouts) -> Json | None:
    """Say how the last rollout stands.

    :returns: None when there has been none.
    """
    last, meter = rollouts.rollout, rollouts.watch.meter
    if last is None:
        return None
    document: Json = {
        "revision": last.revision,
        "fallback": last.fallback,
        "phase": last.phase.value,
        "under_way": last.under_way,
        "step": last.taken,
        "steps": [str(step) for step in last.steps],
        "bake_s": last.bake_s,
        "reason": last.reason,
    }
    if not last.under_way:
        return document
    return {
        **document,
        "ack_timeout_s": ACK_TIMEOUT_S,
        "spent_s": round(last.spent_s, 3),
        "members": len(last.members),
        "data_planes": sorted(last.members)[:MAX_LISTED],
        "away": rollouts.attendance.away(),
        "waiting_for": last.waiting_for[:MAX_LISTED] if last.phase is not Phase.PENDING else [],
        "traffic": {
            "new": {**_traffic(meter.new), "data_planes": rollouts.told()},
            "old": _traffic(meter.old),
        }
        if last.phase in WATCHING
        else None,
    }


def status(rollouts: Rollouts) -> Json:
    """Say how the last rollout stands, and how the next one will go."""
    return {"rollout": rollout(rollouts), "next": settings(rollouts)}


def settings(rollouts: Rollouts) -> Json:
    """Say how the next change is rolled out."""
    return {
        "steps": write_steps(rollouts.steps),
        "bake_s": rollouts.bake_s,
        "max_5xx_increase": rollouts.watch.gates.max_5xx_increase,
        "max_p99_increase": rollouts.watch.gates.max_p99_increase,
    }


def _traffic(traffic: Tally) -> Json:
    return {
        "requests": traffic.total,
        "server_errors": traffic.server_errors,
        "errors_pct": round(traffic.errors_pct, 3),
        "p99_ms": traffic.p99_ms,
    }
