"""How each data plane stands to the snapshot that it should run, and whether all do run it."""

from collections.abc import Sequence
from enum import Enum

from attrs import frozen

from cellrouter.controlplane.fleet import Node, Presence, Report

MAX_NAMES = 10_000


class Standing(Enum):
    """How a data plane stands to what it should run.

    ACKED: it has said that it runs it. NACKED: it has refused it. DRIFT: it says that it runs this revision
    or a later one, and it is another config. BEHIND: it has not said anything of it yet.
    """

    ACKED = "acked"
    NACKED = "nacked"
    DRIFT = "drift"
    BEHIND = "behind"


@frozen
class Target:
    """What a data plane should run.

    :ivar revision: its number.
    :ivar hash: the hash of its document.
    :ivar since: since when, in seconds since the epoch.
    """

    revision: int
    hash: str
    since: float = 0.0


def standing(node: Node, target: Target) -> Standing:
    """Tell how a data plane stands to what it should run."""
    ack, nack, running = node.last_ack, node.last_nack, node.running
    if node.refuses and nack is not None and _refuses(nack, target):
        return Standing.NACKED
    if running is None:
        return Standing.BEHIND
    acked = ack is not None and (ack.revision, ack.hash) == (target.revision, target.hash)
    if acked and running.hash == target.hash:
        return Standing.ACKED
    if running.hash != target.hash and running.revision is not None and running.revision >= target.revision:
        return Standing.DRIFT
    return Standing.BEHIND


def _refuses(nack: Report, target: Target) -> bool:
    if nack.revision is None:
        # What could not be read, such as a message that is too large: it was the last that was sent.
        return nack.at >= target.since
    return nack.revision == target.revision and nack.hash in (None, target.hash)


@frozen
class Expected:
    """Which data planes there should be.

    :ivar names: their node ids; None when they are not named.
    :ivar count: how many there should be at least; None when that is not said.
    """

    names: tuple[str, ...] | None = None
    count: int | None = None


ALL_SEEN = Expected()
"""Every data plane that was seen in the last 24 hours, and at least one."""


@frozen
class Convergence:
    """Whether the data planes that there should be run what they should.

    :ivar converged: whether they do.
    :ivar waiting_for: who does not, by node id or address.
    :ivar missing: how many more there should be, of whom no name is known.
    """

    converged: bool
    waiting_for: tuple[str, ...]
    missing: int


def convergence(standings: Sequence[tuple[Node, Standing]], expected: Expected) -> Convergence:
    """Tell whether the data planes that there should be run what they should.

    One that has left counts by what it acked last, unless it has no name: it could not be known again. A name
    that several connections give has not acked: who knows which of them did.

    :param standings: every data plane known, with how it stands to what it should run.
    :param expected: which there should be.
    """
    acked = {node.name for node, state in standings if state is Standing.ACKED and node.connections < 2}
    nodes = [node for node, _ in standings]
    if expected.names is not None:
        waiting = tuple(name for name in expected.names if name not in acked)
        return Convergence(not waiting, waiting, 0)
    if expected.count is not None:
        known = [node for node in nodes if node.presence is Presence.CONNECTED]
        missing = max(0, expected.count - len(acked | {node.name for node in known}))
    else:
        known = [node for node in nodes if node.presence is Presence.CONNECTED or node.node_id is not None]
        missing = 0 if known else 1
    waiting = tuple(name for name in (node.name for node in known) if name not in acked)
    return Convergence(not waiting and not missing, waiting, missing)


def expected_nodes(text: str) -> Expected:
    """Read how many data planes there should be, or their node ids, separated by commas.

    :raises ValueError: when it is neither.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if len(names) == 1 and names[0].isascii() and names[0].isdigit() and len(names[0]) < 10:
        return Expected(count=int(names[0]))
    if not all(names) or len(names) > MAX_NAMES:
        raise ValueError("it is neither a number nor node ids separated by commas")
    return Expected(names=names)
