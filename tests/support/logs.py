"""What a test's code logs, as text."""

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase


class CapturedLog:
    """Collect what is logged until the test ends.

    :ivar events: everything that was logged.
    """

    def __init__(self, test: SynchronousTestCase) -> None:
        self.events: list[LogEvent] = []
        globalLogPublisher.addObserver(self.events.append)
        test.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    @property
    def lines(self) -> list[str]:
        """Each event as its text."""
        return [formatEvent(event) for event in self.events]

    @property
    def text(self) -> str:
        """All of the lines."""
        return "\n".join(self.lines)
