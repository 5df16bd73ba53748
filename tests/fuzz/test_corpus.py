"""Every input of the corpus, without the fuzzer: what reaches a branch of its own, or once failed."""

from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.fronts import FRONTS, Front
from tests.fuzz.inputs import Input, encoded
from tests.support.tables import table

MOST_BYTES = 200_000


class CorpusTestCase(SynchronousTestCase):
    """One front."""

    def replay(self, front: Front) -> None:
        """Play every input."""
        run = front.load()
        paths = sorted(front.corpus.iterdir())
        self.assertGreater(len(paths), 10)
        for path in paths:
            try:
                run(path.read_bytes())
            except Exception as error:
                raise AssertionError(f"{path} fails: {error!r}") from error


@table(CorpusTestCase.replay, FRONTS)
class CorpusTests(CorpusTestCase):
    """All of them."""

    def test_it_is_small(self) -> None:
        sizes = [path.stat().st_size for front in FRONTS for path in front.corpus.iterdir()]
        self.assertLess(sum(sizes), MOST_BYTES)


class InputTests(SynchronousTestCase):
    """What the bytes of an input mean."""

    def test_it_is_cut_as_it_says(self) -> None:
        scene = Input.of(encoded(9, b"\x00\x02", b"abcdefg"))
        self.assertEqual((scene.choice, scene.pieces), (9, (b"a", b"bcd", b"efg")))

    def test_a_piece_may_be_large(self) -> None:
        stream = bytes(5000)
        self.assertEqual([len(each) for each in Input.of(encoded(0, b"\xff", stream)).pieces], [4096, 904])

    def test_any_bytes_are_an_input(self) -> None:
        for data in (b"", b"\x0f", b"\x02\x00", b"\x02\x00\x00a"):
            Input.of(data)
        self.assertEqual(Input.of(b"\x02\x00\x00a").pieces, (b"a",))
