"""What the history holds, as values."""

from attrs import frozen

from cellrouter.config import Revision


@frozen
class SeenNode:
    """A data plane that was seen.

    :ivar node_id: its name.
    :ivar last_seen: when it last sent anything, in seconds since the epoch.
    :ivar document: what else is known of it, as JSON.
    """

    node_id: str
    last_seen: float
    document: str


@frozen(kw_only=True)
class Submission:
    """A validated document on its way into the history.

    :ivar version: the operator's label.
    :ivar hash: SHA-256 of the canonical document.
    :ivar accepted_at: when, in seconds since the epoch.
    :ivar actor: who or what submitted it.
    :ivar reason: why, in the actor's words; empty when none was given.
    :ivar changes: what it changes, in numbers, for people; empty when there was nothing before it.
    :ivar overridden: the guards that it goes beyond with the actor's will; empty when there are none.
    :ivar restores: the revision whose document it brings back, if it is a rollback.
    :ivar text: the document as compact JSON.
    """

    version: str
    hash: str
    accepted_at: float
    actor: str
    reason: str
    changes: str = ""
    overridden: str = ""
    restores: int | None = None
    text: bytes


@frozen(kw_only=True)
class Entry:
    """A line of the history; the fields are those of :class:`Submission`, without the document.

    :ivar revision: its number, never used for another document.
    """

    revision: Revision
    version: str
    hash: str
    accepted_at: float
    actor: str
    reason: str
    changes: str = ""
    overridden: str = ""
    restores: int | None = None


@frozen(kw_only=True)
class Accepted(Entry):
    """A snapshot that was accepted.

    :ivar text: the document as compact JSON.
    """

    text: bytes
