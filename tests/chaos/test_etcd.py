"""Several control planes on one key of etcd: whatever dies, data planes go on, and all agree in the end."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tests.chaos.relay import Relay
from tests.chaos.replicas import Replica, ReplicatedTestCase
from tests.chaos.test_control_plane_connections import peak_bytes
from tests.support.processes import until, until_answers

MIB = 1024 * 1024
HUGE_BYTES = 100 * MIB
MAX_CONFIG_BYTES = 5 * MIB
MOST_GROWTH_BYTES = 80 * MIB
ROUNDS = 5
FLOODS = 3


class Flood(Factory):
    """A server that answers each connection without end.

    :ivar left: how many connections their clients have left.

    :param beginning: sent first.
    :param piece: sent again and again.
    """

    noisy = False

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        self.beginning = beginning
        self.piece = piece
        self.left = 0

    def buildProtocol(self, addr: object) -> "Flooding":
        """Take a connection."""
        flooding = Flooding()
        flooding.factory = self
        return flooding


class Flooding(Protocol):
    """One connection of it."""

    def connectionMade(self) -> None:
        self.transport.write(self.factory.beginning)
        self.transport.registerProducer(self, streaming=False)

    def resumeProducing(self) -> None:
        self.transport.write(self.factory.piece)

    def stopProducing(self) -> None:
        self.transport.unregisterProducer()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.left += 1


class AgreementTests(ReplicatedTestCase):
    """Nothing fails, and both serve the same."""

    async def test_what_is_put_has_the_same_revision_and_source_everywhere(self) -> None:
        replicas = await self.start_replicas()
        revision = await self.put("2", 1)
        healths = [await replica.until_active("2") for replica in replicas]
        self.assertEqual({each["revision"] for each in healths}, {revision})
        self.assertEqual(len({each["source_id"] for each in healths}), 1)

    async def test_what_an_operator_does_at_one_the_others_record_with_who_and_why(self) -> None:
        one, two = await self.start_replicas()
        status, answer = await one.post("/config/apply?actor=anna&reason=moving", self.config("2", 1))
        self.assertEqual((status, answer["result"]), (200, "accepted"), answer)
        await two.until_active("2")
        entries = [(await each.get("/config/versions"))["versions"][0] for each in (one, two)]
        self.assertEqual(entries[0], entries[1])
        self.assertEqual((entries[1]["actor"], entries[1]["reason"]), ("anna", "moving"))

    async def test_what_goes_beyond_a_guard_is_held_everywhere_and_released_by_one(self) -> None:
        one, two = await self.start_replicas()
        await self.put("2", 0, routingTable={f"c{number}": "tier1" for number in range(100)})
        for each in (one, two):
            await each.until_active("2")
        await self.put("3", 0, routingTable={f"c{number}": "tier1" for number in range(50)})
        for each in (one, two):
            await each.process.until_logged("is held; revision . stays active")
        status, answer = await two.post("/config/release?actor=anna&reason=really")
        self.assertEqual(status, 200, answer)
        await one.until_active("3")
        entries = [(await each.get("/config/versions"))["versions"][0] for each in (one, two)]
        self.assertEqual(entries[0], entries[1])
        self.assertIn("50 of 100 routes are removed", entries[0]["overridden"])
        self.assertIsNone((await one.get())["held"])

    async def test_of_two_operators_at_once_one_wins_and_the_other_is_told(self) -> None:
        one, two = await self.start_replicas()
        revision = 2
        for number in range(ROUNDS):
            path = f"/config/apply?if-revision={revision}"
            versions = [f"{number}-{replica.name}" for replica in (one, two)]
            answers = await gatherResults(
                [
                    Deferred.fromCoroutine(each.post(path, self.config(version, cell)))
                    for cell, (each, version) in enumerate(zip((one, two), versions, strict=True))
                ]
            )
            self.assertEqual(sorted(status for status, _ in answers), [200, 412], answers)
            (won,) = (answer for status, answer in answers if status == 200)
            for each in (one, two):
                health = await each.until_active(won["version"])
                self.assertEqual(health["revision"], won["revision"])
            revision = won["revision"]

    async def test_the_same_content_put_again_is_acked_under_its_new_number_and_not_rebuilt(self) -> None:
        one, two = await self.start_replicas()
        await self.start_data_plane(one, two)
        applied_at = (await self.fleet.served())["applied_at"]
        revision = await self.put("1", 0)
        await self.fleet.data_plane.until_logged(f"revision {revision}\\b")
        self.assertEqual((await two.until_active("1"))["source_id"], (await one.get())["source_id"])
        await until(lambda: f"runs revision {revision}".encode() in one.process.stderr + two.process.stderr)
        self.assertEqual((await self.fleet.served())["applied_at"], applied_at)


class KilledTests(ReplicatedTestCase):
    """Control planes die under load."""

    async def test_whichever_is_killed_requests_flow_and_changes_arrive_by_the_other(self) -> None:
        one, two = await self.start_replicas()
        await self.start_data_plane(one, two)
        load = await self.load()
        for number, (victim, other) in enumerate([(one, two), (two, one)], 2):
            await victim.process.stop("KILL")
            await self.put(f"{number}", number % 2)
            await other.until_active(f"{number}")
            await self.fleet.until_served(f"{number}")
            await self.start_replica(victim)
            health = await victim.until_active(f"{number}")
            self.assertEqual(health["revision"], (await other.get())["revision"])
        await load.until_answered(100)
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        self.assert_none_misrouted()


class LostEtcdTests(ReplicatedTestCase):
    """etcd is away for a while."""

    async def test_everything_is_served_meanwhile_and_changes_go_on_when_it_is_back(self) -> None:
        one, two = await self.start_replicas()
        await self.start_data_plane(one, two)
        load = await self.load()
        await self.etcd.stop()
        for each in (one, two):
            await each.process.until_logged("revision 2 stays active, and nothing can be changed until")
            health = await each.get()
            self.assertEqual((health["status"], health["source"]["connected"]), ("ok", False))
        self.assertIn(b"The config key cannot be watched", await until_answers(f"{one.url}/"))
        self.assertIn(b"cellrouter_source_connected 0.0", await until_answers(f"{one.url}/metrics"))
        status, answer = await one.post("/config/apply", self.config("2", 1))
        self.assertEqual(status, 503)
        self.assertIn("nothing can be changed now", answer["detail"])
        await self.etcd.start()
        for each in (one, two):
            await each.process.until_logged("etcd is back")
            self.assertEqual(each.process.stderr.count(b"nothing can be changed until"), 1)
        await self.put("2", 1)
        await self.fleet.until_served("2")
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)
        self.assert_none_misrouted()

    async def test_a_control_plane_that_starts_meanwhile_serves_what_it_had(self) -> None:
        one, two = await self.start_replicas()
        await self.etcd.stop()
        await one.process.stop("KILL")
        await self.start_replica(one)
        await self.start_data_plane(one)
        self.assertEqual((await self.fleet.served())["revision"], 2)
        self.assertFalse((await one.get())["source"]["connected"])
        await self.etcd.start()
        await self.put("2", 1)
        await self.fleet.until_served("2")
        self.assertEqual((await one.get())["source_id"], (await two.until_active("2"))["source_id"])

    async def test_it_comes_back_compacted(self) -> None:
        one, two = await self.start_replicas()
        await self.start_data_plane(one, two)
        await two.process.stop("KILL")
        for number in range(2, 6):
            newest = await self.put(f"{number}", number % 2)
        await self.fleet.until_served("5")
        await self.etcd.compact(newest)
        await self.etcd.stop("KILL")
        await self.start_replica(two)
        await self.etcd.start()
        self.assertEqual((await two.until_active("5"))["revision"], newest)
        await self.put("6", 0)
        for each in (one, two):
            await each.until_active("6")
        await self.fleet.until_served("6")

    async def test_one_that_has_lost_its_data_is_not_believed(self) -> None:
        (one, _two) = await self.start_replicas()
        await self.put("2", 1)
        await one.until_active("2")
        await self.etcd.stop()
        self.etcd.forget_everything()
        await self.etcd.start()
        await self.put("lost", 0)
        await one.process.until_logged("and was at 3: its data were lost")
        health = await one.get()
        self.assertEqual((health["version"], health["source"]["connected"]), ("2", False))

    async def test_one_that_was_restored_is_not_believed_until_the_config_is_put_again(self) -> None:
        one, two = await self.start_replicas()
        await self.etcd.stop()
        self.etcd.back_up()
        await self.etcd.start()
        for number in range(2, 5):
            await self.put(f"{number}", 1)
        for each in (one, two):
            await each.until_active("4")
            await each.process.stop()
        await self.etcd.stop()
        self.etcd.restore()
        await self.etcd.start()
        for _ in range(5):
            await self.etcd.put(b"x", "another")
        for each in (one, two):
            await self.start_replica(each)
            await each.process.until_logged("the key is at revision 2 and was at 5")
            status, _ = await each.post("/config/apply", self.config("lost", 0))
            self.assertEqual((status, (await each.get())["version"]), (503, "4"))
        revision = await self.put("5", 0)
        for each in (one, two):
            self.assertEqual((await each.until_active("5"))["revision"], revision)


class CutOffTests(ReplicatedTestCase):
    """The network between one control plane and etcd is cut, and neither is told."""

    async def start_cut_off(self) -> tuple[Replica, Replica, Relay]:
        """Start two control planes, the second one behind a relay."""
        await self.start_etcd()
        relay = Relay(self, reactor, self.etcd.port)
        one, two = Replica("one", self.etcd.port), Replica("two", relay.entrance)
        for replica in (one, two):
            await self.start_replica(replica)
            await replica.until_active("1")
        return one, two, relay

    async def test_it_finds_out_serves_what_it_has_and_catches_up(self) -> None:
        one, two, relay = await self.start_cut_off()
        await self.start_data_plane(two)
        load = await self.load()
        relay.swallow = True
        relay.cut()
        await self.put("2", 1)
        await one.until_active("2")
        await two.process.until_logged("no answer within 5 s; revision 2 stays active")
        self.assertEqual((await self.fleet.served())["version"], "1")
        relay.swallow = False
        await self.fleet.until_served("2")
        self.assertEqual((await two.get())["revision"], (await one.get())["revision"])
        await load.stop()
        self.assertEqual((load.failed, load.wrong), (0, 0), load.answers)

    async def test_it_catches_up_with_what_was_compacted_meanwhile(self) -> None:
        one, two, relay = await self.start_cut_off()
        relay.swallow = True
        relay.cut()
        for number in range(2, 6):
            newest = await self.put(f"{number}", number % 2)
        await one.until_active("5")
        await self.etcd.compact(newest)
        relay.swallow = False
        self.assertEqual((await two.until_active("5"))["revision"], newest)

    async def test_a_watch_that_has_gone_dead_alone_is_found_out(self) -> None:
        _one, two, relay = await self.start_cut_off()
        relay.cut()
        await self.put("2", 1)
        await two.until_active("2")


class DeletedTests(ReplicatedTestCase):
    """Somebody deletes the key."""

    async def test_an_operator_puts_the_same_config_again(self) -> None:
        one, two = await self.start_replicas()
        await self.etcd.delete()
        for each in (one, two):
            await each.process.until_logged("there is no such key")
        status, answer = await one.post("/config/apply", self.config("1", 0))
        self.assertEqual((status, answer["result"]), (200, "accepted"), answer)
        await two.process.until_logged(f"revision {answer['revision']}, version 1, is active")
        self.assertEqual((await two.get())["source"]["state"], "active")


class CompactionTests(ReplicatedTestCase):
    """etcd is compacted under those who watch."""

    async def test_changes_before_and_after_it_arrive(self) -> None:
        replicas = await self.start_replicas()
        for number in range(2, 6):
            revision = await self.put(f"{number}", number % 2)
            await self.etcd.compact(revision)
            for each in replicas:
                self.assertEqual((await each.until_active(f"{number}"))["revision"], revision)


class HostileTests(ReplicatedTestCase):
    """What etcd holds is no config."""

    etcd_options = ("--max-request-bytes", str(2 * HUGE_BYTES), "--quota-backend-bytes", str(20 * HUGE_BYTES))

    async def test_garbage_is_refused_and_one_with_nothing_finds_the_last_good_config(self) -> None:
        one, two = await self.start_replicas()
        good = await self.put("2", 1)
        for garbage in (b"", b"\0" * 1000, b"\xff\xfe", b"null", b"[" * 100_000, b'{"version": 3}'):
            await self.etcd.put(garbage)
        for each in (one, two):
            await each.process.until_logged("is not taken; revision 3 stays active")
            health = await each.get()
            self.assertEqual((health["revision"], health["source"]["state"]), (good, "refused"))
        three = Replica("three", self.etcd.port)
        await self.start_replica(three)
        self.assertEqual((await three.until_active("2"))["revision"], good)
        await self.put("3", 0)
        for each in (one, two, three):
            await each.until_active("3")
            self.assertNotIn(b"Traceback", each.process.stderr)

    async def test_a_huge_value_is_refused_in_bounded_memory(self) -> None:
        await self.start_etcd()
        one = Replica("one", self.etcd.port)
        await self.start_replica(one, "--max-config-bytes", str(MAX_CONFIG_BYTES))
        await one.until_active("1")
        before = peak_bytes(one.process)
        await self.etcd.put(b"x" * HUGE_BYTES)
        await one.process.until_logged("too_large")
        self.assertLess(peak_bytes(one.process) - before, MOST_GROWTH_BYTES)
        await self.put("2", 1)
        await one.until_active("2")

    async def test_what_is_no_etcd_is_said_to_be_none(self) -> None:
        await self.start_etcd()
        cell = int(self.fleet.cells[0].rpartition(":")[2])
        one = Replica("one", cell)
        await self.start_replica(one)
        health = await one.get(status=503)
        await one.process.until_logged("its answer is not etcd's|it refuses")
        self.assertEqual(health["status"], "unavailable")


class FloodTests(ReplicatedTestCase):
    """Who answers instead of etcd never ends."""

    async def test_whatever_has_no_end_is_left_in_bounded_memory(self) -> None:
        for beginning, piece in (
            (b"HTTP/1.1 200 OK\r\n", b"X-Y: " + b"z" * 8000 + b"\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
            (b"", b"x" * 8000),
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 8000),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        ):
            flood = Flood(beginning, piece)
            listening = reactor.listenTCP(0, flood, interface="127.0.0.1")
            self.addCleanup(listening.stopListening)
            one = Replica(f"one-{listening.getHost().port}", listening.getHost().port)
            await self.start_replica(one)
            before = peak_bytes(one.process)
            await one.process.until_logged("nothing can be changed until")
            await until(lambda flood=flood: flood.left >= FLOODS)
            self.assertLess(peak_bytes(one.process) - before, MOST_GROWTH_BYTES, (beginning, piece[:20]))
            self.assertNotIn(b"Traceback", one.process.stderr)
            await one.process.stop("KILL")


class RealEtcdTests(ReplicatedTestCase):
    """The etcd that these tests start."""

    async def test_it_keeps_its_data_through_a_restart(self) -> None:
        await self.etcd.start()
        first = await self.etcd.put(b"x")
        await self.etcd.stop("KILL")
        await self.etcd.start()
        self.assertEqual(await self.etcd.put(b"y"), first + 1)
