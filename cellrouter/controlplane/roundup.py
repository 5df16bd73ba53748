"""What comes of a snapshot that is sent to many: one line in the log in place of a line for each ack."""

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

MOST_LISTED = 100
"""With more data planes than this an ack has no line of its own in the log."""


class Roundup:
    """Counts who has acked the current snapshot, and tells when nobody's answer is awaited any more.

    :param clock: gives the time.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._revision: int | None = None
        self._waiting: set[object] = set()
        self._sent = self._acked = 0
        self._began = self._last = 0.0

    def begin(self, revision: int) -> None:
        """Begin anew with another snapshot."""
        self._revision = revision
        self._waiting.clear()
        self._sent = self._acked = 0
        self._began = self._last = self._clock.seconds()

    def sent(self, connection: object) -> None:
        """Await the answer of a data plane."""
        self._waiting.add(connection)
        self._sent += 1

    def acked(self, connection: object, revision: int | None) -> None:
        """Take note of an ack."""
        if connection in self._waiting and revision == self._revision:
            self._acked += 1
            self._last = self._clock.seconds()
            self.gone(connection)

    def refused(self, connection: object, revision: int | None) -> None:
        """Take note of a nack; one without a revision is about what was sent last."""
        if revision in (None, self._revision):
            self.gone(connection)

    def gone(self, connection: object) -> None:
        """Await the answer of a data plane no longer."""
        if connection in self._waiting:
            self._waiting.remove(connection)
            if not self._waiting and self._sent > MOST_LISTED:
                self._tell()

    def _tell(self) -> None:
        self.log.info(
            "revision {revision}: {acked} of the {sent} data planes that were sent it have acked, the last"
            " {seconds:.2f} s after it became active",
            revision=self._revision,
            acked=self._acked,
            sent=self._sent,
            seconds=self._last - self._began,
        )
