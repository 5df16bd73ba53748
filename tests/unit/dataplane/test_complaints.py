"""However much a control plane misbehaves, the log stays short."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.dataplane.complaints import BURST, MAX_REMEMBERED, Complaint, Complaints
from tests.support.logs import CapturedLog


class ComplaintsTests(SynchronousTestCase):
    """What reaches the log."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = CapturedLog(self)
        self.complaints = Complaints(self.clock)

    def test_ten_thousand_complaints_are_a_few_lines(self) -> None:
        for number in range(10_000):
            self.complaints.say(Complaint.REFUSED_MESSAGE, f"number {number}")
        self.assertEqual(self.log.lines, [f"number {number}" for number in range(BURST)])

    def test_what_was_not_logged_is_counted_later(self) -> None:
        for _ in range(BURST + 7):
            self.complaints.say(Complaint.REFUSED_MESSAGE, "again")
        self.clock.advance(10)
        self.complaints.say(Complaint.REFUSED_MESSAGE, "and again")
        self.assertEqual(self.log.lines[-2:], ["7 more refused messages were not logged", "and again"])

    def test_one_kind_does_not_silence_another(self) -> None:
        for _ in range(100):
            self.complaints.say(Complaint.REFUSED_MESSAGE, "garbage")
        self.complaints.say(Complaint.REFUSED_SNAPSHOT, "first", "second")
        self.assertEqual(self.log.lines[-2:], ["first", "second"])

    def test_what_is_said_once_is_said_once(self) -> None:
        for _ in range(3):
            self.complaints.say_once(Complaint.IGNORED, "unknown type")
        self.assertEqual(self.log.lines, ["unknown type"])

    def test_what_is_remembered_is_bounded(self) -> None:
        for number in range(1000):
            self.clock.advance(10)
            self.complaints.say_once(Complaint.IGNORED, f"unknown type {number}")
        self.assertEqual(len(self.log.lines), MAX_REMEMBERED)
