"""Rollouts at several control planes on one key of etcd: each steps through its own data planes."""

from tests.chaos.replicas import Replica, ReplicatedTestCase
from tests.integration.test_rollout import SimulatedDataPlane
from tests.support.processes import until

DATA_PLANES_EACH = 3


class RolloutTests(ReplicatedTestCase):
    """Two control planes with three data planes each, which run what was put first, and an endless bake."""

    async def begin(self) -> None:
        """Start everything."""
        await self.start_etcd()
        self.one, self.two = (Replica(name, self.etcd.port) for name in ("one", "two"))
        self.fleets: dict[str, list[SimulatedDataPlane]] = {}
        for replica in (self.one, self.two):
            await self.start_replica(replica, "--rollout", "1,100%", "--bake", "1h")
            await replica.until_active("1")
            names = [f"{replica.name}-{number}" for number in range(DATA_PLANES_EACH)]
            self.fleets[replica.name] = [SimulatedDataPlane(name) for name in names]
            for data_plane in self.fleets[replica.name]:
                self.addCleanup(data_plane.leave)
                await data_plane.join(replica.url)
            await self.until_running(replica, 2, DATA_PLANES_EACH)

    def running(self, replica: Replica, revision: int) -> list[SimulatedDataPlane]:
        """Give those data planes of a control plane that were sent a revision last."""
        return [each for each in self.fleets[replica.name] if each.revision == revision]

    async def until_running(self, replica: Replica, revision: int, count: int) -> None:
        """Wait until so many data planes of a control plane were sent a revision last."""
        await until(lambda: len(self.running(replica, revision)) == count)

    def got(self, revision: int) -> int:
        """Count the data planes that were ever sent a revision."""
        return sum(revision in each.got for fleet in self.fleets.values() for each in fleet)

    async def test_a_halt_at_one_gives_back_at_all(self) -> None:
        await self.begin()
        for each in self.fleets["one"]:
            each.refuses = True
        bad = await self.put("2", 1)
        for replica in (self.one, self.two):
            await self.until_running(replica, bad + 1, DATA_PLANES_EACH)
            health = await replica.get()
            self.assertEqual((health["version"], health["revision"]), ("1", bad + 1))
            (entry, *_) = (await replica.get("/config/versions"))["versions"]
            self.assertEqual((entry["actor"], entry["restores"]), ("rollout", 2))
            self.assertIn("refused it", entry["reason"])
            self.assertNotIn(b"Traceback", replica.process.stderr)
        self.assertLessEqual(self.got(bad), 2)

    async def test_both_halt_at_once_and_one_gives_back_for_both(self) -> None:
        await self.begin()
        for fleet in self.fleets.values():
            for each in fleet:
                each.refuses = True
        bad = await self.put("2", 1)
        for replica in (self.one, self.two):
            await self.until_running(replica, bad + 1, DATA_PLANES_EACH)
            self.assertNotIn(b"Traceback", replica.process.stderr)
        self.assertEqual(await self.put("3", 1), bad + 2)

    async def test_what_is_put_meanwhile_begins_with_what_everybody_ran(self) -> None:
        await self.begin()
        first = await self.put("2", 1)
        for replica in (self.one, self.two):
            await self.until_running(replica, first, 1)
        second = await self.put("3", 1)
        # Given back under the next number, and begun anew under the one after it.
        begun = second + 2
        for replica in (self.one, self.two):
            await self.until_running(replica, begun, 1)
            health = await replica.get()
            self.assertEqual((health["version"], health["revision"]), ("3", begun))
            self.assertTrue(health["rollout"]["under_way"])
            self.assertEqual(len(self.running(replica, second + 1)), DATA_PLANES_EACH - 1)
            self.assertNotIn(b"Traceback", replica.process.stderr)

    async def test_what_an_operator_does_meanwhile_begins_with_what_everybody_ran(self) -> None:
        await self.begin()
        first = await self.put("2", 1)
        for replica in (self.one, self.two):
            await self.until_running(replica, first, 1)
        status, answer = await self.one.post("/config/apply?actor=anna", self.config("3", 1))
        self.assertEqual((status, answer["revision"], answer["staged"]), (200, first + 2, True), answer)
        for replica in (self.one, self.two):
            await self.until_running(replica, first + 2, 1)
            self.assertEqual(len(self.running(replica, first + 1)), DATA_PLANES_EACH - 1)
            (entry, *_) = (await replica.get("/config/versions"))["versions"]
            self.assertEqual((entry["actor"], entry["revision"]), ("anna", first + 2))

    async def test_a_halt_while_etcd_is_away_reaches_nobody_else_and_gives_back_when_it_is_there(
        self,
    ) -> None:
        await self.begin()
        bad = await self.put("2", 1)
        for replica in (self.one, self.two):
            await self.until_running(replica, bad, 1)
        await self.etcd.stop()
        await self.one.process.until_logged("nothing can be changed until")
        (victim,) = self.running(self.one, bad)
        await victim.leave()
        await self.one.process.until_logged("the snapshot before cannot be given back")
        self.assertEqual(self.got(bad), 2)
        await self.etcd.start()
        await self.until_running(self.one, bad + 1, DATA_PLANES_EACH - 1)
        await self.until_running(self.two, bad + 1, DATA_PLANES_EACH)
        self.assertNotIn(b"Traceback", self.one.process.stderr)
