"""Reading, putting and watching a document in etcd, in bounded time and memory."""

import json
from unittest.mock import Mock

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web._newclient import HTTP11ClientProtocol, Request
from twisted.web.client import Agent, ResponseFailed
from twisted.web.http_headers import Headers

from cellrouter.snapshots.etcd import TIMEOUT_S, EtcdDocument
from cellrouter.snapshots.etcd_agent import MAX_HEAD_BYTES, bounded_agent
from cellrouter.snapshots.etcd_bodies import MAX_LINE_BYTES, WholeBody
from cellrouter.snapshots.etcd_codec import ENVELOPE_BYTES, Compacted, EtcdUnusable, Note, TooLarge
from cellrouter.snapshots.etcd_watch import RETRY_S, EtcdWatch, WatchState
from tests.support.fake_etcd import FakeEtcd, FakeResponse

KEY = "routing"
LIMIT_BYTES = 1000
NOTE = Note(actor="anna", accepted_at=1.0)


class EtcdTestCase(SynchronousTestCase):
    """An etcd in memory with two endpoints."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.etcd = FakeEtcd()
        self.document = EtcdDocument(self.etcd, self.clock, ("http://a:1", "http://b:2"), KEY, LIMIT_BYTES)

    def read(self, revision: int = 0, revisions_only: bool = False) -> "Deferred[object]":
        return Deferred.fromCoroutine(self.document.read(revision, revisions_only))


class DocumentTests(EtcdTestCase):
    """One question, one answer."""

    def test_what_was_put_is_read_with_its_note(self) -> None:
        put = self.successResultOf(Deferred.fromCoroutine(self.document.put(b"x", NOTE, 0)))
        reading = self.successResultOf(self.read())
        self.assertEqual((put.done, put.revision), (True, 2))
        self.assertEqual((reading.document.value, reading.document.revision), (b"x", 2))
        self.assertEqual((Note.decoded(reading.note.value), reading.noted), (NOTE, True))

    def test_nothing_is_put_in_place_of_what_was_changed(self) -> None:
        self.etcd.put(KEY, b"mine")
        put = self.successResultOf(Deferred.fromCoroutine(self.document.put(b"x", NOTE, 0)))
        self.assertFalse(put.done)
        self.assertEqual(self.etcd.read(KEY), b"mine")

    def test_earlier_versions_are_read_until_they_are_compacted(self) -> None:
        for value in (b"1", b"2", b"3"):
            self.etcd.put(KEY, value)
        self.assertEqual(self.successResultOf(self.read(3)).document.value, b"2")
        self.assertEqual(self.successResultOf(self.read(3, revisions_only=True)).document.value, b"")
        self.etcd.compact(4)
        self.failureResultOf(self.read(3), Compacted)

    def test_when_one_endpoint_fails_the_next_is_asked_and_stays(self) -> None:
        self.etcd.down_at = ("http://a:1",)
        for _ in range(2):
            self.successResultOf(self.read())
        self.assertEqual([url[:8] for url in self.etcd.urls], ["http://a", "http://b", "http://b"])

    def test_when_all_fail_the_last_says_why(self) -> None:
        self.etcd.down = True
        failure = self.failureResultOf(self.read(), EtcdUnusable)
        self.assertIn("http://b:2: no answer", failure.getErrorMessage())
        self.assertEqual(len(self.etcd.urls), 2)

    def test_what_is_to_be_put_is_sent_once(self) -> None:
        self.etcd.down = True
        self.failureResultOf(Deferred.fromCoroutine(self.document.put(b"x", NOTE, 0)), EtcdUnusable)
        self.assertEqual(len(self.etcd.urls), 1)

    def test_an_answer_that_does_not_come_is_not_waited_for(self) -> None:
        self.etcd.silent = True
        reading = self.read()
        self.clock.advance(TIMEOUT_S)
        self.clock.advance(TIMEOUT_S - 1)
        self.assertNoResult(reading)
        self.clock.advance(1)
        failure = self.failureResultOf(reading, EtcdUnusable)
        self.assertIn("no answer within 5 s", failure.getErrorMessage())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_body_that_does_not_end_is_not_waited_for(self) -> None:
        reading = Deferred.fromCoroutine(
            self.document._ask(
                "/v3/watch", b'{"create_request":{"key":"","start_revision":"0"}}', 10**6, bytes
            )
        )
        self.clock.advance(TIMEOUT_S)
        self.failureResultOf(reading, EtcdUnusable)

    def test_an_answer_that_is_too_long_is_not_read(self) -> None:
        self.etcd.put(KEY, b"x" * (LIMIT_BYTES * 2 + ENVELOPE_BYTES))
        self.failureResultOf(self.read(), TooLarge)
        self.assertIsNotNone(self.successResultOf(self.read(revisions_only=True)).document)
        self.etcd.instead = b"x" * (ENVELOPE_BYTES + 1)
        self.failureResultOf(self.read(revisions_only=True), TooLarge)

    def test_errors_and_garbage_are_said(self) -> None:
        for status, instead, said in (
            (400, b'{"error":"etcdserver: no leader"}', "no leader"),
            (404, b"Not Found", "not etcd's"),
            (200, b"garbage", "not etcd's"),
        ):
            self.etcd.status, self.etcd.instead = status, instead
            self.assertIn(said, self.failureResultOf(self.read(), EtcdUnusable).getErrorMessage())

    def test_an_agent_for_it_opens_a_connection_for_each_request(self) -> None:
        agent = bounded_agent(self.clock)
        self.assertIsInstance(agent, Agent)
        self.assertFalse(agent._pool.persistent)

    def test_a_head_without_end_is_not_read(self) -> None:
        connected: list[HTTP11ClientProtocol] = []
        protocol = bounded_agent(self.clock)._pool._factory(connected.append, "").buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        request = Request._construct(b"POST", b"/", Headers({b"Host": [b"x"]}), None)
        answer = protocol.request(request)
        protocol.dataReceived(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        for number in range(100):
            protocol.dataReceived(b"X-%d: %s\r\n" % (number, b"y" * 1000))
        self.assertTrue(transport.disconnected)
        protocol.connectionLost(Failure(ConnectionAborted()))
        self.failureResultOf(answer, ResponseFailed)

    def test_a_body_is_not_measured_as_a_head(self) -> None:
        protocol = bounded_agent(self.clock)._pool._factory(lambda _: None, "").buildProtocol(None)
        protocol.makeConnection(StringTransport())
        answer = protocol.request(Request._construct(b"POST", b"/", Headers({b"Host": [b"x"]}), None))
        protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2 * MAX_HEAD_BYTES)
        body = WholeBody(4 * MAX_HEAD_BYTES)
        self.successResultOf(answer).deliverBody(body)
        protocol.dataReceived(b"y" * MAX_HEAD_BYTES)
        protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(len(self.successResultOf(body.done)), 3 * MAX_HEAD_BYTES)


class WatchTests(EtcdTestCase):
    """A watch that is kept open."""

    def setUp(self) -> None:
        super().setUp()
        self.changes = 0
        self.since = 0
        self.watch = EtcdWatch(self.document, self.clock, lambda: self.since, self.changed)

    def changed(self) -> None:
        self.changes += 1

    def start(self) -> None:
        self.watch.startService()
        self.addCleanup(self.watch.stopService)

    def test_it_tells_of_changes(self) -> None:
        self.start()
        self.assertIs(self.watch.state, WatchState.OPEN)
        self.etcd.put(KEY, b"1")
        self.etcd.put("another", b"1")
        self.etcd.put(KEY, b"2")
        self.assertEqual(self.changes, 2)

    def test_it_goes_on_from_where_it_was_when_it_is_lost(self) -> None:
        self.start()
        self.etcd.put(KEY, b"1")
        self.since = 3
        self.etcd.break_watches()
        self.assertIs(self.watch.state, WatchState.WAITING)
        self.etcd.put(KEY, b"2")
        told = self.changes
        self.clock.advance(RETRY_S)
        self.assertIs(self.watch.state, WatchState.OPEN)
        self.assertEqual(self.changes, told + 1)

    def test_it_says_so_when_what_it_has_missed_is_compacted(self) -> None:
        for number in range(4):
            self.etcd.put(KEY, b"%d" % number)
        self.etcd.compact(4)
        self.since = 2
        self.start()
        self.assertEqual((self.changes, self.watch.state), (1, WatchState.WAITING))
        self.since = 6
        self.clock.advance(RETRY_S)
        self.etcd.put(KEY, b"new")
        self.assertEqual((self.changes, self.watch.state), (2, WatchState.OPEN))

    def test_it_is_tried_again_while_etcd_is_away(self) -> None:
        self.etcd.down = True
        self.start()
        for _ in range(3):
            self.clock.advance(RETRY_S)
        self.assertEqual(len(self.etcd.asked), 4)
        self.etcd.down = False
        self.clock.advance(RETRY_S)
        self.assertIs(self.watch.state, WatchState.OPEN)

    def test_renewed_it_is_opened_anew(self) -> None:
        self.start()
        (before,) = self.etcd.watches
        self.watch.renew()
        self.watch.renew()
        self.assertIs(self.watch.state, WatchState.WAITING)
        self.clock.advance(RETRY_S)
        self.assertEqual(len(self.etcd.asked), 2)
        self.assertIsNot(self.etcd.watches[-1], before)

    def test_stopped_it_is_closed_whether_it_is_open_or_waits(self) -> None:
        for lost in (False, True):
            self.watch.startService()
            if lost:
                self.etcd.break_watches()
            stopped = self.watch.stopService()
            self.assertIsNone(self.successResultOf(stopped))
            self.assertIs(self.watch.state, WatchState.STOPPED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stopped_before_etcd_has_answered_it_is_closed(self) -> None:
        self.etcd.silent = True
        self.watch.startService()
        self.successResultOf(self.watch.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lines_are_read_however_they_arrive(self) -> None:
        self.start()
        (watch,) = self.etcd.watches
        line = json.dumps({"result": {"events": [{"kv": {}}]}}).encode() + b"\n"
        for byte in line:
            watch.write(bytes([byte]))
        self.assertEqual(self.changes, 1)
        watch.write(line * 3 + line[:5])
        self.assertEqual(self.changes, 4)
        watch.write(b"\n")
        self.assertIs(self.watch.state, WatchState.WAITING)

    def test_a_line_of_any_length_is_a_change_and_not_kept(self) -> None:
        self.start()
        (watch,) = self.etcd.watches
        for _ in range(100):
            watch.write(b"x" * MAX_LINE_BYTES)
        self.assertEqual(self.changes, 0)
        self.assertLessEqual(len(watch._protocol._line), MAX_LINE_BYTES)
        watch.write(b"\n")
        self.assertEqual((self.changes, self.watch.state), (1, WatchState.OPEN))
        self.etcd.put(KEY, b"1")
        self.assertEqual(self.changes, 2)

    def test_garbage_or_a_refusal_ends_it(self) -> None:
        for status, instead in ((200, b"garbage\n{}\n"), (503, b"{}"), (200, b'{"error":{}}\nmore\n')):
            self.etcd.status, self.etcd.instead = status, instead
            self.watch.startService()
            self.assertIs(self.watch.state, WatchState.WAITING)
            self.successResultOf(self.watch.stopService())

    def test_a_refusal_without_end_is_left(self) -> None:
        refusal = FakeResponse(503, None)
        self.document._agent = Mock(request=lambda *_: succeed(refusal))
        self.watch.startService()
        self.assertIsNotNone(refusal._protocol)
        self.clock.advance(TIMEOUT_S)
        self.assertIsNone(refusal._protocol)
        self.assertIs(self.watch.state, WatchState.WAITING)

    def test_a_watch_that_nobody_wants_any_more_is_closed(self) -> None:
        watching = self.document.watch(0, self.changed)
        self.assertNoResult(watching)
        watching.cancel()
        self.failureResultOf(watching, CancelledError, EtcdUnusable)
        self.assertIsNone(self.etcd.watches[0]._protocol)

    def test_a_defect_of_who_is_told_is_logged(self) -> None:
        def broken() -> None:
            raise ZeroDivisionError

        self.etcd.down = True
        EtcdWatch(self.document, self.clock, lambda: 0, broken).startService()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
