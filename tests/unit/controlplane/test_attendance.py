"""Who is there for a rollout, and who may come back."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.attendance import AWAY_S, HELLO_GRACE_S, Attendance
from cellrouter.controlplane.fleet import Fleet, Node
from cellrouter.wire import Hello

DAY_S = 24 * 3600.0


class AttendanceTests(SynchronousTestCase):
    """A control plane that has just begun."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100 * DAY_S)
        self.fleet = Fleet(self.clock)
        self.attendance = Attendance(self.fleet, self.clock)

    def arrive(self, name: str) -> Node:
        return self.fleet.said_hello(self.fleet.arrived("10.0.0.7:1"), Hello(name, "1"))

    def test_who_has_not_said_its_name_is_there_after_a_moment(self) -> None:
        self.fleet.arrived("10.0.0.7:1")
        self.arrive("dp-1")
        self.assertEqual(self.attendance.connected(), ["dp-1"])
        self.clock.advance(HELLO_GRACE_S)
        self.assertEqual(self.attendance.connected(), ["10.0.0.7:1", "dp-1"])

    def test_a_name_is_there_once_for_each_that_has_it(self) -> None:
        self.arrive("dp-1")
        self.arrive("dp-1")
        self.assertEqual(self.attendance.connected(), ["dp-1", "dp-1"])

    def test_those_that_were_there_before_it_began_may_come_back_for_a_while(self) -> None:
        now = self.clock.seconds()
        for name, seen in (("hours ago", now - DAY_S / 2), ("by another clock", now + DAY_S / 2)):
            self.fleet.recall(Node("10.0.0.7:1", seen, seen, node_id=name, connections=0))
        self.assertEqual(self.attendance.away(), 2)
        self.clock.advance(AWAY_S)
        self.assertEqual(self.attendance.away(), 0)

    def test_one_that_left_is_away_for_a_while_and_then_gone(self) -> None:
        self.clock.advance(AWAY_S)
        self.fleet.left(self.arrive("dp-1"))
        self.assertEqual(self.attendance.away(), 1)
        self.clock.advance(AWAY_S)
        self.assertEqual(self.attendance.away(), 0)

    def test_one_without_a_name_could_not_be_known_again(self) -> None:
        self.fleet.left(self.fleet.arrived("10.0.0.7:1"))
        self.assertEqual(self.attendance.away(), 0)
