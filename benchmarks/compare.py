"""What work costs: rounds in which each proxy gets the same load in turn."""

from collections.abc import Sequence

from attrs import define, field, frozen

from benchmarks.lineup import Lineup, Up
from benchmarks.load import Served, drive
from benchmarks.peers import Peer, Started
from benchmarks.quiet import MAX_TRIES, QUIET, Patience, Watch

WARM_UP_S = 2


@frozen
class Workload:
    """What is asked for.

    :param path: the target of every request.
    :param connections: keep-alive connections.
    :param buffering: whether nginx may gather a response before it sends it: ``on`` or ``off``.
    :param tenants: how many routing keys the requests go through in turn; 0: all have the same.
    """

    path: str
    connections: int
    buffering: str = "on"
    tenants: int = 0


@frozen
class Sample:
    """One proxy in one round.

    :param peer: the proxy's name.
    :param round_number: from 1 up.
    :param served: what it served.
    :param cpu_s: the CPU time it took for that.
    :param others: the share of its core, or of the load's if that is more, that was taken by nobody of ours.
    """

    peer: str
    round_number: int
    served: Served
    cpu_s: float
    others: float

    @property
    def quiet(self) -> bool:
        """Whether the machine was ours alone, as far as can be seen from inside."""
        return self.others <= QUIET


@define
class Measured:
    """What came of all rounds.

    :param samples: in the order they were taken.
    :param failures: for each proxy that could not run, why.
    """

    samples: list[Sample] = field(factory=list)
    failures: dict[str, str] = field(factory=dict)


@define
class Comparison:
    """Proxies that run side by side and are loaded one at a time.

    The rounds are interleaved, and every proxy stays up through all of them: a machine whose pace changes
    does so for all of a round.

    :param workload: what is served.
    :param seconds: how long each proxy is loaded in each round.
    :param lineup: starts the proxies.
    :param patience: waits until nobody else is busy.
    """

    workload: Workload
    seconds: int
    lineup: Lineup
    patience: Patience

    def run(self, peers: Sequence[Peer], rounds: int) -> Measured:
        """Measure every proxy in every round; one that fails is left out from then on.

        :param peers: the proxies.
        :param rounds: how many.
        :raises CouldNotRun: when the cells do not start.
        """
        samples = []
        with self.lineup.up(peers, self.workload.buffering) as up:
            for name, proxy in self.lineup.turns(up):
                with self.lineup.failing(name):
                    self._drive(proxy, WARM_UP_S)
            for number in range(1, rounds + 1):
                for name, proxy in self.lineup.turns(up):
                    with self.lineup.failing(name):
                        samples.append(self._measure(name, proxy, up, number))
        return Measured(samples, self.lineup.failures)

    def _measure(self, name: str, proxy: Started, up: Up, number: int) -> Sample:
        """Take a sample when nobody else is busy, and again if somebody was after all."""
        self.patience.await_quiet()
        for _ in range(MAX_TRIES):
            sample = self._sample(name, proxy, up, number)
            if sample.quiet or not self.patience.has(self.seconds):
                break
        self.lineup.report(f"round {number}: {name}: {_text(sample)}")
        return sample

    def _sample(self, name: str, proxy: Started, up: Up, number: int) -> Sample:
        watch = Watch(proxy, up.to, self.lineup.cores)
        served = self._drive(proxy, self.seconds)
        spent = watch.spent()
        return Sample(name, number, served, spent.cpu_s, spent.others_s / served.duration_s)

    def _drive(self, proxy: Started, seconds: int) -> Served:
        workload = self.workload
        return drive(
            proxy.port,
            workload.path,
            workload.connections,
            seconds,
            self.lineup.cores.load,
            tenants=workload.tenants,
        )


def _text(sample: Sample) -> str:
    served = sample.served
    disturbed = "" if sample.quiet else f", while others took {sample.others:.0%} of a core"
    return f"{served.requests} requests in {served.duration_s:.2f} s, {sample.cpu_s:.2f} s of CPU{disturbed}"
