"""What an operator asks and does over HTTP, below ``/config``."""

from functools import partial

from attrs import asdict, field, frozen
from twisted.internet.defer import DeferredLock
from twisted.web.resource import Resource
from twisted.web.server import Request

from cellrouter.controlplane import reports
from cellrouter.controlplane.bodies import body
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.checking import describe_changes
from cellrouter.controlplane.exchanges import (
    BadRequest,
    Operation,
    Parameters,
    Question,
    actor,
    revision,
    words,
)
from cellrouter.controlplane.proposals import NoSuchRevision, Outcome, Proposal
from cellrouter.daemon.children import InChild, turn
from cellrouter.daemon.resources import encode
from cellrouter.snapshots.accepted import Accepted
from cellrouter.snapshots.history import History

MAX_WAITING = 8


@frozen
class Operations:
    """Answers questions about the history, and makes changes.

    Anybody may ask, so the questions stand in line: one at a time is read from the history, which has changes
    to store, and one comparison at a time has its documents in memory.

    :param changes: makes them.
    :param history: knows what was accepted.
    :param in_child: runs comparisons.
    """

    changes: Changes
    history: History
    in_child: InChild
    _reading: DeferredLock = field(init=False, factory=DeferredLock)
    _comparing: DeferredLock = field(init=False, factory=DeferredLock)

    async def versions(self, request: Request, given: Parameters) -> bytes:
        """List what the history has, the newest first."""
        async with turn(self._reading, MAX_WAITING, "questions"):
            entries = await self.history.entries()
        active = self.changes.active
        return encode(
            {
                "active": None if active is None else active.revision,
                "versions": [reports.entry(entry) for entry in entries],
            }
        )

    async def version(self, number: int, request: Request, given: Parameters) -> bytes:
        """Give an accepted config with everything that is known of it."""
        found = await self._find(number)
        return reports.with_config(reports.entry(found), found.text)

    async def diff(self, request: Request, given: Parameters) -> bytes:
        """Compare two revisions by what they mean."""
        if given.keys() != {"from", "to"}:
            raise BadRequest("give two revisions: from and to")
        async with turn(self._comparing, MAX_WAITING, "comparisons"):
            before = await self._find(_number(given["from"]))
            after = await self._find(_number(given["to"]))
            differences: bytes = await self.in_child(describe_changes, before.text, after.text)
        head = encode({"from": reports.entry(before), "to": reports.entry(after)})
        return head[:-2] + b"," + differences[1:] + b"\n"

    async def apply(self, request: Request, given: Parameters) -> bytes:
        """Make the document in the body active."""
        override = given.get("override")
        proposal = Proposal(
            content=body(request),
            actor=actor(request, given),
            reason=str(given.get("reason") or override or ""),
            override=None if override is None else str(override),
            if_revision=_number(given["if-revision"]) if "if-revision" in given else None,
        )
        return _said(await self.changes.propose(proposal))

    async def release(self, request: Request, given: Parameters) -> bytes:
        """Make active what is held of the file."""
        reason = _reason(given)
        expected_hash = given.get("hash")
        outcome = await self.changes.release(
            None if expected_hash is None else str(expected_hash), actor(request, given), reason
        )
        return _said(outcome)

    async def roll_back(self, request: Request, given: Parameters) -> bytes:
        """Make the content of an earlier revision active again."""
        if "to" not in given:
            raise BadRequest("to: give the revision to go back to")
        outcome = await self.changes.roll_back(
            _number(given["to"]),
            actor(request, given),
            _reason(given),
            _number(given["if-revision"]) if "if-revision" in given else None,
        )
        return _said(outcome)

    async def _find(self, number: int) -> Accepted:
        async with turn(self._reading, MAX_WAITING, "questions"):
            found = await self.history.find(number)
        if found is None:
            raise NoSuchRevision(f"revision {number} is not in the history; see cellrouter history")
        return found


class Versions(Question):
    """``/config/versions``, with a child for each revision.

    :param operations: answer.
    """

    def __init__(self, operations: Operations) -> None:
        super().__init__(operations.versions)
        self._operations = operations

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Return the resource of a revision."""
        try:
            number = revision(path.decode("ascii"))
        except ValueError:
            return super().getChild(path, request)
        return Question(partial(self._operations.version, number))


def add_operations(config: Resource, operations: Operations) -> None:
    """Put the resources of the operations below ``/config``.

    :param config: the resource at ``/config``.
    :param operations: answer.
    """
    who = {"actor": words, "reason": words}
    config.putChild(b"versions", Versions(operations))
    config.putChild(b"diff", Question(operations.diff, {"from": revision, "to": revision}))
    applying = {**who, "override": words, "if-revision": revision}
    config.putChild(b"apply", Operation(operations.apply, applying))
    config.putChild(b"release", Operation(operations.release, {**who, "hash": words}))
    config.putChild(
        b"rollback", Operation(operations.roll_back, {**who, "to": revision, "if-revision": revision})
    )


def _said(outcome: Outcome) -> bytes:
    """Say what became of a change."""
    accepted = outcome.accepted
    return encode(
        {
            "result": "accepted" if outcome.changed else "unchanged",
            **reports.entry(accepted),
            "counts": None if outcome.counts is None else asdict(outcome.counts),
            "staged": outcome.staged,
        }
    )


def _reason(given: Parameters) -> str:
    if "reason" not in given:
        raise BadRequest("reason: say why")
    return str(given["reason"])


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
