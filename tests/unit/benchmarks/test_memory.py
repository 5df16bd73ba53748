"""Figures about memory and stalls, from measurements that nobody took."""

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import apply, bodies, memory
from benchmarks.result import text
from tests.unit.benchmarks.support import SETTINGS

MIB_KIB = 1024


class IdleConnectionTests(SynchronousTestCase):
    """What a connection holds."""

    def test_it_is_what_came_on_top_for_each_connection(self) -> None:
        self.assertEqual(memory.Idle("router", 1, 1000, 50_000, 55_000).kib_each, 5.0)

    def test_figures_are_medians_and_the_smallest_is_first(self) -> None:
        found = [
            memory.Idle("router", 1, 1024, 10 * MIB_KIB, 15 * MIB_KIB),
            memory.Idle("router", 2, 1024, 10 * MIB_KIB, 90 * MIB_KIB),
            memory.Idle("router", 3, 1024, 20 * MIB_KIB, 26 * MIB_KIB),
            memory.Idle("nginx", 1, 1024, 10 * MIB_KIB, 11 * MIB_KIB),
        ]
        self.assertEqual(
            text(memory.write(SETTINGS, found, {})).splitlines()[2:5],
            [
                "PROXY   KIB EACH  MIB BEFORE  MIB WITH THEM",
                "nginx   1.00      10.0        11.0",
                "router  6.00      10.0        26.0",
            ],
        )


class BodyTests(SynchronousTestCase):
    """What long bodies make a data plane hold."""

    def test_the_most_of_all_rounds_is_told_for_each_way(self) -> None:
        def passed(transfer: str, number: int, peak_mib: int) -> bodies.Passed:
            size = 100 * bodies.MIB
            return bodies.Passed("router", transfer, number, size, 2.0, 50 * MIB_KIB, peak_mib * MIB_KIB)

        found = [passed("download", 1, 60), passed("download", 2, 51), passed("upload", 1, 50)]
        self.assertEqual(
            text(bodies.write(SETTINGS, found, {}, 100 * bodies.MIB)).splitlines()[:5],
            [
                "Memory while bodies of 100 MiB pass",
                "",
                "PROXY   TRANSFER  MIB/S  MIB BEFORE  MIB AT MOST  MIB ADDED",
                "router  download  50.0   50.0        60.0         10.0",
                "router  upload    50.0   50.0        50.0         0.0",
            ],
        )


class ApplyTests(SynchronousTestCase):
    """How long requests stand still."""

    def test_the_worst_of_all_rounds_stands_beside_the_worst_without(self) -> None:
        found = [
            apply.Applied("router", 1, ack_s=1.5, apply_ms=100.0, worst_ms=20.0, calm_ms=2.0),
            apply.Applied("router", 2, ack_s=1.7, apply_ms=120.0, worst_ms=41.0, calm_ms=1.0),
            apply.Applied("router", 3, ack_s=9.0, apply_ms=900.0, worst_ms=30.0, calm_ms=3.0),
        ]
        self.assertEqual(
            text(apply.write(SETTINGS, found, {"router-2": "no ack in 4 s"})).splitlines()[2:5],
            [
                "DATA PLANE  WORST MS  IN EACH ROUND  WORST MS BEFORE  CHANGE TO ACK S  APPLY MS",
                "router      41.0      20 41 30       3.0              1.70             120",
                "could not run: router-2: no ack in 4 s",
            ],
        )
