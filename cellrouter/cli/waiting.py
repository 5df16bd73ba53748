"""Waits until the fleet runs a revision: what a pipeline calls after it has changed the config."""

from typing import Any

import click
from attrs import frozen
from twisted.internet.task import deferLater

from cellrouter.cli import texts
from cellrouter.cli.client import BadUrl
from cellrouter.cli.control_plane import ControlPlane, Json, Refused

POLL_INTERVAL_S = 0.5
ANSWER_TIMEOUT_S = 10.0
CONVERGED, FAILED, TIMED_OUT = 0, 1, 3


@frozen
class Result:
    """How the waiting ended.

    :ivar status: the exit status.
    :ivar text: why, a line or several.
    :ivar fleet: the last report of the fleet, if there was one.
    """

    status: int
    text: str
    fleet: Json | None


async def wait(
    reactor: Any, control_plane: ControlPlane, revision: int | None, expected: str | None, timeout_s: float
) -> Result:
    """Wait until every expected data plane has acked a revision, one has refused it, or the time is over.

    A control plane that does not answer is asked again: it may be restarting.

    :param reactor: measures the time.
    :param control_plane: is asked.
    :param revision: the one to wait for; None for the one that is active by now.
    :param expected: which data planes have to have it; None for those that the control plane expects.
    :param timeout_s: seconds to wait.
    """
    end = reactor.seconds() + timeout_s
    fleet: Json | None = None
    while True:
        query = {"expect-nodes": expected, "state": "nacked"}
        left_s = max(POLL_INTERVAL_S, min(ANSWER_TIMEOUT_S, end - reactor.seconds()))
        try:
            fleet = await control_plane.get("/fleet", query, left_s)
        except (Refused, BadUrl):
            raise
        except click.ClickException as error:
            last = error.message
        else:
            with control_plane.reading():
                if revision is None and fleet["active"] is not None:
                    # What is given back when a rollout fails is not what somebody waits for.
                    revision = fleet["active"]["revision"]
                ended = _judge(fleet, revision)
                last = _last(fleet, revision)
            if ended is not None:
                return Result(*ended, fleet)
        if reactor.seconds() + POLL_INTERVAL_S > end:
            return Result(TIMED_OUT, f"time is over after {timeout_s:g} s: {last}", fleet)
        await deferLater(reactor, POLL_INTERVAL_S)


def _judge(fleet: Json, revision: int | None) -> tuple[int, str] | None:
    """Tell how the waiting has ended, if it has."""
    active = fleet["active"]
    if active is None or (revision is not None and active["revision"] < revision):
        return None
    if revision is not None and active["revision"] > revision:
        text = f"revision {revision} is not active any more: {active['revision']} has taken its place"
        rollout = fleet.get("rollout") or {}
        failed = rollout.get("revision") == revision and rollout["reason"]
        return FAILED, f"{text}; rollout {rollout['phase']}: {failed}" if failed else text
    refusals = [
        f"{each['node_id'] or each['address']} refused revision {active['revision']}: {error}"
        for each in fleet["data_planes"]
        if each["state"] == "nacked" and each["connected"]
        for error in texts.errors(each) or ["without a reason"]
    ]
    if refusals:
        return FAILED, "\n".join(refusals)
    if fleet["converged"]:
        return CONVERGED, f"revision {active['revision']}: {texts.progress(fleet)}"
    return None


def _last(fleet: Json, revision: int | None) -> str:
    active = fleet["active"]
    if active is not None and revision is not None and active["revision"] < revision:
        return f"revision {revision} has not been accepted; {active['revision']} is active"
    return texts.progress(fleet)
