"""The fleet benchmark on a fleet that is small enough to be tested."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.errors import CouldNotRun
from benchmarks.fleet import CHANGE, CONNECT, REST, RESTART, STALLED, measure
from benchmarks.machine import choose_cores
from benchmarks.peers import cellrouter
from tests.unit.benchmarks.support import SETTINGS


class FleetTests(SynchronousTestCase):
    """Twenty data planes that connect, rest, take changes and come back."""

    def test_everything_happens_to_a_small_fleet(self) -> None:
        try:
            cores = choose_cores()
        except CouldNotRun as error:
            self.skipTest(str(error))
        settings = evolve(
            SETTINGS, peers=[cellrouter("20x10")], rounds=1, seconds=1, cores=cores, patience_s=0
        )
        found = measure(settings)
        self.assertEqual(found["could_not_run"], {})
        self.assertEqual(
            [event["what"] for event in found["events"]], [CONNECT, REST, CHANGE, RESTART, STALLED]
        )
        connects = {event["what"]: event["connects_per_s"] for event in found["events"]}
        self.assertGreater(connects[RESTART], 0)
        self.assertIsNone(connects[CHANGE])
