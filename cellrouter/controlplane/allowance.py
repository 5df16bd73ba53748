"""What one data plane may cost the control plane, so that no other pays for it."""

from twisted.internet.interfaces import IReactorTime

from cellrouter.daemon.budget import Budget

BYTES_AT_ONCE = 4 * 1024 * 1024
BYTES_PER_S = 256 * 1024
"""Far more than a data plane has to say: a status every second, of a thousand placements."""

FRAME_COST_BYTES = 4096
"""What a frame costs beside its payload: reading an empty one takes as long as reading some kilobytes."""

LINES_AT_ONCE = 20
LINES_PER_S = 1.0


class Allowance:
    """Count what a data plane sends, and what is logged of it.

    :param clock: tells the time.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._bytes = Budget(clock, BYTES_AT_ONCE, BYTES_PER_S)
        self._lines = Budget(clock, LINES_AT_ONCE, LINES_PER_S)
        self._unsaid = 0

    def frame(self, length: int) -> bool:
        """Pay for a frame.

        :param length: of its payload, in bytes.
        :returns: whether there is enough left.
        """
        return self._bytes.spend(length + FRAME_COST_BYTES)

    def line(self) -> int | None:
        """Pay for a line of the log.

        :returns: how many lines were not logged before it; None when this one is not to be logged either.
        """
        if not self._lines.spend():
            self._unsaid += 1
            return None
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid
