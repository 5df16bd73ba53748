"""All benchmarks there are, and how much each measures unless it is told otherwise."""

from collections.abc import Callable, Iterable, Sequence

from attrs import evolve, frozen

from benchmarks import apply, bodies, fleet, latency, memory
from benchmarks.compare import Workload
from benchmarks.costs import BYTES, REQUESTS, Costs
from benchmarks.errors import CouldNotRun
from benchmarks.peers import BASELINE, PEERS, STREAM_PEERS, Peer, cellrouter
from benchmarks.result import Document, Settings, document
from benchmarks.tables import tenants

ROUTES = 100_000
FEW_ROUTES, MANY_ROUTES = "4-routes", "100000-routes"


@frozen
class Benchmark:
    """One benchmark.

    :param name: its command.
    :param help: what it measures.
    :param peers: whom it can measure.
    :param rounds: how often it does.
    :param seconds: how long each time.
    :param measure: measures.
    :param shortest_s: what is left of that when it is only tried out.
    :param fewest: how many of the peers are measured then; all if it is not said.
    """

    name: str
    help: str
    peers: Sequence[Peer]
    rounds: int
    seconds: int
    measure: Callable[[Settings], Document]
    shortest_s: int = 1
    fewest: int | None = None

    def run(self, settings: Settings) -> Document:
        """Measure, and if nothing can be measured say why."""
        try:
            return self.measure(settings)
        except (CouldNotRun, OSError) as error:
            settings.report(f"could not run: {self.name}: {error}")
            return document(self.help, settings, (), (), failures={self.name: str(error)})


def _named(peers: Iterable[Peer], *names: str) -> list[Peer]:
    return [peer for peer in peers if peer.name in names]


def _with_routes(name: str, count: int) -> Peer:
    """Describe a data plane with that many routes; the two that its table has anyway are among them."""
    return evolve(cellrouter(name), blanks={"tenants": tenants(count - 2)})


def _fleet(data_planes: int, routes: int) -> Peer:
    """Describe a fleet; its name says how large it is."""
    return cellrouter(str(fleet.Size(data_planes, routes)))


SMALL = Workload(path="/", connections=32)
BIG = Workload(path="/big", connections=8, buffering="off")
MANY_KEYS = Workload(path="/", connections=32, tenants=ROUTES)
DATA_PLANES = _named(PEERS, "cellrouter", "cellrouter-epoll")
SERIOUS = _named(PEERS, "nginx", "haproxy", "cellrouter", "envoy")
FLEETS = (_fleet(1000, 1000), _fleet(5000, 1000), _fleet(1000, ROUTES), _fleet(5000, ROUTES))
BENCHMARKS = (
    Benchmark(
        "compare",
        "Small answers: CPU time for each request, and requests per second on one core.",
        *(PEERS, 6, 2),
        Costs("CPU time of small answers", SMALL, REQUESTS, BASELINE).measure,
    ),
    Benchmark(
        "stream",
        "Answers of 10 MiB: CPU time for each GiB.",
        *(STREAM_PEERS, 4, 2),
        Costs("CPU time of answers of 10 MiB", BIG, BYTES, BASELINE).measure,
    ),
    Benchmark(
        "latency",
        "Latency at 70% of each proxy's capacity, and of nginx at the same rate.",
        *(SERIOUS, 5, 2),
        latency.measure,
    ),
    Benchmark(
        "routes",
        "CPU time for each request with 100,000 routes and with 4.",
        *((_with_routes(FEW_ROUTES, 4), _with_routes(MANY_ROUTES, ROUTES)), 10, 2),
        Costs(f"CPU time of requests for {ROUTES:,} keys", MANY_KEYS, REQUESTS, FEW_ROUTES).measure,
    ),
    Benchmark(
        "apply",
        "The longest latency while a data plane applies 100,000 routes.",
        *(DATA_PLANES, 5, 4),
        apply.measure,
        shortest_s=4,
    ),
    Benchmark(
        "memory",
        "Memory of each of 10,000 idle connections.",
        *(SERIOUS, 1, 1),
        memory.measure,
    ),
    Benchmark(
        "bodies",
        "Memory of a data plane while bodies of 1 GiB pass.",
        *(DATA_PLANES, 1, 1),
        bodies.measure,
    ),
    Benchmark(
        "fleet",
        "A control plane with 1,000 and 5,000 data planes: acks, CPU time, memory, and a restart.",
        *(FLEETS, 3, 10),
        fleet.measure,
        fewest=1,
    ),
)
