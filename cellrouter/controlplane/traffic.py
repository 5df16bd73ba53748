"""What the fleet and each data plane have done in the last half minute, and the warning that comes of it.

Status messages tell it, which come every ten seconds and on a change. Each is counted when it comes, for its
data plane and for the fleet: percentiles are those of counts that were added up, and a question costs little.
"""

from collections import deque
from collections.abc import Mapping
from functools import reduce

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from cellrouter.controlplane.counters import Counters, Tally
from cellrouter.controlplane.default_share import Active, Alarm, DefaultShare
from cellrouter.controlplane.fleet import Node, Told, Word
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.placements import Placement, Seen, summed
from cellrouter.controlplane.rollouts import Rollouts

WINDOW_S = 30.0
"""What is shown covers so much, or a little more: a status covers the ten seconds before it."""

SLOT_S = 5.0
"""Statuses that cover less than this are kept together, so that their number does not matter."""

LOOK_S = 5.0
"""How often what is too old is forgotten, and the share of the default placement looked at."""

MIN_SPAN_S = 1.0
"""A rate by less than a second of statuses says nothing."""


@frozen
class Summary:
    """Traffic in a window.

    :ivar per_s: exchanges a second.
    :ivar share_5xx: of them, those that were answered with a 5xx; None when there were none at all.
    :ivar share_default: of those with a routing key, those whose key was not in the table; None when there
        were none with a key.
    :ivar p50_ms: what half of them did not exceed; None when there were none.
    :ivar p99_ms: what 99% of them did not exceed; None when there were none.
    """

    per_s: float
    share_5xx: float | None
    share_default: float | None
    p50_ms: float | None
    p99_ms: float | None

    @classmethod
    def of(cls, tally: Tally, per_s: float) -> "Summary":
        """Sum up.

        :param tally: what was done.
        :param per_s: how much of it a second.
        """
        return cls(
            per_s,
            _share(tally.server_errors, tally.total),
            _share(tally.default, tally.keyed),
            tally.quantile_ms(0.5),
            tally.quantile_ms(0.99),
        )


@define
class _Slot:
    """What a data plane has done in a while.

    :ivar ended_at: when the while ended.
    :ivar span_s: how long it was.
    :ivar done: what was done.
    """

    ended_at: float
    span_s: float
    done: Counters


@define
class _Lately:
    """What a data plane has told lately.

    :ivar told_at: when it did so last.
    :ivar seen: how it sees its placements.
    :ivar slots: what it has done, the longest ago first.
    :ivar summary: of that, when somebody has asked; None when it is to be worked out anew.
    """

    told_at: float
    seen: Mapping[str, Seen] = field(factory=dict)
    slots: deque[_Slot] = field(factory=deque)
    summary: Summary | None = None

    @property
    def per_s(self) -> float | None:
        """Exchanges a second; None when too little is known."""
        span_s = sum([slot.span_s for slot in self.slots])
        return None if span_s < MIN_SPAN_S else sum([slot.done.total for slot in self.slots]) / span_s


class FleetTraffic(Service):
    """Adds up what data planes do.

    :param hub: knows the data planes and what is active.
    :param rollouts: knows whether a revision is on its way to them.
    :param clock: says what is too old.
    :param share: watches the share of the default placement.
    """

    log = Logger()

    def __init__(self, hub: Hub, rollouts: Rollouts, clock: IReactorTime, share: DefaultShare) -> None:
        self._hub = hub
        self._rollouts = rollouts
        self._clock = clock
        self._share = share
        self._lately: dict[Node, _Lately] = {}
        self._told = Tally()
        self._tallies: deque[tuple[float, Tally]] = deque()
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        hub.fleet.listen(self._heard)

    def startService(self) -> None:
        """Begin to look."""
        Service.startService(self)
        self._loop.start(LOOK_S, now=False).addErrback(
            lambda failure: self.log.failure("looking at the traffic failed", failure)
        )

    def stopService(self) -> None:
        """Look no more."""
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()

    @property
    def tally(self) -> Tally:
        """What all have done in the window."""
        return reduce(Tally.plus, (tally for _, tally in self._tallies), self._told)

    @property
    def alarms(self) -> list[Alarm]:
        """What somebody should look at."""
        return [] if self._share.alarm is None else [self._share.alarm]

    def of(self, node: Node) -> Summary | None:
        """Sum up what a data plane has done in the window; None when it has not said."""
        lately = self._lately.get(node)
        if lately is None or (per_s := lately.per_s) is None:
            return None
        if lately.summary is None:
            tally = Tally()
            for slot in lately.slots:
                tally.add(slot.done)
            lately.summary = Summary.of(tally, per_s)
        return lately.summary

    def of_all(self) -> Summary | None:
        """Sum up what all have done in the window; None when none has said."""
        rates = [per_s for lately in self._lately.values() if (per_s := lately.per_s) is not None]
        return Summary.of(self.tally, sum(rates)) if rates else None

    def placements(self) -> dict[str, Placement]:
        """Say how the placements are, as the data planes see them, by name."""
        return summed(lately.seen for lately in self._lately.values())

    def _heard(self, node: Node, word: Word) -> None:
        if word is None:
            self._lately.pop(node, None)
        elif isinstance(word, Told):
            self._note(node, word)

    def _note(self, node: Node, told: Told) -> None:
        now = self._clock.seconds()
        lately = self._lately.get(node)
        if lately is None:
            lately = self._lately[node] = _Lately(now)
        lately.told_at, lately.seen, lately.summary = now, told.placements, None
        if told.done is None:
            return
        self._told.add(told.done)
        last = lately.slots[-1] if lately.slots else None
        if last is not None and last.span_s + told.span_s <= SLOT_S:
            last.ended_at, last.span_s = now, last.span_s + told.span_s
            last.done = last.done.plus(told.done)
        else:
            lately.slots.append(_Slot(now, told.span_s, told.done))

    def _age(self, lately: _Lately, now: float) -> None:
        while lately.slots and lately.slots[0].ended_at <= now - WINDOW_S:
            lately.slots.popleft()
            lately.summary = None

    def _look(self) -> None:
        now = self._clock.seconds()
        for node, lately in list(self._lately.items()):
            self._age(lately, now)
            if lately.told_at <= now - WINDOW_S:
                # It is connected and silent, or has another name by now.
                del self._lately[node]
        self._tallies.append((now, self._told))
        self._told = Tally()
        while self._tallies[0][0] <= now - WINDOW_S:
            _, before = self._tallies.popleft()
            self._share.passed(before.exact, before.default)
        self._watch(now)

    def _watch(self, now: float) -> None:
        current, before, tally = self._hub.current, self._share.alarm, self.tally
        active = None
        if current is not None:
            active = Active(current.accepted.revision, self._hub.announced_at, self._rollouts.under_way)
        alarm = self._share.look(now, tally.exact, tally.default, active)
        if before is None and alarm is not None:
            self.log.warn("{text}", text=alarm.message)
        elif before is not None and alarm is None:
            self.log.info("{text}", text=self._share.ended)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
