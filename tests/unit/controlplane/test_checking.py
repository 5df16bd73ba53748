"""Documents are checked, measured and compared."""

import json

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import ConfigRefused
from cellrouter.controlplane.checking import Current, check, describe_changes
from tests.support.documents import document, text

LIMIT_BYTES = 1_000_000


class CheckTests(SynchronousTestCase):
    """What a new document is."""

    def current(self, content: bytes) -> Current:
        checked = check(content, LIMIT_BYTES, None)
        return Current(checked.hash, checked.text)

    def test_its_text_is_compact_and_means_the_same(self) -> None:
        checked = check(json.dumps(document("é"), indent=4).encode(), LIMIT_BYTES, None)
        self.assertEqual(json.loads(checked.text), document("é"))
        self.assertIn('"version":"é"'.encode(), checked.text)
        self.assertEqual(check(checked.text, LIMIT_BYTES, None).hash, checked.hash)

    def test_what_it_changes_is_counted(self) -> None:
        changed = text(routingTable={"acme": "tier3", "globex": "tier1"})
        checked = check(changed, LIMIT_BYTES, self.current(text()))
        assert checked.counts is not None
        self.assertEqual((checked.counts.added, checked.counts.moved), (1, 1))

    def test_the_same_document_changes_nothing(self) -> None:
        self.assertIsNone(check(text(), LIMIT_BYTES, self.current(text())).counts)

    def test_what_cannot_be_compared_is_not_counted(self) -> None:
        self.assertIsNone(check(text(), LIMIT_BYTES, Current("sha256:old", b'{"other": "rules"}')).counts)

    def test_an_invalid_one_is_refused(self) -> None:
        self.assertRaises(ConfigRefused, check, b"{", LIMIT_BYTES, self.current(text()))

    def test_one_that_is_larger_than_the_limit_is_refused(self) -> None:
        self.assertRaises(ConfigRefused, check, text(), 10, None)


class DescribeTests(SynchronousTestCase):
    """Two documents."""

    def test_their_differences_are_json_with_the_counts_first(self) -> None:
        said = json.loads(describe_changes(text("1"), text("2", routingTable={"acme": "tier3"})))
        self.assertEqual(next(iter(said)), "counts")
        self.assertEqual(said["moved"], [{"from": "tier1", "to": "tier3", "count": 1, "keys": ["acme"]}])
        self.assertEqual(said["settings"], [{"field": "version", "from": "1", "to": "2"}])
