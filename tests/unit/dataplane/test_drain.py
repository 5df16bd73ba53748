"""The end of a data plane, step by step."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.dataplane.drain import Drain, Phase


class FakeEngine:
    """Has as many exchanges in flight as a test wants."""

    def __init__(self, in_flight: int, diary: list[str]) -> None:
        self.in_flight = in_flight
        self.diary = diary
        self.ended: Deferred[None] = Deferred()

    def begin_drain(self) -> None:
        self.diary.append("connections end")

    def drained(self) -> "Deferred[None]":
        return self.ended if self.in_flight else succeed(None)

    def finish(self) -> None:
        self.in_flight = 0
        self.ended.callback(None)

    def abort_all(self) -> int:
        aborted, self.in_flight = self.in_flight, 0
        self.diary.append(f"{aborted} aborted")
        return aborted


class FakePort:
    """Takes a diary of what happens to it."""

    def __init__(self, diary: list[str]) -> None:
        self.diary = diary

    def privilegedStartService(self) -> None:
        self.diary.append("port opens")

    def startService(self) -> None:
        self.diary.append("port serves")

    def stopService(self) -> "Deferred[None]":
        self.diary.append("port closes")
        return succeed(None)


class DrainTests(SynchronousTestCase):
    """A drain with a delay of 5 seconds and a time-out of 30."""

    def drain(self, in_flight: int, delay_s: float = 5.0) -> Drain:
        self.diary: list[str] = []
        self.clock = Clock()
        self.engine = FakeEngine(in_flight, self.diary)
        return Drain(FakePort(self.diary), self.engine, self.clock, delay_s, 30.0)

    def test_it_opens_the_port_when_it_starts(self) -> None:
        drain = self.drain(0)
        drain.privilegedStartService()
        drain.startService()
        self.assertEqual((self.diary, drain.phase), (["port opens", "port serves"], Phase.ACCEPTING))

    def test_the_port_stays_open_for_the_delay(self) -> None:
        drain = self.drain(0)
        stopping = drain.stopService()
        self.clock.advance(4.9)
        self.assertEqual((self.diary, drain.phase), ([], Phase.ANNOUNCED))
        self.clock.advance(0.1)
        self.assertEqual(self.diary, ["port closes", "connections end", "0 aborted"])
        self.assertIs(drain.phase, Phase.DONE)
        self.successResultOf(stopping)

    def test_without_a_delay_the_port_closes_at_once(self) -> None:
        stopping = self.drain(0, delay_s=0.0).stopService()
        self.successResultOf(stopping)

    def test_what_is_in_flight_may_finish(self) -> None:
        drain = self.drain(2, delay_s=0.0)
        stopping = drain.stopService()
        self.clock.advance(29.9)
        self.assertEqual((self.diary, drain.phase), (["port closes", "connections end"], Phase.FINISHING))
        self.assertNoResult(stopping)
        self.engine.finish()
        self.successResultOf(stopping)
        self.assertEqual(self.diary[-1], "0 aborted")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_does_not_finish_in_time_is_aborted(self) -> None:
        stopping = self.drain(2, delay_s=0.0).stopService()
        self.clock.advance(30)
        self.assertEqual(self.diary[-1], "2 aborted")
        self.successResultOf(stopping)

    def test_an_exchange_that_ends_after_the_time_out_changes_nothing(self) -> None:
        stopping = self.drain(1, delay_s=0.0).stopService()
        self.clock.advance(30)
        self.engine.finish()
        self.successResultOf(stopping)
        self.assertEqual(self.diary.count("1 aborted"), 1)
