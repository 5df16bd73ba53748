"""What an operator asks and does about a rollout over HTTP, below ``/rollout``."""

import re

from attrs import frozen
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.controlplane import rollout_reports
from cellrouter.controlplane.exchanges import Operation, Parameters, Question, actor, words
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.daemon.resources import encode
from cellrouter.daemon.text import quoted


@frozen
class RolloutOperations:
    """Answers how a rollout stands, and steers it.

    :param rollouts: drive it.
    """

    rollouts: Rollouts

    async def status(self, request: Request, given: Parameters) -> bytes:
        """Say how the last rollout stands, and how the next one will go."""
        return encode(rollout_reports.status(self.rollouts))

    async def pause(self, request: Request, given: Parameters) -> bytes:
        """Take no further step for now."""
        await self.rollouts.pause(actor(request, given))
        return await self.status(request, given)

    async def promote(self, request: Request, given: Parameters) -> bytes:
        """Take the next step now, if the one that was taken last is the one that is meant."""
        if_step = given.get("if-step")
        await self.rollouts.promote(actor(request, given), if_step if isinstance(if_step, int) else None)
        return await self.status(request, given)

    async def abort(self, request: Request, given: Parameters) -> bytes:
        """Give back the snapshot before."""
        await self.rollouts.abort(actor(request, given), str(given.get("reason", "")))
        return await self.status(request, given)


def step(text: str) -> int:
    """Read the number of a step."""
    if not re.fullmatch("[0-9]{1,2}", text):
        raise ValueError(f"{quoted(text)} is not the number of a step")
    return int(text)


def add_rollout(root: Resource, operations: RolloutOperations) -> None:
    """Put the resources of a rollout below ``/rollout``.

    :param root: the resource at ``/``.
    :param operations: answer.
    """
    rollout = Question(operations.status)
    rollout.putChild(b"pause", Operation(operations.pause, {"actor": words}))
    rollout.putChild(b"promote", Operation(operations.promote, {"actor": words, "if-step": step}))
    rollout.putChild(b"abort", Operation(operations.abort, {"actor": words, "reason": words}))
    root.putChild(b"rollout", rollout)
