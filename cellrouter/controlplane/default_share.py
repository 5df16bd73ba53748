"""Notices when more of the requests than before have a routing key that is not in the table.

A tenant that a typo dropped from the table is served by the default placement, with status 200 or a few 404s:
of all that is counted, this share shows it first. It is compared with what it was in the ten minutes before,
not with a limit, since fleets differ in how many of their tenants are in the table.
"""

from collections import deque
from math import sqrt

from attrs import define, field, frozen

from cellrouter.daemon.times import utc_timestamp

KIND = "default_share"

MIN_REQUESTS = 100
"""A share of fewer requests, now or before, is none."""

MIN_GROWTH = 0.25
"""Where the default placement is much used its share goes up and down: it has to rise by a part of itself."""

NOISE = 4.0
"""So many standard errors a share has to rise. It is looked at every five seconds: with less, chance would be
enough to warn a fleet with few requests."""

MARKS = 120
"""What it was before is known for so many looks with requests in between: ten minutes of them. After a night
without a request that is the evening."""

ACCUSED_S = 120.0
"""A revision may be why for so long after it became active: the rise is seen half a minute later at most, and
data planes may have been slow to take it."""

CALM_LOOKS = 6
"""So many looks in a row a share has to be down: half a minute, which is a window of other requests. One look
may be chance."""

NORMAL_AFTER_S = 3600.0
"""A share that stays is what is normal after this: a new tenant may be meant to be where it is."""


@frozen
class Alarm:
    """Something that somebody should look at.

    :ivar kind: what it is, for programs.
    :ivar since: since when, in seconds since the epoch.
    :ivar message: what it is, for people.
    """

    kind: str
    since: float
    message: str


@frozen
class Active:
    """The revision that is active.

    :ivar revision: its number.
    :ivar since: since when, in seconds since the epoch.
    :ivar under_way: whether it is still on its way to the data planes.
    """

    revision: int
    since: float
    under_way: bool


@frozen
class _Keyed:
    """Requests with a routing key.

    :ivar exact: those whose key is in the table.
    :ivar default: the others.
    """

    exact: int = 0
    default: int = 0

    @property
    def total(self) -> int:
        return self.exact + self.default

    @property
    def share(self) -> float:
        return self.default / self.total if self.total else 0.0

    def __add__(self, other: "_Keyed") -> "_Keyed":
        return _Keyed(self.exact + other.exact, self.default + other.default)


@define
class DefaultShare:
    """Compares the share of the default placement with what it was.

    :ivar alarm: what somebody should look at, while it is so.
    :ivar ended: how the last alarm ended, for people.

    :param points: percentage points by which the share may rise.
    """

    _points: float
    alarm: Alarm | None = field(init=False, default=None)
    ended: str = field(init=False, default="")
    _usual: float = field(init=False, default=0.0)
    _calm: int = field(init=False, default=0)
    _passed: _Keyed = field(init=False, factory=_Keyed)
    _marks: deque[_Keyed] = field(init=False, factory=lambda: deque(maxlen=MARKS))
    _active: Active | None = field(init=False, default=None)
    _before: int | None = field(init=False, default=None)

    def passed(self, exact: int, default: int) -> None:
        """Take note of requests that are so old by now that they are what was before.

        :param exact: those whose key is in the table.
        :param default: the others.
        """
        self._passed = self._passed + _Keyed(exact, default)

    def look(self, now: float, exact: int, default: int, active: Active | None) -> Alarm | None:
        """Compare.

        :param now: the time.
        :param exact: requests of late whose key is in the table.
        :param default: those with another one.
        :param active: the active revision, if there is one.
        :returns: what there is to be alarmed about.
        """
        self._note_active(active)
        passed, self._passed = self._passed, _Keyed()
        late = _Keyed(exact, default)
        if self.alarm is not None:
            # What was normal stands still meanwhile, or the alarm would become it.
            self._end(now, late, self.alarm)
            return self.alarm
        if passed.total:
            self._marks.append(passed)
        usual = sum(self._marks, start=_Keyed())
        if min(late.total, usual.total) >= MIN_REQUESTS:
            error = sqrt(late.share * (1 - late.share) * (1 / late.total + 1 / usual.total))
            if late.share - usual.share > max(self._allowed(usual.share), NOISE * error):
                self._usual, self._calm = usual.share, 0
                self.alarm = Alarm(KIND, now, self._message(now, late.share))
        return self.alarm

    def _allowed(self, usual: float) -> float:
        return max(self._points / 100, usual * MIN_GROWTH)

    def _end(self, now: float, late: _Keyed, alarm: Alarm) -> None:
        # Half of what begins it, so that a share in between does not begin and end it again and again.
        if late.total < MIN_REQUESTS:
            return
        down = late.share - self._usual <= self._allowed(self._usual) / 2
        self._calm = self._calm + 1 if down else 0
        if self._calm == CALM_LOOKS:
            self.ended = f"the share of the default placement is {late.share:.2%} again"
        elif not down and now - alarm.since >= NORMAL_AFTER_S:
            self.ended = (
                f"the share of the default placement has been high for an hour: {late.share:.2%} is normal"
            )
            self._marks.clear()
        else:
            return
        self.alarm = None

    def _note_active(self, active: Active | None) -> None:
        if active is not None and self._active is not None and active.revision != self._active.revision:
            self._before = self._active.revision
        self._active = active

    def _message(self, now: float, share: float) -> str:
        told = (
            f"the share of requests that go to the default placement has risen from {self._usual:.2%} to"
            f" {share:.2%}: keys that clients send are not in the routing table"
        )
        active = self._active
        if active is None or self._before is None:
            return told
        compare = f"cellrouter diff {self._before} {active.revision}"
        if active.under_way:
            return f"{told}; revision {active.revision} is being rolled out: {compare}"
        if now - active.since > ACCUSED_S:
            return told
        since = utc_timestamp(active.since)
        return f"{told}; revision {active.revision} became active at {since}: {compare}"
