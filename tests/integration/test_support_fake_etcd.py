"""The etcd in memory answers as the real one does."""

import json
from typing import Any

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.iweb import IAgent

from cellrouter.snapshots.etcd import EtcdDocument
from cellrouter.snapshots.etcd_agent import bounded_agent
from cellrouter.snapshots.etcd_codec import Compacted, Note, put_request, read_request
from tests.support.etcd import Etcd, demand_etcd
from tests.support.fake_etcd import FakeEtcd
from tests.support.processes import ProcessTestCase, until

KEY = "routing"
NOTE = Note(actor="anna", reason="why not", accepted_at=1.5, restores=2)
QUESTIONS = (
    read_request(KEY),
    put_request(KEY, b"first", NOTE, 0),
    put_request(KEY, b"too late", NOTE, 0),
    read_request(KEY),
    read_request(KEY, revisions_only=True),
    put_request(KEY, b"second", NOTE, 2),
    read_request(KEY, 2),
    read_request(KEY, 99),
)
IDENTITIES = {"cluster_id", "member_id", "raft_term"}


def without_identities(value: Any) -> Any:
    """Leave out what is different for each etcd."""
    if isinstance(value, dict):
        return {name: without_identities(each) for name, each in value.items() if name not in IDENTITIES}
    return [without_identities(each) for each in value] if isinstance(value, list) else value


class SameAnswersTests(ProcessTestCase):
    """Both are asked the same."""

    def setUp(self) -> None:
        demand_etcd()
        super().setUp()
        self.real = Etcd(self.folder)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.real.stop("KILL")))
        self.fake = FakeEtcd()

    async def ask(self, agent: IAgent, question: bytes) -> tuple[int, Any]:
        """Send a message, as bytes, and return what came of it."""
        document = EtcdDocument(agent, reactor, (f"http://127.0.0.1:{self.real.port}",), KEY, 1000)
        response = await document._request("/v3/kv/txn", question)
        return response.code, without_identities(json.loads(await treq.content(response)))

    async def test_reading_and_putting(self) -> None:
        await self.real.start()
        for question in QUESTIONS:
            real = await self.ask(bounded_agent(reactor), question)
            self.assertEqual(await self.ask(self.fake, question), real, question)

    async def test_compaction_and_watches(self) -> None:
        await self.real.start()
        for number in range(3):
            self.assertEqual(await self.real.put(b"%d" % number, KEY), self.fake.put(KEY, b"%d" % number))
        await self.real.compact(4)
        self.fake.compact(4)
        for agent in (bounded_agent(reactor), self.fake):
            document = EtcdDocument(agent, reactor, (f"http://127.0.0.1:{self.real.port}",), KEY, 1000)
            told: list[int] = []
            with self.assertRaises(Compacted):
                await document.read(3)
            with self.assertRaises(Compacted):
                await document.watch(3, lambda: None)
            watching = document.watch(4, lambda told=told: told.append(1))
            await until(lambda told=told: len(told) == 1)
            await (self.real.put(b"x", KEY) if agent is not self.fake else _put(self.fake))
            await until(lambda told=told: len(told) == 2)
            watching.addErrback(lambda _: None)
            watching.cancel()


def _put(fake: FakeEtcd) -> "Deferred[None]":
    fake.put(KEY, b"x")
    done: Deferred[None] = Deferred()
    done.callback(None)
    return done
