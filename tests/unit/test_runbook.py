"""The reader of documents whose commands are run reads them as people do."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.runbook import Command, is_logged, matches, sections

DOCUMENT = """\
Title
=====

Nothing here.

First
-----

Do this::

    $ one
    it prints

       this
    $ two \\
        --three

A log::

    error some.Where  it is broken: ...

An example, which is neither::

    key = value

Second
~~~~~~

Prose ::

    $ four
"""


class SectionTests(SynchronousTestCase):
    """What is found in a document."""

    def test_each_section_has_its_commands_with_what_they_print_and_its_lines_of_a_log(self) -> None:
        first, second = sections(DOCUMENT)
        self.assertEqual(first.title, "First")
        self.assertEqual(
            first.commands,
            (Command("one", ("it prints", "", "   this")), Command("two \\\n    --three", ())),
        )
        self.assertEqual(first.logged, ("error some.Where  it is broken: ...",))
        self.assertEqual((second.title, second.commands), ("Second", (Command("four", ()),)))


class ComparisonTests(SynchronousTestCase):
    """What counts as the same."""

    def test_only_what_the_document_leaves_open_may_differ(self) -> None:
        self.assertTrue(matches(["NODE  AGE", "dp-1  ...", "done"], ["NODE   AGE", "dp-1  12s  -", "done"]))
        self.assertFalse(matches(["dp-1  ..."], ["dp-2  12s"]))
        self.assertFalse(matches(["a"], ["a", "b"]))
        self.assertFalse(matches(["a", "b"], ["a"]))
        self.assertFalse(matches(["a.c"], ["abc"]))
        self.assertTrue(matches([], []))
        self.assertFalse(matches([], ["a"]))

    def test_dots_in_a_line_stay_in_it_and_a_line_of_dots_stands_for_any_lines(self) -> None:
        self.assertFalse(matches(["a ... c"], ["a", "c"]))
        for lines in ([], ["b"], ["b", "", "b"]):
            self.assertTrue(matches(["a", "...", "c"], ["a", *lines, "c"]), lines)

    def test_a_line_of_a_log_may_have_its_time_before_it(self) -> None:
        log = ["2026-11-24T03:26:31.025Z error some.Where  it is broken: badly", "info more"]
        self.assertTrue(is_logged("error some.Where  it is broken: ...", log))
        self.assertTrue(is_logged("info more", log))
        self.assertFalse(is_logged("error some.Where  it is", log))
        self.assertFalse(is_logged("some.Where  it is broken: ...", log))
