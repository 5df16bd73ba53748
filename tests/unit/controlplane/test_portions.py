"""Others have their turn between portions."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.portions import in_portions


class PortionsTests(SynchronousTestCase):
    """Items on a fake clock."""

    def taken(self, count: int) -> tuple[list[list[int]], Clock]:
        clock, found = Clock(), list[list[int]]()

        async def take() -> None:
            async for portion in in_portions(range(count), 3, clock):
                found.append(portion)
                clock.callLater(0, found.append, [])

        Deferred.fromCoroutine(take()).addErrback(lambda failure: self.fail(str(failure)))
        return found, clock

    def test_few_items_are_there_at_once(self) -> None:
        self.assertEqual(self.taken(2)[0], [[0, 1]])
        self.assertEqual(self.taken(0)[0], [])

    def test_others_have_their_turn_between_portions_of_many(self) -> None:
        found, clock = self.taken(8)
        self.assertEqual(found, [[0, 1, 2]])
        clock.advance(0)
        self.assertEqual(found, [[0, 1, 2], [], [3, 4, 5], [], [6, 7], []])
