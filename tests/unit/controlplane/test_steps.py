"""How the steps of a rollout are written."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.steps import Step, read_steps, write_steps


class StepsTests(SynchronousTestCase):
    """From text to values."""

    def test_steps_are_numbers_and_percentages(self) -> None:
        self.assertEqual(read_steps("1, 25%,100%"), (Step(1, False), Step(25, True), Step(100, True)))
        self.assertEqual(read_steps("all"), ())

    def test_they_are_written_as_they_are_read(self) -> None:
        for text in ("all", "100%", "1,25%,100%", "1,5,10%,100%"):
            self.assertEqual(write_steps(read_steps(text)), text)

    def test_anything_else_is_refused(self) -> None:
        for text in (
            *("", ",", "1", "1,25%", "0,100%", "-1,100%", "0%,100%", "101%", "1,,100%", "x,100%", "1.5,100%"),
            *("5,5,100%", "5,2,100%", "50%,25%,100%", "25%,1,100%", "100%,100%", "all,100%", "1000000,100%"),
            ",".join(f"{number}%" for number in range(50, 101)),
        ):
            self.assertRaises(ValueError, read_steps, text)

    def test_a_share_is_never_exceeded_and_one_at_least(self) -> None:
        quarter = Step(25, True)
        self.assertEqual([quarter.limit(count) for count in (1, 3, 4, 7, 8, 1000)], [1, 1, 1, 1, 2, 250])
        self.assertEqual(Step(3, False).limit(1000), 3)
