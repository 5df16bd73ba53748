"""The list of violations stays short and printable, whatever the document holds."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused, Violation
from cellrouter.config.violations import (
    MAX_REPORT_CHARS,
    MAX_VIOLATIONS,
    Findings,
    did_you_mean,
    pointer,
    printable,
    quoted,
)


def violation(path: str) -> Violation:
    """Make one."""
    return Violation(path, "code", "")


class FindingsTests(SynchronousTestCase):
    """Many violations."""

    def setUp(self) -> None:
        self.findings = Findings()

    def test_nothing_found_refuses_nothing(self) -> None:
        self.findings.refuse_if_any()
        self.assertFalse(self.findings)

    def test_what_was_found_is_refused_in_its_order(self) -> None:
        self.findings.add("/b", "code", "one")
        self.findings.add("/a", "code", "two")
        refused = self.assertRaises(ConfigRefused, self.findings.refuse_if_any)
        self.assertEqual(refused.violations, (Violation("/b", "code", "one"), Violation("/a", "code", "two")))
        self.assertEqual(str(refused), "/b: code: one\n/a: code: two")

    def test_as_many_as_are_kept(self) -> None:
        self.findings.add_each(["/"] * MAX_VIOLATIONS, violation)
        self.assertEqual(self.findings.violations, (violation("/"),) * MAX_VIOLATIONS)

    def test_the_rest_is_counted_and_not_described(self) -> None:
        described: list[str] = []

        def describe(path: str) -> Violation:
            described.append(path)
            return violation(path)

        self.findings.add_each([str(number) for number in range(MAX_VIOLATIONS + 7)], describe)
        self.findings.add_each(["x"] * 3, describe)
        *kept, rest = self.findings.violations
        self.assertEqual(len(described), MAX_VIOLATIONS)
        self.assertEqual([each.path for each in kept], described)
        self.assertEqual(rest, Violation("", "too_many_violations", "and 10 more that are not listed"))

    def test_long_ones_are_fewer(self) -> None:
        self.findings.add_each(["x" * (MAX_REPORT_CHARS // 4)] * 9, violation)
        *kept, rest = self.findings.violations
        self.assertEqual((len(kept), rest.message), (4, "and 5 more that are not listed"))


class ViolationTests(SynchronousTestCase):
    """One violation as a line."""

    def test_the_whole_document_has_a_name(self) -> None:
        self.assertEqual(str(violation("")), "(document): code: ")

    def test_a_path_cannot_forge_a_line(self) -> None:
        self.assertEqual(str(violation("/a\nb\u202e")), "/a\\nb\\u202e: code: ")


class PointerTests(SynchronousTestCase):
    """JSON pointers, RFC 6901."""

    def test_tokens_are_escaped(self) -> None:
        self.assertEqual(pointer(), "")
        self.assertEqual(pointer("a/b", "m~n", "", "0", "~1"), "/a~1b/m~0n//0/~01")

    def test_long_tokens_are_shortened(self) -> None:
        self.assertEqual(pointer("k" * 256), "/" + "k" * 256)
        self.assertEqual(pointer("k" * 1_000_000), "/" + "k" * 256 + "…")

    def test_half_a_surrogate_pair_can_be_written(self) -> None:
        self.assertEqual(pointer("\ud800"), "/\\ud800")


class TextTests(SynchronousTestCase):
    """Pieces of documents in messages."""

    def test_printable_text_is_left_alone(self) -> None:
        self.assertEqual(printable("é😀 \\"), "é😀 \\")

    def test_what_a_terminal_would_obey_is_escaped(self) -> None:
        self.assertEqual(printable("a\x1b[0m\n\u202e\ud800"), "a\\x1b[0m\\n\\u202e\\ud800")

    def test_quotations_are_short(self) -> None:
        self.assertEqual(quoted("a"), '"a"')
        self.assertEqual(quoted("a" * 1000), '"' + "a" * 80 + '…"')


class SuggestionTests(SynchronousTestCase):
    """Did you mean."""

    def test_the_closest_name(self) -> None:
        self.assertEqual(did_you_mean("fallbak", ["fallback", "url"]), '; did you mean "fallback"?')

    def test_nothing_close(self) -> None:
        self.assertEqual(did_you_mean("zzz", ["fallback", "url"]), "")
        self.assertEqual(did_you_mean("zzz", []), "")

    def test_no_comparison_that_takes_long(self) -> None:
        self.assertEqual(did_you_mean("tier", [f"tier{number}" for number in range(1000)]), "")
        self.assertEqual(did_you_mean("a" * 10_000, ["a" * 10_000]), "")
