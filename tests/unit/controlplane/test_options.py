"""The options of the control plane that say how much may change."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.convergence import Expected
from cellrouter.controlplane.options import ControlPlaneOptions


def read(*arguments: str) -> ControlPlaneOptions:
    """Read a command line, without an environment."""
    options = ControlPlaneOptions()
    options.environ = {}
    options.parseOptions(list(arguments))
    return options


class OptionsTests(SynchronousTestCase):
    """From the command line to values."""

    def test_guards_have_the_defaults_that_are_documented(self) -> None:
        options = read()
        guards = [options[name] for name in ("max-removed-pct", "max-remapped-pct", "max-growth")]
        self.assertEqual(guards, [5.0, 10.0, 2.0])
        self.assertIsNone(options["expect-nodes"])

    def test_guards_are_numbers(self) -> None:
        options = read("--max-removed-pct", "0", "--max-remapped-pct", "12.5", "--max-growth", "1.1")
        guards = [options[name] for name in ("max-removed-pct", "max-remapped-pct", "max-growth")]
        self.assertEqual(guards, [0.0, 12.5, 1.1])

    def test_anything_else_is_one_line(self) -> None:
        for flag, text in (
            ("max-removed-pct", "101"),
            ("max-removed-pct", "-1"),
            ("max-remapped-pct", "nan"),
            ("max-remapped-pct", "5%"),
            ("max-growth", "1"),
            ("max-growth", "1e9"),
            ("expect-nodes", "a,,b"),
            ("rollout", "1,25%"),
            ("bake", "60"),
            ("max-5xx-increase", "101"),
            ("max-p99-increase", "-1"),
        ):
            error = self.assertRaises(SystemExit, read, f"--{flag}", text)
            self.assertIn(f"cellrouter-cp: --{flag}: ", str(error))

    def test_a_change_goes_to_all_at_once_unless_steps_are_given(self) -> None:
        options = read()
        self.assertEqual((options["rollout"], options["bake"]), ((), 60.0))
        self.assertEqual((options["max-5xx-increase"], options["max-p99-increase"]), (1.0, 50.0))
        options = read("--rollout", "1,25%,100%", "--bake", "0", "--max-p99-increase", "200")
        self.assertEqual((len(options["rollout"]), options["bake"], options["max-p99-increase"]), (3, 0, 200))

    def test_data_planes_are_expected_by_number_or_by_name(self) -> None:
        self.assertEqual(read("--expect-nodes", "3")["expect-nodes"], Expected(count=3))
        self.assertEqual(read("--expect-nodes", "a,b")["expect-nodes"], Expected(names=("a", "b")))
