"""A bound on how often something is done in answer to somebody who may misbehave."""

from twisted.internet.interfaces import IReactorTime


class Budget:
    """A token bucket: so many at once, and so many per second in the long run.

    :param clock: tells the time.
    :param burst: how many may be spent at once.
    :param per_second: how fast they come back.
    """

    def __init__(self, clock: IReactorTime, burst: float, per_second: float) -> None:
        self._clock = clock
        self._burst = self._left = float(burst)
        self._per_second = per_second
        self._filled_at = clock.seconds()

    def spend(self, amount: float = 1) -> bool:
        """Take one or more, and say whether there were so many; if not, none is taken."""
        now = self._clock.seconds()
        # A clock that is set back takes nothing away.
        elapsed = max(0.0, now - self._filled_at)
        self._filled_at = now
        self._left = min(self._burst, self._left + elapsed * self._per_second)
        if self._left < amount:
            return False
        self._left -= amount
        return True
