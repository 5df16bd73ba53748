"""When somebody is told that more keys than before are not in the table."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.default_share import (
    CALM_LOOKS,
    MARKS,
    NORMAL_AFTER_S,
    Active,
    Alarm,
    DefaultShare,
)

LOOK_S = 5.0


class DefaultShareTestCase(SynchronousTestCase):
    """Looks at a share, every five seconds."""

    def setUp(self) -> None:
        self.share = DefaultShare(1.0)
        self.now = 1_000_000_000.0
        self.active: Active | None = Active(1, self.now, False)

    def look(self, percent: float, requests: int = 10_000, passed: bool = True) -> Alarm | None:
        """Look once: so much of late, and the same passes."""
        self.now += LOOK_S
        default = round(requests * percent / 100)
        alarm = self.share.look(self.now, requests - default, default, self.active)
        if passed:
            self.share.passed((requests - default) // 6, default // 6)
        return alarm

    def usually(self, percent: float, requests: int = 10_000) -> None:
        """Let it be so for a while."""
        for _ in range(30):
            self.assertIsNone(self.look(percent, requests))


class JumpTests(DefaultShareTestCase):
    """What is a jump."""

    def test_a_percentage_point_more_than_before_is_one(self) -> None:
        self.usually(0.5)
        self.assertIsNone(self.look(1.4))
        alarm = self.look(2.0)
        assert alarm is not None
        self.assertEqual((alarm.kind, alarm.since), ("default_share", self.now))
        self.assertRegex(alarm.message, r"has risen from 0\.5\d% to 2\.00%")

    def test_of_a_share_that_is_high_anyway_it_takes_a_quarter_more(self) -> None:
        self.usually(40)
        self.assertIsNone(self.look(48))
        self.assertIsNotNone(self.look(52))

    def test_a_higher_limit_allows_more(self) -> None:
        self.share = DefaultShare(20.0)
        self.usually(0)
        self.assertIsNone(self.look(19))
        self.assertIsNotNone(self.look(21))

    def test_a_few_requests_say_nothing(self) -> None:
        self.usually(0)
        self.assertIsNone(self.look(100, 99))
        self.assertIsNone(self.look(10, 100), "by chance")
        self.assertIsNotNone(self.look(50, 100))

    def test_with_nothing_to_compare_with_there_is_no_jump(self) -> None:
        self.assertIsNone(self.look(100))
        self.share = DefaultShare(1.0)
        for _ in range(3):
            self.assertIsNone(self.look(0, 30))
        self.assertIsNone(self.look(100, 10_000))

    def test_what_was_usual_outlasts_a_time_without_requests(self) -> None:
        self.usually(0)
        for _ in range(10 * MARKS):
            self.assertIsNone(self.look(0, 0))
        self.assertIsNotNone(self.look(10))

    def test_what_was_longer_ago_does_not_count(self) -> None:
        self.usually(0)
        percent = 0.0
        while percent < 30:
            # Slowly enough that it is never a jump.
            percent += 0.1
            for _ in range(15):
                self.assertIsNone(self.look(percent))


class EndTests(DefaultShareTestCase):
    """How it ends."""

    def setUp(self) -> None:
        super().setUp()
        self.usually(0.5)
        self.assertIsNotNone(self.look(5))

    def calm_down(self, percent: float) -> None:
        """Let the share be low for half a minute, after which the alarm has to have ended."""
        for _ in range(CALM_LOOKS - 1):
            self.assertIsNotNone(self.look(percent))
        self.assertIsNone(self.look(percent))

    def test_it_ends_when_the_share_is_half_way_down(self) -> None:
        self.assertIsNotNone(self.look(1.2))
        self.calm_down(0.9)
        self.assertIn("is 0.90% again", self.share.ended)

    def test_a_share_in_between_neither_ends_nor_begins_it_again(self) -> None:
        for percent in (1.6, 1.4, 1.6, 1.2, 1.7):
            self.assertIsNotNone(self.look(percent))
        self.calm_down(0.8)
        for percent in (1.2, 1.4, 1.2):
            self.assertIsNone(self.look(percent))

    def test_a_share_that_is_low_by_chance_does_not_end_it(self) -> None:
        for _ in range(20):
            for percent in (2, *[0.9] * (CALM_LOOKS - 1)):
                self.assertIsNotNone(self.look(percent))

    def test_it_does_not_end_for_want_of_requests(self) -> None:
        for _ in range(1000):
            self.assertIsNotNone(self.look(0, 50))

    def test_what_was_normal_before_it_is_normal_after_it(self) -> None:
        for _ in range(2 * MARKS):
            self.assertIsNotNone(self.look(5))
        self.calm_down(0.5)
        self.assertIsNotNone(self.look(3))

    def test_it_does_not_become_what_is_usual_for_an_hour_and_then_does(self) -> None:
        for _ in range(int(NORMAL_AFTER_S / LOOK_S) - 1):
            self.assertIsNotNone(self.look(5))
        self.assertIsNone(self.look(5))
        self.assertIn("has been high for an hour: 5.00% is normal", self.share.ended)
        self.usually(5)
        self.assertIsNotNone(self.look(10))


class RevisionTests(DefaultShareTestCase):
    """What became active in between."""

    def message(self) -> str:
        alarm = self.look(10)
        assert alarm is not None
        return alarm.message

    def test_a_revision_that_became_active_just_before_is_named(self) -> None:
        self.usually(0)
        self.active = Active(4, self.now, False)
        self.look(0)
        message = self.message()
        self.assertIn("revision 4 became active at 2001-09-09T01:49:10.000Z: cellrouter diff 1 4", message)

    def test_one_that_did_so_long_before_is_not(self) -> None:
        self.active = None
        self.usually(0)
        self.active = Active(3, self.now, False)
        self.look(0)
        self.active = Active(4, self.now, False)
        self.usually(0)
        self.assertNotIn("revision", self.message())

    def test_one_that_is_on_its_way_is(self) -> None:
        self.usually(0)
        self.active = Active(4, self.now, True)
        self.usually(0)
        self.assertIn("revision 4 is being rolled out: cellrouter diff 1 4", self.message())

    def test_the_one_that_was_active_all_along_is_not(self) -> None:
        self.active = None
        self.usually(0)
        self.active = Active(7, self.now, True)
        self.assertNotIn("revision", self.message())
