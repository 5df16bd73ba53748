"""JSON that could mean two things, or nothing, is refused with its position; all other JSON is read."""

import json

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused, Violation, parse_json
from cellrouter.config.strict_json import MAX_DEPTH

LIMIT_BYTES = 10_000_000


class StrictJsonTests(SynchronousTestCase):
    """Texts and what becomes of them."""

    def refused(self, text: str | bytes, limit_bytes: int = LIMIT_BYTES) -> tuple[Violation, ...]:
        data = text if isinstance(text, bytes) else text.encode()
        return self.assertRaises(ConfigRefused, parse_json, data, limit_bytes).violations

    def message(self, text: str | bytes) -> str:
        (violation,) = self.refused(text)
        self.assertEqual((violation.path, violation.code), ("", "invalid_json"))
        return violation.message


class ReadTests(StrictJsonTests):
    """What is JSON is read."""

    def test_every_kind_of_value(self) -> None:
        text = '{"a": [1, -2, 0.5, 1e3, true, false, null, "é\\u00e9\\n", {}, []]}'
        self.assertEqual(parse_json(text.encode(), LIMIT_BYTES), json.loads(text))

    def test_an_escaped_surrogate_pair_is_one_character(self) -> None:
        for text in (rb'"\ud83d\ude00"', rb'"\uD83D\uDE00"', '"😀"'.encode()):
            self.assertEqual(parse_json(text, LIMIT_BYTES), "😀")

    def test_an_escaped_backslash_before_a_u_is_no_escape(self) -> None:
        self.assertEqual(parse_json(rb'"\\ud800"', LIMIT_BYTES), r"\ud800")

    def test_as_many_digits_as_allowed(self) -> None:
        for number in ("9" * 100, "0." + "9" * 98):
            self.assertEqual(parse_json(number.encode(), LIMIT_BYTES), json.loads(number))
            self.refused(number + "9")

    def test_as_deep_as_allowed(self) -> None:
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            text = opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH
            self.assertEqual(parse_json(text, LIMIT_BYTES), json.loads(text))

    def test_as_large_as_allowed(self) -> None:
        self.assertEqual(parse_json(b"[1]", 3), [1])
        (violation,) = self.refused("[1]", limit_bytes=2)
        self.assertEqual(violation, Violation("", "too_large", "3 bytes are more than the limit of 2 bytes"))


class NotJsonTests(StrictJsonTests):
    """What is no JSON is refused with line and column."""

    def test_the_position_is_told(self) -> None:
        for text, position in (
            ('{"a": 1,\n "b" 2}', "line 2, column 6: "),
            ("[1] 2", "line 1, column 5: "),
            ("[1,]", "line 1, column "),
            ("'a'", "line 1, column 1: "),
            ('["a\tb"]', "line 1, column 4: "),
            ('["\\x"]', "line 1, column 3: "),
            ("[01]", "line 1, column 3: "),
            ("[+1]", "line 1, column 2: "),
            ("// a\n{}", "line 1, column 1: "),
            ("", "line 1, column 1: the document is empty"),
            (" \n ", "line 1, column 1: the document is empty"),
        ):
            self.assertTrue(self.message(text).startswith(position), (text, self.message(text)))

    def test_a_document_that_was_written_twice_or_cut_off_is_called_so(self) -> None:
        document = '{"a": "b"}\n'
        self.assertIn("written twice?", self.message(document * 2))
        for length in range(1, len(document) - 1):
            self.assertIn("cut off?", self.message(document[:length]), document[:length])
        self.assertTrue(self.message("").endswith("the document is empty"))

    def test_a_byte_order_mark(self) -> None:
        self.assertIn("byte order mark", self.message(b"\xef\xbb\xbf{}"))

    def test_what_is_not_utf_8(self) -> None:
        for data, position in (
            (b'[\n"\xe9"]', "line 2, column 2"),
            ("{}".encode("utf-16"), "line 1, column 1"),
            (b'["\xed\xa0\x80"]', "line 1, column 3"),
            (b'["\xc0\xaf"]', "line 1, column 3"),
            (b'["\xe2\x82', "line 1, column 3"),
        ):
            self.assertEqual(self.message(data), f"{position}: not UTF-8 text")

    def test_numbers_that_only_python_knows(self) -> None:
        for number in ("NaN", "Infinity", "-Infinity"):
            text = f'["{number} \\" {number}",\n {number}, {number}]'
            self.assertEqual(self.message(text), f'line 2, column 2: "{number}" is not JSON')

    def test_numbers_too_large_to_mean_anything(self) -> None:
        for number in ("1e309", "-1e309", "1" * 5_000, "-" + "1" * 5_000, "0." + "1" * 5_000):
            text = f'{{"{number}": 1.5e-3,\n"b": {number}}}'
            message = self.message(text)
            self.assertTrue(message.startswith("line 2, column 6: "), message)
            self.assertIn("too large or too long a number", message)
            self.assertLess(len(message), 200)

    def test_half_of_a_surrogate_pair(self) -> None:
        for text, column in (
            (r'["\ud83d"]', 3),
            (r'["\ude00"]', 3),
            (r'["\ude00\ud83d"]', 3),
            (r'["\ud83d\ud83d\ude00"]', 3),
            (r'["\ud83d\ude00\ud83d"]', 15),
            (r'["\\\uD800"]', 5),
            (r'{"\ud800": 1}', 3),
        ):
            expected = f"line 1, column {column}: half of a surrogate pair is no character"
            self.assertEqual(self.message(text), expected)


class DeepTests(StrictJsonTests):
    """Depth is bounded long before the interpreter's stack is."""

    def test_one_level_too_many(self) -> None:
        deep = MAX_DEPTH + 1
        for text in ("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep):
            self.assertIn(f"nested more than {MAX_DEPTH} levels deep", self.message(text))

    def test_the_bracket_that_is_too_deep_is_named(self) -> None:
        text = '{"]": [[], "[",\n' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "]}"
        self.assertTrue(self.message(text).startswith(f"line 2, column {MAX_DEPTH - 1}: "))

    def test_depth_inside_a_member_that_a_repeated_key_replaced(self) -> None:
        text = '{"a":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + ',"a":1}'
        self.assertIn("levels deep", self.message(text))

    def test_far_too_deep(self) -> None:
        for opening in (b"[", b'{"a":', b'[{"a":', b" [", b"[1,"):
            self.assertIn("levels deep", self.message(opening * 100_000))


class RepeatedKeyTests(StrictJsonTests):
    """A repeated key is found wherever it is."""

    def paths(self, text: str) -> list[str]:
        found = self.refused(text)
        self.assertEqual({violation.code for violation in found}, {"duplicate_key"})
        return [violation.path for violation in found]

    def test_anywhere(self) -> None:
        for text, paths in (
            ('{"a": 1, "a": 1}', ["/a"]),
            ('{"a": 1, "b": 2, "a": 3, "b": 4, "a": 5}', ["/a", "/b"]),
            ('{"a": [0, {"b": 1, "b": 2}]}', ["/a/1/b"]),
            ('[{"": 1, "": 2}]', ["/0/"]),
            ('{"a": {"c": 1, "c": 2}, "a": 3}', ["/a", "/a/c"]),
            ('{"a": 1, "\\u0061": 2}', ["/a"]),
            ('{"x/y": {"~": 1, "~": 2}}', ["/x~1y/~0"]),
        ):
            self.assertEqual(self.paths(text), paths, text)

    def test_how_often_is_told(self) -> None:
        (violation,) = self.refused('{"a": 1, "a": 1, "a": 1}')
        self.assertEqual(violation.message, '"a" is written 3 times')

    def test_the_same_key_in_two_objects_is_no_repetition(self) -> None:
        self.assertEqual(parse_json(b'[{"a": 1}, {"a": 1}]', LIMIT_BYTES), [{"a": 1}, {"a": 1}])
