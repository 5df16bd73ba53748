"""What the page is made of."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.page.documents import MAX_TEXT_CHARS, clipped, tidy, without
from cellrouter.controlplane.proposals import Proposal
from tests.support.documents import text
from tests.unit.controlplane.page.pages import PageTestCase


class TidyTests(SynchronousTestCase):
    """Texts of others."""

    @given(st.text(alphabet=st.characters(), max_size=2000))
    def test_whatever_a_text_is_it_becomes_short_and_printable(self, hostile: str) -> None:
        shown = clipped(hostile)
        self.assertLessEqual(len(shown), MAX_TEXT_CHARS + 1)
        self.assertTrue(shown.isprintable())
        shown.encode()

    def test_texts_are_made_fit_wherever_they_are(self) -> None:
        hostile = {"a\n": [{"b": "\u202e" + "x" * 1000}, ("\ud800",), 7, None, True]}
        self.assertEqual(
            tidy(hostile), {"a\\n": [{"b": "\\u202e" + "x" * 294 + "…"}, ["\\ud800"], 7, None, True]}
        )

    def test_members_are_left_out_wherever_they_are(self) -> None:
        document = {"age_s": 1, "x": [{"age_s": 2, "y": {"age_s": 3, "z": 4}}]}
        self.assertEqual(without(document, frozenset({"age_s"})), {"x": [{"y": {"z": 4}}]})


class GathererTests(PageTestCase):
    """Gathering."""

    def change(self, version: str) -> None:
        self.successResultOf(
            Deferred.fromCoroutine(
                self.desk.changes.propose(Proposal(content=text(version), actor="ann", override="because"))
            )
        )

    def test_the_last_changes_are_those_of_the_history_the_newest_first(self) -> None:
        for number in range(12):
            self.change(f"2.{number}")
            revisions = [each["revision"] for each in self.documents().versions["versions"]]
            self.assertEqual(revisions, list(range(number + 2, max(0, number - 8), -1)))

    def test_the_history_is_read_when_there_was_a_change(self) -> None:
        reads = []
        entries = self.desk.history.entries
        self.patch(self.desk.history, "entries", lambda: reads.append(1) or entries())
        for version in ("2", "3"):
            self.change(version)
            for _ in range(5):
                self.documents()
        self.assertEqual(len(reads), 2)

    def test_a_history_that_cannot_be_read_says_so_and_the_rest_is_there(self) -> None:
        self.desk.history.disk_is_full = True
        documents = self.documents()
        self.assertEqual(documents.versions["problem"], "history.db: database or disk is full")
        self.assertEqual(documents.fleet["active"]["revision"], 1)
        self.assertIn("The history cannot be read", self.section("changes"))
        self.desk.history.disk_is_full = False
        self.assertNotIn("problem", self.documents().versions)
