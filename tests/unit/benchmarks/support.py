"""What the benchmarks' tests have in common."""

from attrs import evolve

from benchmarks.machine import Cores
from benchmarks.peers import PEERS
from benchmarks.result import Settings

# Nobody's program is asked for its version.
SETTINGS = Settings([], rounds=3, seconds=2, cores=Cores(0, 1), report=lambda _: None)


def settings(*names: str) -> Settings:
    """Make settings for some of the peers."""
    return evolve(SETTINGS, peers=[peer for peer in PEERS if peer.name in names])
