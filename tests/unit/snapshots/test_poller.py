"""The file poller hands on settled content once, and says each problem once."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.snapshots.poller import FilePoller, Unreadable, read_file

LIMIT_BYTES = 1000


class PollerTests(SynchronousTestCase):
    """A poller on a real file, a fake clock, and reads that happen at once."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.path = self.folder / "routing.json"
        self.clock = Clock()
        self.handed_on: list[bytes] = []
        self.problems: list[str] = []
        self.reads = 0
        self.answer: Callable[[], Deferred[None] | None] = lambda: None
        self.poller = self.make_poller()

    def make_poller(self) -> FilePoller:
        def on_content(content: bytes) -> "Deferred[None] | None":
            self.handed_on.append(content)
            return self.answer()

        return FilePoller(
            self.path, self.clock, self.run_now, 2.0, LIMIT_BYTES, on_content, self.problems.append
        )

    def run_now(self, function: Callable[..., Any], *arguments: Any) -> "Deferred[Any]":
        self.reads += 1
        return maybeDeferred(function, *arguments)

    def start(self) -> None:
        self.poller.startService()
        self.addCleanup(self.poller.stopService)

    def poll(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(2.0)

    def test_content_is_handed_on_when_two_polls_found_the_same(self) -> None:
        self.path.write_bytes(b"one")
        self.start()
        self.assertEqual(self.handed_on, [])
        self.poll()
        self.assertEqual(self.handed_on, [b"one"])

    def test_unchanged_content_is_handed_on_once(self) -> None:
        self.path.write_bytes(b"one")
        self.start()
        self.poll(5)
        self.path.write_bytes(b"one")
        self.poll(5)
        self.assertEqual(self.handed_on, [b"one"])

    def test_a_file_that_is_being_written_is_not_handed_on_half_way(self) -> None:
        self.start()
        for size in range(1, 5):
            self.path.write_bytes(b"x" * size)
            self.poll()
        self.assertEqual(self.handed_on, [])
        self.poll()
        self.assertEqual(self.handed_on, [b"xxxx"])

    def test_a_change_that_keeps_size_and_mtime_is_noticed(self) -> None:
        self.path.write_bytes(b"one")
        self.start()
        self.poll(3)
        status = self.path.stat()
        self.path.write_bytes(b"two")
        os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.poll(2)
        self.assertEqual(self.handed_on, [b"one", b"two"])

    def test_a_swapped_symbolic_link_two_folders_up_is_noticed(self) -> None:
        """How Kubernetes updates a ConfigMap."""
        for name, content in (("first", b"one"), ("second", b"two")):
            (self.folder / name).mkdir()
            (self.folder / name / "routing.json").write_bytes(content)
        (self.folder / "..data").symlink_to("first")
        self.path.symlink_to("..data/routing.json")
        self.start()
        self.poll(2)
        (self.folder / "..data_tmp").symlink_to("second")
        (self.folder / "..data_tmp").rename(self.folder / "..data")
        self.poll(2)
        self.assertEqual(self.handed_on, [b"one", b"two"])

    def test_content_read_at_the_start_is_not_handed_on_again(self) -> None:
        self.path.write_bytes(b"one")
        self.assertEqual(self.poller.read_once(), b"one")
        self.start()
        self.poll(3)
        self.assertEqual(self.handed_on, [])
        self.path.write_bytes(b"two")
        self.poll(2)
        self.assertEqual(self.handed_on, [b"two"])

    def test_a_problem_is_said_once_while_it_lasts(self) -> None:
        self.start()
        self.poll(3)
        self.assertEqual(self.problems, [f"{self.path}: the file does not exist"])
        self.assertEqual(self.poller.problem, self.problems[0])

    def test_each_different_problem_is_said(self) -> None:
        self.start()
        self.path.mkdir()
        self.poll(2)
        self.path.rmdir()
        self.path.write_bytes(b"x" * (LIMIT_BYTES + 1))
        self.poll(2)
        self.assertEqual(
            self.problems[1:],
            [
                f"{self.path}: is a folder, not a file",
                f"{self.path}: too large: 1001 bytes, the limit is 1000",
            ],
        )

    def test_recovery_from_a_problem_hands_the_same_content_on_again(self) -> None:
        self.path.write_bytes(b"one")
        self.start()
        self.poll(2)
        self.path.unlink()
        self.poll()
        self.path.write_bytes(b"one")
        self.poll(2)
        self.assertEqual(self.handed_on, [b"one", b"one"])
        self.assertIsNone(self.poller.problem)

    def test_a_problem_that_returns_is_said_again(self) -> None:
        self.start()
        self.path.write_bytes(b"one")
        self.poll(2)
        self.path.unlink()
        self.poll()
        self.assertEqual(len(self.problems), 2)

    def test_content_can_be_asked_for_again_and_comes_ever_less_often(self) -> None:
        self.answer = self.poller.hand_on_again
        self.path.write_bytes(b"one")
        self.start()
        self.poll()
        came = []
        for number in range(1, 100):
            self.poll()
            if len(self.handed_on) > 1 + len(came):
                came.append(number)
        self.assertEqual(came, [1, 3, 7, 15, 31, 61, 91])

    def test_it_comes_no_more_once_something_could_be_done_with_it(self) -> None:
        self.answer = self.poller.hand_on_again
        self.path.write_bytes(b"one")
        self.start()
        self.poll(4)
        self.assertEqual(self.handed_on, [b"one"] * 3)
        self.answer = lambda: None
        self.poll(100)
        self.assertEqual(self.handed_on, [b"one"] * 4)
        reads = self.reads
        self.answer = self.poller.hand_on_again
        self.path.write_bytes(b"two")
        self.poll(3)
        self.assertEqual(self.handed_on[4:], [b"two"] * 2)
        self.assertEqual(self.reads, reads + 3)

    def test_content_that_has_changed_does_not_wait(self) -> None:
        self.answer = self.poller.hand_on_again
        self.path.write_bytes(b"one")
        self.start()
        self.poll(20)
        self.path.write_bytes(b"two")
        self.poll(2)
        self.assertEqual(self.handed_on[-1], b"two")

    def test_a_slow_listener_delays_the_next_poll(self) -> None:
        slow: Deferred[None] = Deferred()
        self.answer = lambda: slow
        self.path.write_bytes(b"one")
        self.start()
        self.poll()
        reads = self.reads
        self.path.write_bytes(b"two")
        self.poll(5)
        self.assertEqual(self.reads, reads)
        self.answer = lambda: None
        slow.callback(None)
        self.poll(2)
        self.assertEqual(self.handed_on, [b"one", b"two"])

    def test_polling_goes_on_after_a_failure_of_the_listener(self) -> None:
        def fail() -> None:
            raise RuntimeError("unforeseen")

        self.answer = fail
        self.path.write_bytes(b"one")
        self.start()
        self.poll()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.answer = lambda: None
        self.path.write_bytes(b"two")
        self.poll(2)
        self.assertEqual(self.handed_on, [b"one", b"two"])

    def test_stopping_waits_for_the_poll_under_way_and_hands_on_nothing(self) -> None:
        pending: list[Deferred[Any]] = []
        results: list[Any] = []

        def run_later(function: Callable[..., Any], *arguments: Any) -> "Deferred[Any]":
            results.append(function(*arguments))
            pending.append(Deferred())
            return pending[-1]

        self.path.write_bytes(b"one")
        poller = FilePoller(
            self.path, self.clock, run_later, 2.0, LIMIT_BYTES, self.handed_on.append, self.problems.append
        )
        poller.startService()
        pending[0].callback(results[0])
        self.poll()
        stopped = poller.stopService()
        assert stopped is not None
        self.assertNoResult(stopped)
        pending[1].callback(results[1])
        self.successResultOf(stopped)
        self.assertEqual(self.handed_on, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_unchanged_file_is_not_read_again(self) -> None:
        self.path.write_bytes(b"one")
        known = read_file(self.path, LIMIT_BYTES)
        self.assertIs(read_file(self.path, LIMIT_BYTES, known), known)
        self.path.write_bytes(b"two")
        self.assertEqual(read_file(self.path, LIMIT_BYTES, known).content, b"two")


class ReadFileTests(SynchronousTestCase):
    """Whatever the path leads to, the answer is content or a sentence."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))

    def refusal(self, path: Path) -> str:
        return str(self.assertRaises(Unreadable, read_file, path, LIMIT_BYTES))

    def test_a_named_pipe_is_refused_without_waiting_for_a_writer(self) -> None:
        os.mkfifo(self.folder / "pipe")
        self.assertIn("not a regular file", self.refusal(self.folder / "pipe"))

    def test_an_endless_device_is_refused(self) -> None:
        self.assertIn("not a regular file", self.refusal(Path("/dev/zero")))

    def test_a_huge_file_is_refused_by_its_size(self) -> None:
        with (self.folder / "huge").open("wb") as file:
            file.truncate(100 * 1024 * 1024)
        self.assertIn("104857600 bytes, the limit is 1000", self.refusal(self.folder / "huge"))

    def test_a_file_that_hides_its_size_is_read_up_to_the_limit(self) -> None:
        """Files under /proc say they have no bytes at all."""
        error = self.assertRaises(Unreadable, read_file, Path("/proc/self/status"), 10)
        self.assertIn("more than 10 bytes", str(error))

    def test_a_loop_of_links_is_refused(self) -> None:
        (self.folder / "loop").symlink_to("loop")
        self.assertIn("cannot be opened", self.refusal(self.folder / "loop"))

    def test_an_impossible_name_is_refused(self) -> None:
        self.assertIn("not a possible file name", self.refusal(Path("a\0b")))

    def test_descriptors_do_not_leak(self) -> None:
        before = len(list(Path("/proc/self/fd").iterdir()))
        (self.folder / "file").write_bytes(b"x")
        for _ in range(50):
            read_file(self.folder / "file", LIMIT_BYTES)
            self.refusal(self.folder)
        self.assertEqual(len(list(Path("/proc/self/fd").iterdir())), before)
