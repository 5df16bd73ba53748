"""Where a document is worked on."""

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.children import CannotStart, ChildFailed
from cellrouter.daemon.work import LARGE_BYTES, Worker
from tests.support.logs import CapturedLog

SMALL, LARGE = b"x" * (LARGE_BYTES - 1), b"x" * LARGE_BYTES


class WorkerTests(SynchronousTestCase):
    """In a thread, or in a child process."""

    def setUp(self) -> None:
        self.log = CapturedLog(self)
        self.child: Deferred[Any] = succeed("child")

    def work(self, document: bytes) -> "Deferred[Any]":
        """Work on a document; the result says where."""

        def in_thread(function: Any, *arguments: Any) -> "Deferred[Any]":
            self.assertEqual((function, arguments), (len, (document, 1)))
            return succeed("thread")

        def in_child(function: Any, *arguments: Any) -> "Deferred[Any]":
            self.assertEqual((function, arguments), (len, (document, 1)))
            return self.child

        return Worker(in_child, in_thread)(len, document, 1)

    def test_only_a_large_one_is_worth_a_process(self) -> None:
        self.assertEqual(self.successResultOf(self.work(SMALL)), "thread")
        self.assertEqual(self.successResultOf(self.work(LARGE)), "child")

    def test_without_a_process_a_thread_has_to_do(self) -> None:
        self.child = fail(CannotStart("a child process cannot be started: Cannot allocate memory"))
        self.assertEqual(self.successResultOf(self.work(LARGE)), "thread")
        self.assertIn(
            "cannot be started: Cannot allocate memory; a large config is checked in", self.log.text
        )

    def test_what_a_process_did_not_survive_is_not_done_here(self) -> None:
        self.child = fail(ChildFailed("it was ended by signal 9"))
        self.failureResultOf(self.work(LARGE), ChildFailed)
