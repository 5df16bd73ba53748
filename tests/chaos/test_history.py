"""Whatever befalls the control plane, what it has accepted stays, under a number that means nothing else."""

import itertools
import json
import random
from hashlib import sha256
from typing import Any

import treq
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.chaos.cases import ChaosTestCase
from tests.support.documents import document
from tests.support.processes import NO_ANSWER

ROUNDS = 5
ROUTES = 5000
MAX_MOMENT_S = 0.6
"""Within this time a document is checked, stored, sent and acked: a kill hits any of these."""

OVER_SIZE = 100 * 1000 * 1000


def content(version: str, routes: int = ROUTES) -> bytes:
    """Make a config that takes a moment to store."""
    table = {sha256(str(number).encode()).hexdigest(): "tier1" for number in range(routes)}
    return json.dumps(document(version, routingTable=table)).encode()


@define
class Seen:
    """Every revision that anybody has heard of, with the hash of its document."""

    hashes: dict[int, str] = field(factory=dict)
    contradictions: list[str] = field(factory=list)

    def take(self, said: dict[str, Any]) -> None:
        """Take note of a revision."""
        known = self.hashes.setdefault(said["revision"], said["hash"])
        if known != said["hash"]:
            self.contradictions.append(f"revision {said['revision']} is {known} and {said['hash']}")


class KilledTests(ChaosTestCase):
    """A control plane that operators keep busy, killed again and again."""

    async def post(self, what: str, body: bytes = b"") -> tuple[int, dict[str, Any]] | None:
        """POST; give the status and the answer, or None when there is none."""
        url = f"{self.fleet.control_plane_url}/config/{what}"
        try:
            response = await treq.post(url, data=body or None, persistent=False)
            return response.code, await response.json()
        except NO_ANSWER:
            return None

    async def work(self, name: str, seen: Seen, killed_after: int, moment_s: float) -> None:
        """Apply and roll back until there is no answer any more; take note of what was confirmed.

        :param killed_after: how many changes are confirmed before the control plane is killed.
        :param moment_s: seconds that it lives on after that.
        """
        for number in itertools.count():
            if number == killed_after:
                killed = deferLater(reactor, moment_s, self.fleet.control_plane.signal, "KILL")
            back = f"rollback?to={max(seen.hashes) - 1}&reason=chaos"
            answer = await (
                self.post(back) if number % 2 else self.post("apply", content(f"{name}-{number}"))
            )
            if answer is None:
                break
            self.assertEqual(answer[0], 200, answer)
            seen.take(answer[1])
        await killed

    async def test_what_was_confirmed_is_there_after_any_kill_and_no_number_is_given_out_twice(self) -> None:
        chance, seen = random.Random(20261124), Seen()
        await self.fleet.start_cells()
        self.fleet.file.write_bytes(content("start"))
        for round_number in range(ROUNDS):
            await self.fleet.start_control_plane()
            if round_number == 0:
                seen.take(await self.fleet.ask_control_plane("/health"))
                await self.fleet.start_data_plane()
            killed_after, moment_s = chance.randrange(1, 4), chance.uniform(0, MAX_MOMENT_S)
            await self.work(f"round-{round_number}", seen, killed_after, moment_s)
            await self.fleet.control_plane.until_ended()
            self.assertNotIn(b"Traceback", self.fleet.control_plane.stderr)
        confirmed = max(seen.hashes)
        await self.fleet.start_control_plane()
        health = await self.fleet.ask_control_plane("/health")
        self.assertGreaterEqual(health["revision"], confirmed)
        self.assertIn(health["file"]["state"], ("differs", "unseen"))
        listed = (await self.fleet.ask_control_plane("/config/versions"))["versions"]
        for entry in listed:
            seen.take(entry)
        self.assertEqual(seen.contradictions, [])
        self.assertTrue({entry["revision"] for entry in listed} >= seen.hashes.keys())
        self.assertEqual(len(seen.hashes), health["revision"])
        # Or nothing has been shown; how many there are is a matter of the machine's pace.
        self.assertGreater(confirmed, 2)
        await self.fleet.control_plane.until_logged(rf"runs revision {health['revision']},")
        self.assertNotIn(b"stale_revision", self.fleet.data_plane.stderr)
        self.assert_no_traceback()


class TooLargeTests(ChaosTestCase):
    """A hundred megabytes."""

    async def test_neither_the_file_nor_a_request_gets_in_and_everybody_is_answered(self) -> None:
        await self.fleet.start()
        with self.fleet.file.open("wb") as file:
            file.truncate(OVER_SIZE)
        await self.fleet.control_plane.until_logged("too large: 100000000 bytes, the limit is 67108864")
        url = f"{self.fleet.control_plane_url}/config/apply"
        response = await treq.post(url, data=b" " * OVER_SIZE, persistent=False)
        self.assertEqual(response.code, 413)
        self.assertIn("larger than --max-config-bytes", (await response.json())["detail"])
        self.assertEqual((await self.fleet.ask_control_plane("/health"))["revision"], 1)
        self.assertTrue((await self.fleet.ask_control_plane("/fleet"))["converged"])
        self.assertNotIn(b"Traceback", self.fleet.control_plane.stderr)
