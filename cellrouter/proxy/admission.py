"""How many clients are let in."""

from collections.abc import Callable
from enum import Enum, auto
from math import inf

from twisted.logger import Logger

TELL_AGAIN_S = 60.0
"""Seconds after which a crowd is worth another line in the log."""


class _Door(Enum):
    """Whether clients are let in."""

    OPEN = auto()
    SHUT = auto()


class Admission:
    """Lets no more clients in than there is room for.

    Those who come when it is full wait in the kernel's queue, and are let in as others leave. Accepting them
    instead, only to find that no file descriptor is left, would turn them away, again and again.

    :ivar pause: stops accepting; to be set by whoever listens.
    :ivar resume: accepts again; likewise.

    :param limit: how many there is room for; None for any number.
    :param now: gives the time in seconds.
    """

    log = Logger()

    def __init__(self, limit: int | None, now: Callable[[], float]) -> None:
        self.pause: Callable[[], object] = _do_nothing
        self.resume: Callable[[], object] = _do_nothing
        self._limit = inf if limit is None else limit
        self._now = now
        self._door = _Door.OPEN
        self._tell_again_at_s = -inf

    def counted(self, clients: int) -> None:
        """Take note of how many clients there are."""
        if self._door is _Door.OPEN and clients >= self._limit:
            self._door = _Door.SHUT
            self.pause()
            self._tell()
        elif self._door is _Door.SHUT and clients < self._limit:
            self._door = _Door.OPEN
            self.resume()

    def _tell(self) -> None:
        now_s = self._now()
        if now_s >= self._tell_again_at_s:
            self._tell_again_at_s = now_s + TELL_AGAIN_S
            self.log.warn(
                "{limit} clients are connected, which is the most (--max-connections): others wait until some"
                " leave",
                limit=self._limit,
            )


def _do_nothing() -> None:
    """Stand for a door that nobody has said how to open or shut."""
