"""Durations as operators write them."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import parse_duration


class DurationTests(SynchronousTestCase):
    """Texts and their seconds."""

    def test_durations(self) -> None:
        for text, seconds in (
            ("500ms", 0.5),
            ("1ms", 0.001),
            ("10s", 10.0),
            ("1m30s", 90.0),
            ("2h", 7200.0),
            ("1h1m1s1ms", 3661.001),
            ("5m500ms", 300.5),
            ("0h10s", 10.0),
            ("90m", 5400.0),
            ("24h", 86400.0),
            ("23h59m60s", 86400.0),
        ):
            self.assertEqual(parse_duration(text), seconds, text)

    def test_what_is_no_duration(self) -> None:
        for text in (
            *("", " ", "10", "s", "10 s", " 10s", "10s ", "10s\n", "-1s", "+1s", "1.5s", "1e3s", "10S"),
            *(
                "30s1m",
                "1s1s",
                "10d",
                "1m30",
                "10sec",
                "\u0661s",
                "9" * 10 + "s",
                "9" * 100_000 + "s",
                "\x00",
            ),
        ):
            error = self.assertRaises(ValueError, parse_duration, text)
            self.assertIn("is not a duration", str(error))
            self.assertLess(len(str(error)), 200)

    def test_no_time_at_all(self) -> None:
        for text in ("0s", "0ms", "0h0m0s0ms"):
            self.assertIn("longer than zero", str(self.assertRaises(ValueError, parse_duration, text)))

    def test_more_than_a_day(self) -> None:
        for text in ("24h1ms", "25h", "86401s", "86400001ms", "999999999h"):
            self.assertIn("at most 24h", str(self.assertRaises(ValueError, parse_duration, text)))
