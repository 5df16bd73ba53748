"""The last decisions, for whoever asks why a request went where it went."""

from collections import deque
from collections.abc import Mapping

Record = Mapping[str, object]
"""One exchange, as the access log has it."""


class Decisions:
    """A ring of the last exchanges.

    :param size: how many are kept.
    """

    def __init__(self, size: int = 256) -> None:
        self._ring: deque[Record] = deque(maxlen=size)
        self.add = self._ring.append
        """Remember an exchange; the oldest is forgotten."""

    def recent(self) -> list[Record]:
        """Give what is remembered, the newest first."""
        return list(reversed(self._ring))
