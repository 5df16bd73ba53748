"""Rollouts as an operator and the data planes meet them: a real control plane, real sockets, the tool."""

import random
import re
import socket
from typing import Any

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.integration.data_plane_client import Recording, RecordingClient, connect
from tests.integration.test_cli_operate import OperateTestCase
from tests.support.documents import text
from tests.support.processes import ON_LOOPBACK, Child, until

KILLS = 8
FLEET = [f"dp-{number}" for number in range(4)]


class SimulatedDataPlane:
    """A data plane that acks what it is sent, or refuses it when it is told to, and reports what it is told.

    :ivar name: its node id.
    :ivar revision: the revision that it was sent last.
    :ivar refuses: whether it refuses what it is sent from now on.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.refuses = False
        self.revision: Any = None
        self.got: list[Any] = []
        self._client: RecordingClient | None = None
        self._recording: Recording | None = None

    async def join(self, url: str) -> None:
        """Connect to a control plane and say hello."""
        port = int(url.rpartition(":")[2])
        self._client, self._recording = await connect(reactor, port)
        hello = {"type": "hello", "node_id": self.name, "software": "1", "running": None}
        self._client.send(hello)
        self._recording.snapshot(self._took)

    def _took(self, snapshot: dict[str, Any]) -> bool:
        """Answer a snapshot; never satisfied, so asked about each."""
        assert self._client is not None
        self.revision = snapshot["revision"]
        self.got.append(self.revision)
        said = {"version": snapshot["config"]["version"], "revision": self.revision, "hash": snapshot["hash"]}
        if self.refuses:
            errors = [{"path": "/routingTable", "code": "bad", "message": "I do not like it"}]
            self._client.send({"type": "nack", **said, "errors": errors})
        else:
            self._client.send({"type": "ack", **said, "apply_ms": 1.0})
        return False

    def report(self, total: int, errors: int) -> None:
        """Tell what it has done."""
        assert self._client is not None
        requests = {"total": total, "server_errors": errors, "latency_ms": [[1.0, total]]}
        self._client.send({"type": "status", "placements": {}, "requests": requests})

    async def leave(self) -> None:
        """Lose the connection, if there is one."""
        client, recording = self._client, self._recording
        self._client = None
        if client is not None and recording is not None:
            client.transport.abortConnection()
            await recording.closed


class RolloutTestCase(OperateTestCase):
    """A control plane and four data planes that run revision 1 of it."""

    bake = "500ms"

    async def begin(self) -> Child:
        """Start everything."""
        self.write(100, "1.0.1")
        plane = await self.serve(*self.options)
        self.fleet = {name: SimulatedDataPlane(name) for name in FLEET}
        for data_plane in self.fleet.values():
            self.addCleanup(data_plane.leave)
            await data_plane.join(self.url)
        await self.do("wait", "--revision", "1", "--expect-nodes", "4")
        return plane

    @property
    def options(self) -> tuple[str, ...]:
        return ("--rollout", "1,50%,100%", "--bake", self.bake)

    def running(self, revision: int) -> list[str]:
        """Name those that were sent this revision last."""
        return [name for name, each in self.fleet.items() if each.revision == revision]

    async def until_sent(self, revision: int, count: int) -> list[str]:
        """Wait until so many were sent a revision; name them."""
        await until(lambda: len(self.running(revision)) == count)
        return self.running(revision)


class GoodRolloutTests(RolloutTestCase):
    """A change that does no harm."""

    async def test_it_gets_to_all_step_by_step(self) -> None:
        plane = await self.begin()
        self.write(101, "1.0.2")
        await self.until_sent(2, 1)
        waited = self.tool("--control-plane", self.url, "wait", "--revision", "2", "--expect-nodes", "4")
        await plane.until_logged(r"step 2 of 3: 2 of the data planes have it")
        await plane.until_logged(r"step 3 of 3: 4 of the data planes have it")
        self.assertIsNone(waited.status)
        await plane.until_logged(r"rollout of revision 2: done")
        self.assertEqual(await waited.until_ended(), 0, waited.stderr)
        self.assertEqual([each.got for each in self.fleet.values()], [[1, 2]] * 4)
        self.assertIn("rollout of revision 2: done, step 3 of 3", await self.do("rollout", "status"))
        self.assertNotIn(b"Traceback", plane.stderr)


class SlowRolloutTests(RolloutTestCase):
    """Changes that stay in their first step for long enough to do something about them."""

    bake = "1h"

    async def start_rollout(self) -> str:
        """Begin the rollout of revision 2; return who has it, when it is watched."""
        self.plane = await self.begin()
        self.write(101, "1.0.2")
        await self.plane.until_logged("all in step 1 have acked")
        (member,) = await self.until_sent(2, 1)
        return member

    async def assert_given_back(self, reason: str) -> None:
        await self.until_sent(3, len(self.fleet))
        entry = (await self.do_json("history"))["versions"][0]
        self.assertEqual((entry["revision"], entry["actor"], entry["restores"]), (3, "rollout", 1))
        self.assertIn(reason, entry["reason"])
        self.assertIn(reason, await self.do("wait", "--revision", "2", status=1))
        await self.do("wait", "--revision", "3")
        self.assertNotIn(b"Traceback", self.plane.stderr)

    async def test_each_data_plane_is_as_it_should_be_at_its_stage_and_the_fleet_has_not_converged(
        self,
    ) -> None:
        member = await self.start_rollout()
        fleet = await self.do_json("fleet")
        self.assertEqual(fleet["states"], {"acked": 4, "nacked": 0, "drift": 0, "behind": 0})
        self.assertFalse(fleet["converged"])
        self.assertEqual((fleet["rollout"]["data_planes"], fleet["rollout"]["phase"]), ([member], "baking"))
        self.assertIn("rollout of revision 2: baking, step 1 of 3", await self.do("fleet"))
        said = await self.do("wait", "--revision", "2", "--timeout", "1s", status=3)
        self.assertIn("not converged: 4 acked; rollout: baking, step 1 of 3", said)

    async def test_a_refusal_is_given_back(self) -> None:
        self.plane = await self.begin()
        for data_plane in self.fleet.values():
            data_plane.refuses = True
        self.write(101, "1.0.2")
        await self.until_sent(3, 4)
        for data_plane in self.fleet.values():
            self.assertIn(data_plane.got, ([1, 3], [1, 2, 3]))
        self.assertEqual(sum(2 in each.got for each in self.fleet.values()), 1)
        self.assertIn("refused it: /routingTable: bad", await self.do("rollout", "status"))

    async def test_a_loss_is_given_back(self) -> None:
        member = await self.start_rollout()
        await self.fleet.pop(member).leave()
        await self.until_sent(3, 3)
        self.assertIn(f"{member} was lost", (await self.do_json("rollout", "status"))["rollout"]["reason"])

    async def test_errors_are_given_back(self) -> None:
        member = await self.start_rollout()
        for total in (0, 1000):
            for name, data_plane in self.fleet.items():
                data_plane.report(total, total // 10 if name == member else 0)
        await self.assert_given_back("10.00% of 1000 requests were answered with a 5xx")

    async def test_it_is_paused_promoted_and_aborted_by_the_tool(self) -> None:
        await self.start_rollout()
        self.assertIn("paused, step 1 of 3", await self.do("rollout", "pause"))
        await self.do("rollout", "promote", "--if-step", "2", status=1)
        said = await self.do_json("rollout", "promote", "--if-step", "1")
        self.assertEqual((said["rollout"]["phase"], said["rollout"]["step"]), ("sending", 2))
        await self.until_sent(2, 2)
        said = await self.do("rollout", "abort", "--reason", "wrong file")
        self.assertIn("rollout of revision 2: aborted, step 2 of 3", said)
        await self.assert_given_back("wrong file")
        self.assertIn("revision 2 is aborted", await self.do("rollout", "pause", status=1))

    async def test_a_killed_control_plane_goes_on_and_gives_it_to_nobody_else(self) -> None:
        member = await self.start_rollout()
        await self.plane.stop("KILL")
        for data_plane in self.fleet.values():
            await data_plane.leave()
        port = f"tcp:{self.url.rpartition(':')[2]}:interface=127.0.0.1"
        self.plane = await self.serve("--port", port, *self.options)
        await self.plane.until_logged("it goes on where it was: sending, step 1 of 3")
        late = self.fleet["late"] = SimulatedDataPlane("late")
        self.addCleanup(late.leave)
        for data_plane in self.fleet.values():
            await data_plane.join(self.url)
        await self.plane.until_logged("all in step 1 have acked")
        await until(lambda: late.revision is not None)
        self.assertEqual((self.running(2), late.got), ([member], [1]))
        await self.do("rollout", "promote")
        await self.until_sent(2, 2)
        await self.do("rollout", "promote")
        await self.until_sent(2, 5)

    async def test_a_rollback_goes_to_all_at_once(self) -> None:
        await self.start_rollout()
        await self.do("rollback", "1", "--reason", "now")
        await self.until_sent(3, 4)


class KilledRolloutTests(RolloutTestCase):
    """A control plane that is killed again and again while it rolls something out."""

    bake = "200ms"
    limits = (0, 1, 2, 4)

    async def test_it_never_skips_a_step_and_nobody_goes_back_in_numbers(self) -> None:
        chance = random.Random(20261124)
        self.plane = await self.begin()
        port = f"tcp:{self.url.rpartition(':')[2]}:interface=127.0.0.1"
        taken: dict[int, int] = {}
        for number in range(KILLS):
            self.write(101 + number % 2, f"1.1.{number}")
            await deferLater(reactor, chance.uniform(0.2, 3.0), self.plane.signal, "KILL")
            await self.plane.until_ended()
            self.look(taken)
            for data_plane in self.fleet.values():
                await data_plane.leave()
            self.plane = await self.serve("--port", port, *self.options)
            for data_plane in self.fleet.values():
                await data_plane.join(self.url)
        await self.plane.until_logged("rollout of revision .* done|is active")
        self.look(taken)
        self.assertTrue(taken)
        for data_plane in self.fleet.values():
            self.assertEqual(data_plane.got, sorted(data_plane.got))

    def look(self, taken: dict[int, int]) -> None:
        """Compare who got what with the steps that the log tells of.

        A step that was stored when the process was killed may not have been logged: the next one goes on with
        it.
        """
        for found in re.finditer(
            rb"rollout of revision (\d+): (it goes on.*)?step (\d) of", self.plane.stderr
        ):
            revision, goes_on, step = int(found[1]), found[2], int(found[3])
            before = taken.get(revision, 0)
            self.assertIn(step, (before, before + 1) if goes_on else (before + 1,))
            taken[revision] = step
        for revision, step in taken.items():
            had = sum(revision in each.got for each in self.fleet.values())
            self.assertLessEqual(had, self.limits[step], revision)


class RealDataPlaneTests(OperateTestCase):
    """With data planes that are programs."""

    async def test_one_and_then_the_other_and_one_that_is_killed_gives_it_back(self) -> None:
        self.write(100, "1.0.1")
        plane = await self.serve("--rollout", "1,100%", "--bake", "300ms")
        children = {name: self.join(name) for name in ("dp-1", "dp-2")}
        await self.do("wait", "--expect-nodes", "dp-1,dp-2")
        self.write(101, "1.0.2")
        await self.do("wait", "--revision", "2", "--expect-nodes", "dp-1,dp-2")
        await plane.until_logged("rollout of revision 2: done")
        await plane.stop()
        port = f"tcp:{self.url.rpartition(':')[2]}:interface=127.0.0.1"
        plane = await self.serve("--port", port, "--rollout", "1,100%", "--bake", "1h")
        await self.do("wait", "--expect-nodes", "dp-1,dp-2")
        self.write(102, "1.0.3")
        first = (await plane.until_logged(r"revision 3: step 1 of 2: .* new are: (\S+)"))[1].decode()
        await plane.until_logged("all in step 1 have acked")
        other = children["dp-1" if first == "dp-2" else "dp-2"]
        await children[first].stop("KILL")
        await other.until_logged('serving version "1.0.2", revision 4')
        self.assertNotIn(b'"1.0.3"', other.stderr)
        back = self.join(first)
        await back.until_logged('serving version "1.0.2", revision 4')
        self.assertNotIn(b"stale", back.stderr)
        await self.do("wait", "--revision", "4", "--expect-nodes", "dp-1,dp-2")

    async def test_a_placement_that_is_not_there_is_given_back_by_what_data_planes_answer(self) -> None:
        cell = self.tool("cell", "--port", ON_LOOPBACK)
        port = await cell.port("cell")
        (self.folder / "routing.json").write_bytes(text("1.0.1", port))
        plane = await self.serve("--rollout", "1,100%", "--bake", "1h")
        children = {name: self.join(name) for name in ("dp-1", "dp-2")}
        await self.do("wait", "--expect-nodes", "dp-1,dp-2")
        dead = socket.create_server(("127.0.0.1", 0))
        other = self.folder / "other.json"
        other.write_bytes(text("1.0.2", dead.getsockname()[1]))
        dead.close()
        await self.do("apply", str(other))
        first = (await plane.until_logged(r"revision 2: step 1 of 2: .* new are: (\S+)"))[1].decode()
        await plane.until_logged("all in step 1 have acked")
        urls = {
            name: f"http://127.0.0.1:{await child.port('data port')}/" for name, child in children.items()
        }
        given_back = Deferred.fromCoroutine(
            children[first].until_logged('serving version "1.0.1", revision 3')
        )
        failed = dict.fromkeys(children, 0)
        # For as long as it takes: which of the reports shows the failures depends on when it is made.
        while not given_back.called:
            for name, url in urls.items():
                response = await treq.get(url, {"X-Routing-Key": "acme"}, persistent=False)
                await response.content()
                failed[name] += response.code >= 500
        await given_back
        self.assertGreater(failed.pop(first), 0)
        self.assertEqual(sum(failed.values()), 0)
        self.assertIn("were answered with a 5xx", await self.do("rollout", "status"))
