"""However much a control plane misbehaves, the log stays short."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.dataplane.complaints import BURST, MAX_REMEMBERED, Budget, Complaint, Complaints
from tests.support.logs import CapturedLog


class BudgetTests(SynchronousTestCase):
    """So many at once, so many per second."""

    def test_it_runs_out_and_comes_back(self) -> None:
        clock = Clock()
        budget = Budget(clock, 3, 0.5)
        self.assertEqual([budget.spend() for _ in range(5)], [True, True, True, False, False])
        clock.advance(2)
        self.assertEqual([budget.spend() for _ in range(2)], [True, False])

    def test_it_never_holds_more_than_its_burst(self) -> None:
        clock = Clock()
        budget = Budget(clock, 2, 10)
        clock.advance(1000)
        self.assertEqual([budget.spend() for _ in range(3)], [True, True, False])

    def test_a_clock_that_is_set_back_does_not_stop_it_for_long(self) -> None:
        clock = Clock()
        clock.advance(1000)
        budget = Budget(clock, 1, 1)
        budget.spend()
        clock.rightNow = 0.0
        self.assertFalse(budget.spend())
        clock.advance(1)
        self.assertTrue(budget.spend())


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
