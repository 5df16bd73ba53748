"""The snapshot being served."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config import CompiledConfig, Revision, load_document
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot, Source
from tests.support.documents import document
from tests.support.logs import CapturedLog

RESILIENT = {"tier3": {"url": "http://127.0.0.1:9003", "concurrency_limit": 5}}


def snapshot(version: str = "1.0.0", revision: int | None = None, **fields: object) -> Snapshot:
    """Compile a config."""
    loaded = load_document(document(version, **fields))
    return Snapshot.build(
        CompiledConfig.of(loaded), Source.FILE, None if revision is None else Revision(revision)
    )


class ActiveSnapshotTests(SynchronousTestCase):
    """One snapshot is served at any time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = CapturedLog(self)
        self.installed: list[Snapshot] = []
        self.active = ActiveSnapshot(self.installed.append, self.clock)

    def test_an_applied_snapshot_is_installed_and_current(self) -> None:
        first = snapshot(revision=7)
        self.clock.advance(100)
        self.active.apply(first)
        self.assertIs(self.active.current, first)
        self.assertEqual((self.installed, self.active.applied_at), ([first], 100.0))
        self.assertIn('serving version "1.0.0", revision 7, from file', self.log.lines)

    def test_the_same_document_under_another_revision_keeps_its_table_and_its_age(self) -> None:
        first = snapshot(revision=7)
        self.active.apply(first)
        self.clock.advance(10)
        second = first.confirmed(Source.CONTROL_PLANE, Revision(8), "source")
        self.active.apply(second)
        self.assertIs(second.table, first.table)
        self.assertEqual((self.installed, self.active.applied_at), ([first, second], 0.0))
        self.assertEqual((second.revision, second.source), (8, Source.CONTROL_PLANE))

    def inert_lines(self) -> list[str]:
        return [line for line in self.log.lines if "no effect" in line]

    def test_fields_without_effect_are_logged_once_as_long_as_they_are_the_same(self) -> None:
        for version in ("1", "2", "3"):
            self.active.apply(snapshot(version, cellEndpoints={"tier1": "http://a"}, placements=RESILIENT))
        (line,) = self.inert_lines()
        self.assertIn("/placements/tier3/concurrency_limit", line)

    def test_a_config_without_such_fields_is_not_commented_on(self) -> None:
        self.active.apply(snapshot())
        self.assertEqual(self.inert_lines(), [])

    def test_a_thousand_such_fields_are_one_short_line(self) -> None:
        placements = {f"p{number}": RESILIENT["tier3"] for number in range(1000)} | RESILIENT
        self.active.apply(snapshot(cellEndpoints={"tier1": "http://a"}, placements=placements))
        (line,) = self.inert_lines()
        self.assertIn("and 996 more", line)
        self.assertLess(len(line), 500)
