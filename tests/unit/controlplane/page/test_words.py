"""Numbers and times as people read them."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.page import words


class WordsTests(SynchronousTestCase):
    """Each kind of number, at its edges."""

    def test_an_age_has_one_unit(self) -> None:
        cases = {-5: "0 s", 0: "0 s", 59.9: "59 s", 60: "1 min", 3599: "59 min", 3600: "1 h", 172_800: "2 d"}
        for seconds, shown in cases.items():
            self.assertEqual(words.age(seconds), f"{shown} ago")

    def test_an_age_is_measured_from_a_time_in_utc(self) -> None:
        self.assertEqual(words.age_of("2027-01-15T08:00:00.000Z", 1_800_000_090), "1 min ago")

    def test_a_time_is_written_in_utc(self) -> None:
        self.assertEqual(words.utc("2026-11-24T15:35:51.438Z"), "2026-11-24 15:35:51 UTC")

    def test_one_is_one_and_many_are_many(self) -> None:
        self.assertEqual(words.count(1, "data plane"), "1 data plane")
        self.assertEqual(words.count(5000, "data plane"), "5,000 data planes")

    def test_a_small_share_is_not_none(self) -> None:
        for share, shown in (
            (0, "0 %"),
            (0.000385, "0.038 %"),
            (0.0945, "9.45 %"),
            (1, "100 %"),
            (None, "-"),
        ):
            self.assertEqual(words.percent(share), shown)

    def test_figures_have_as_many_digits_as_count(self) -> None:
        for number, shown in ((0.1234, "0.123 ms"), (12.34, "12.3 ms"), (12345.6, "12,346 ms"), (None, "-")):
            self.assertEqual(words.figure(number, "ms"), shown)
