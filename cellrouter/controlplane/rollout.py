"""A new snapshot on its way through the fleet, step by step: a state machine without I/O and without a clock.

A :class:`Rollout` is a value. What happens is a method that returns the next value, or the same one when
nothing comes of it; a value says which data planes have the new snapshot (:meth:`Rollout.reaches`) and
whether it is to be taken back. Whoever drives it stores a value before more data planes are sent anything for
it. Data planes are known by name: their node id, or their address when they give none. Those that share a
name cannot be told apart, so they come last; a list of who is there has the name once for each.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection
from enum import Enum

from attrs import evolve, field, frozen

from cellrouter.controlplane.counters import Counters
from cellrouter.controlplane.steps import Steps, read_steps, write_steps

ACK_TIMEOUT_S = 120.0
"""How long the data planes of a step have to ack: one that was away may wait a minute before it connects."""

MAX_NAMED = 5


class Phase(Enum):
    """Where a rollout stands.

    PENDING: no step has been taken. SENDING: a step was taken, and not every data plane in it has acked.
    BAKING: all have, and are watched for a while. PAUSED: somebody wants no further step; they are watched.
    HALTING: something went wrong, and ABORTING: somebody wants it to end; nobody else gets the new snapshot,
    and the one before it is to be given back. All others are final: DONE: everybody has it. HALTED, ABORTED:
    the one before it was given back. SUPERSEDED: another snapshot has taken its place.
    """

    PENDING = "pending"
    SENDING = "sending"
    BAKING = "baking"
    PAUSED = "paused"
    HALTING = "halting"
    ABORTING = "aborting"
    DONE = "done"
    HALTED = "halted"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"


GOING_ON = frozenset({Phase.PENDING, Phase.SENDING, Phase.BAKING, Phase.PAUSED})
GIVING_BACK = frozenset({Phase.HALTING, Phase.ABORTING})
WATCHING = frozenset({Phase.BAKING, Phase.PAUSED})
"""The phases in which the traffic of the data planes is judged."""


class NotPossible(Exception):
    """What somebody wants of a rollout cannot be, as it stands; the message says why."""


@frozen
class Rollout:
    """How far a snapshot has got.

    :ivar revision: its number; 0 before it has one.
    :ivar fallback: the revision that everybody ran before it.
    :ivar steps: how it gets to everybody.
    :ivar bake_s: seconds for which each step is watched.
    :ivar phase: where it stands.
    :ivar taken: how many of the steps were taken.
    :ivar members: who has it, by the steps that were taken; after the last one everybody else has it, too.
    :ivar traffic: what data planes had done before it, for comparison.
    :ivar reason: why it was halted, aborted or superseded.
    :ivar acked: who of the members has said that it runs it. Not kept through a restart.
    :ivar spent_s: seconds in this phase. Not kept through a restart.
    """

    revision: int
    fallback: int
    steps: Steps
    bake_s: float
    phase: Phase = Phase.PENDING
    taken: int = 0
    members: frozenset[str] = frozenset()
    reason: str = ""
    traffic: Counters = field(factory=Counters, eq=False)
    acked: frozenset[str] = field(default=frozenset(), eq=False)
    spent_s: float = field(default=0.0, eq=False)

    @property
    def under_way(self) -> bool:
        """Whether data planes run different snapshots, or may."""
        return self.phase in GOING_ON or self.phase in GIVING_BACK

    @property
    def everybody(self) -> bool:
        """Whether the last step was taken."""
        return self.taken == len(self.steps)

    @property
    def waiting_for(self) -> list[str]:
        """Who has it and has not acked it."""
        return sorted(self.members - self.acked)

    def reaches(self, name: str) -> bool:
        """Tell whether a data plane has the new snapshot."""
        return self.everybody or name in self.members

    def ticked(
        self, elapsed_s: float, connected: Collection[str], breach: str | None = None, away: int = 0
    ) -> "Rollout":
        """Let time pass.

        While most data planes are away, after a restart of the control plane for example, there is none of
        the steps that would be next: all of them would get the new snapshot as they come back.

        :param elapsed_s: seconds since the last tick, or since this phase has begun.
        :param connected: the data planes that are there.
        :param breach: what is wrong with the traffic of those that have the new snapshot, if anything is.
        :param away: how many others may come back soon.
        """
        if breach is not None and self.phase in WATCHING:
            return self._halt(breach)
        spent_s = self.spent_s + elapsed_s
        match self.phase:
            case Phase.PENDING if _shared(connected) < set(connected):
                return self._take_step(connected)
            case Phase.SENDING if spent_s > ACK_TIMEOUT_S:
                return self._halt(f"no ack within {ACK_TIMEOUT_S:.0f} s from {some(self.waiting_for)}")
            case Phase.BAKING if spent_s >= self.bake_s and away <= len(connected):
                return self._take_step(connected)
            case Phase.SENDING | Phase.BAKING | Phase.PAUSED:
                return evolve(self, spent_s=spent_s)
        return self

    def took(self, name: str) -> "Rollout":
        """Take note that a data plane has acked."""
        if self.phase not in GOING_ON or name not in self.members or name in self.acked:
            return self
        after = evolve(self, acked=self.acked | {name})
        if self.phase is Phase.SENDING and after.acked == self.members:
            return evolve(after, phase=Phase.BAKING, spent_s=0.0)
        return after

    def refused(self, name: str, why: str) -> "Rollout":
        """Take note that a data plane has refused the new snapshot."""
        if self.phase not in GOING_ON or not self.reaches(name):
            return self
        return self._halt(f"{name} refused it: {why}")

    def left(self, name: str) -> "Rollout":
        """Take note that a data plane has no connection any more.

        One that has not acked yet may come back and do so.
        """
        if self.phase not in GOING_ON or name not in self.acked:
            return self
        return self._halt(f"{name} was lost after it had taken it")

    def paused(self) -> "Rollout":
        """Take no further step.

        :raises NotPossible: when there is none to be taken.
        """
        self._demand_going_on()
        return self if self.phase is Phase.PAUSED else evolve(self, phase=Phase.PAUSED, spent_s=0.0)

    def promoted(self, connected: Collection[str]) -> "Rollout":
        """Take the next step now, whatever the data planes in the last one say.

        :param connected: the data planes that are there.
        :raises NotPossible: when there is none to be taken.
        """
        self._demand_going_on()
        if not connected and not self.everybody:
            raise NotPossible("no data plane is connected")
        if not self.taken and _shared(connected) == set(connected):
            raise NotPossible("no data plane is connected that has a name of its own to begin with")
        return self._take_step(connected)

    def aborted(self, reason: str) -> "Rollout":
        """Give back the snapshot before.

        :param reason: who wants it, and why.
        :raises NotPossible: when it is too late.
        """
        self._demand_going_on()
        return evolve(self, phase=Phase.ABORTING, reason=reason)

    def replaced(self, revision: int) -> "Rollout":
        """End: another snapshot is everybody's, or begins a rollout of its own.

        :param revision: its number.
        """
        match self.phase:
            case Phase.HALTING:
                return evolve(self, phase=Phase.HALTED)
            case Phase.ABORTING:
                return evolve(self, phase=Phase.ABORTED)
            case phase if phase in GOING_ON:
                reason = f"revision {revision} has taken its place"
                return evolve(self, phase=Phase.SUPERSEDED, reason=reason)
        return self

    def document(self) -> str:
        """Write what is kept through a restart, without the revision, as JSON."""
        return json.dumps(
            {
                "fallback": self.fallback,
                "steps": write_steps(self.steps),
                "bake_s": self.bake_s,
                "phase": self.phase.value,
                "taken": self.taken,
                "members": sorted(self.members),
                "reason": self.reason,
                "traffic": self.traffic.document(),
            }
        )

    @classmethod
    def restored(cls, revision: int, document: str) -> "Rollout":
        """Read what :meth:`document` has written.

        Who has it has to ack it again, and is watched anew: nothing is known of what they did meanwhile.
        """
        kept = json.loads(document)
        phase = Phase(kept["phase"])
        return cls(
            revision,
            kept["fallback"],
            read_steps(kept["steps"]),
            kept["bake_s"],
            phase=Phase.SENDING if phase is Phase.BAKING else phase,
            taken=kept["taken"],
            members=frozenset(kept["members"]),
            reason=kept["reason"],
            traffic=Counters.reported(kept.get("traffic", {}), {}) or Counters(),
        )

    def _demand_going_on(self) -> None:
        if self.phase not in GOING_ON:
            raise NotPossible(f"the rollout of revision {self.revision} is {self.phase.value}")

    def _halt(self, reason: str) -> "Rollout":
        return evolve(self, phase=Phase.HALTING, reason=reason)

    def _take_step(self, connected: Collection[str]) -> "Rollout":
        """Take the next step that reaches anybody new; after the last one it is done."""
        there, shared = self.members.union(connected), _shared(connected)
        for taken in range(self.taken + 1, len(self.steps) + 1):
            new = there - self.members
            if taken < len(self.steps):
                room = max(0, self.steps[taken - 1].limit(len(there)) - len(self.members))
                order = sorted(new, key=lambda name: (name in shared, self._rank(name)))
                new = frozenset(order[:room])
            if new:
                members = self.members | new
                return evolve(self, phase=Phase.SENDING, taken=taken, members=members, spent_s=0.0)
        return evolve(self, phase=Phase.DONE, taken=len(self.steps))

    def _rank(self, name: str) -> bytes:
        """Order the data planes in a way that is another one for each revision: all share the risk."""
        return hashlib.sha256(f"{self.revision}:{name}".encode("utf-8", "replace")).digest()


def _shared(connected: Collection[str]) -> set[str]:
    return {name for name, count in Counter(connected).items() if count > 1}


def some(names: list[str]) -> str:
    """List the first few of many names."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
