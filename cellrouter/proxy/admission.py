"""How many clients are let in."""

from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Protocol

from twisted.logger import Logger

TELL_AGAIN_S = 60.0
"""Seconds after which a crowd is worth another line in the log."""


class Listener(Protocol):
    """Whoever accepts clients."""

    def accept_few(self) -> None:
        """Accept only some, before the reactor does anything else."""

    def pause(self) -> None:
        """Accept nobody for now."""

    def resume(self) -> None:
        """Accept again."""


class _Door(Enum):
    """Whether clients are let in."""

    OPEN = auto()
    SHUT = auto()


class Admission:
    """Lets no more clients in than there is room for.

    Those who come when it is full wait in the kernel's queue, and are let in as others leave. Accepting them
    instead, only to find that no file descriptor is left, would turn them away, again and again.

    :ivar listener: accepts clients; None for nobody.
    :ivar limit: how many there is room for; infinite for any number.

    :param limit: the same; None for any number.
    :param now: gives the time in seconds.
    """

    log = Logger()

    def __init__(self, limit: int | None, now: Callable[[], float]) -> None:
        self.listener: Listener | None = None
        self.limit = inf if limit is None else limit
        self._now = now
        self._door = _Door.OPEN
        self._tell_again_at_s = -inf

    def counted(self, clients: int) -> None:
        """Take note of how many clients there are."""
        if self.listener is None:
            return
        self.listener.accept_few()
        if self._door is _Door.OPEN and clients >= self.limit:
            self._door = _Door.SHUT
            self.listener.pause()
            self._tell()
        elif self._door is _Door.SHUT and clients < self.limit:
            self._door = _Door.OPEN
            self.listener.resume()

    def _tell(self) -> None:
        now_s = self._now()
        if now_s >= self._tell_again_at_s:
            self._tell_again_at_s = now_s + TELL_AGAIN_S
            self.log.warn(
                "{limit} clients are connected, which is the most (--max-connections): others wait until some"
                " leave",
                limit=self.limit,
            )
