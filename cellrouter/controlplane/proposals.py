"""What somebody wants to be active, and what may become of it, as values and exceptions."""

from attrs import frozen

from cellrouter.config import Counts
from cellrouter.controlplane.checking import Checked
from cellrouter.controlplane.guards import Excess
from cellrouter.snapshots.accepted import Accepted

FILE = "file"
"""The actor of what the operator's file says."""

NOT_COMPARABLE = Excess(
    "comparable", "the active config is not valid by this release's rules, so the change cannot be measured"
)


@frozen(kw_only=True)
class Proposal:
    """A document that somebody wants to be active.

    :ivar content: it, as JSON.
    :ivar actor: who wants it.
    :ivar reason: why.
    :ivar override: why it may go beyond the guards; None when it may not.
    :ivar if_revision: the revision that has to be active for it to be taken; None for any.
    :ivar accepted_at: when somebody else has accepted it already, in seconds since the epoch; else None.
    :ivar overridden: the guards that they found it to go beyond; None when they are to be found here.
    """

    content: bytes
    actor: str
    reason: str = ""
    override: str | None = None
    if_revision: int | None = None
    accepted_at: float | None = None
    overridden: str | None = None


@frozen
class Held:
    """The document of the operator's file, waiting for somebody's word because it goes beyond a guard.

    :ivar checked: the document.
    :ivar exceeded: the guards, with the numbers.
    :ivar since: since when it is held, in seconds since the epoch.
    """

    checked: Checked
    exceeded: tuple[Excess, ...]
    since: float


@frozen
class Judgement:
    """What is thought of a document before anything is done about it.

    :ivar checked: the document, which is valid.
    :ivar against: the hash of what it was measured against; None when there was nothing.
    :ivar exceeded: the guards that it goes beyond.
    """

    checked: Checked
    against: str | None
    exceeded: tuple[Excess, ...] = ()


@frozen
class Outcome:
    """What became of something that somebody wanted.

    :ivar accepted: what is active now.
    :ivar changed: whether it has just become so.
    :ivar counts: what has changed, in numbers.
    :ivar staged: whether it goes to the data planes in steps.
    """

    accepted: Accepted
    changed: bool
    counts: Counts | None = None
    staged: bool = False


class BeyondGuards(Exception):
    """A change is larger than changes may be.

    :param exceeded: the guards that it goes beyond.
    """

    def __init__(self, exceeded: tuple[Excess, ...]) -> None:
        super().__init__("; ".join(map(str, exceeded)))
        self.exceeded = exceeded


class RevisionMoved(Exception):
    """Another revision is active than the one that somebody started from; the message says which."""


class NoSuchRevision(Exception):
    """The history does not have a revision."""


class NothingHeld(Exception):
    """There is nothing to be released, or it is not what was seen."""
