"""A crowd of clients waits outside."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.proxy.admission import Admission
from tests.support.logs import CapturedLog
from tests.unit.proxy.rigs import GET, OK, RigTestCase

CROWD = "2 clients are connected, which is the most (--max-connections): others wait until some leave"


class Listener:
    """Remembers what it was told.

    :ivar calls: each pause and resume.
    :ivar few: how often it was told to accept only some.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.few = 0

    def accept_few(self) -> None:
        """Count."""
        self.few += 1

    def pause(self) -> None:
        """Remember."""
        self.calls.append("pause")

    def resume(self) -> None:
        """Remember."""
        self.calls.append("resume")


class AdmissionTests(SynchronousTestCase):
    """When the door is shut and opened."""

    def setUp(self) -> None:
        self.log = CapturedLog(self)
        self.clock = Clock()
        self.admission = Admission(2, self.clock.seconds)
        self.listener = self.admission.listener = Listener()

    def test_it_is_shut_when_it_is_full_and_opened_when_one_leaves_once_each(self) -> None:
        for clients in (1, 2, 3, 2, 1, 0, 1, 2):
            self.admission.counted(clients)
        self.assertEqual(self.listener.calls, ["pause", "resume", "pause"])

    def test_only_some_are_accepted_at_a_time_before_others_are_served(self) -> None:
        for clients in (1, 2, 1):
            self.admission.counted(clients)
        self.assertEqual(self.listener.few, 3)

    def test_it_is_told_when_it_is_full_and_not_again_for_a_minute(self) -> None:
        for _ in range(100):
            self.admission.counted(2)
            self.admission.counted(1)
        self.assertEqual([line for line in self.log.lines if CROWD in line], self.log.lines)
        self.assertEqual(len(self.log.lines), 1)
        self.clock.advance(60)
        self.admission.counted(2)
        self.assertEqual(len(self.log.lines), 2)

    def test_without_a_limit_it_stays_open(self) -> None:
        admission = Admission(None, self.clock.seconds)
        listener = admission.listener = Listener()
        admission.counted(1_000_000)
        self.assertEqual(listener.calls, [])


class EngineTests(RigTestCase):
    """What the clients' connections count for."""

    settings = {"max_connections": 2}  # noqa: RUF012 - as in the base class

    def test_connections_are_counted_from_their_beginning_to_their_end(self) -> None:
        listener = self.rig.engine.admission.listener = Listener()
        calls = listener.calls
        first, _ = self.rig.client(), self.rig.client()
        self.assertEqual(calls, ["pause"])
        first.send(GET)
        self.rig.cell().send(OK)
        self.assertEqual(calls, ["pause"])
        first.leave()
        self.assertEqual(calls, ["pause", "resume"])
