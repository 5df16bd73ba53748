"""How the placements are, as the data planes see them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from attrs import define, field, frozen

MAX_PLACEMENTS = 100
"""So many of a data plane's placements are looked at, the first ones; so many of the fleet's are shown."""

MAX_NAME = 200

_MAX_COUNT = 2**53
_CIRCUIT = re.compile(r"[a-z_-]{1,20}", re.ASCII)


@frozen
class Seen:
    """How one data plane sees a placement; None for what it does not say.

    :ivar healthy: whether its health checks say that it is healthy.
    :ivar circuit: the state of its circuit breaker.
    :ivar in_flight: requests that it is serving.
    :ivar requests: requests that it was given since it is known.
    """

    healthy: bool | None
    circuit: str | None
    in_flight: int | None
    requests: int | None


@define
class Placement:
    """How the data planes see a placement.

    :ivar data_planes: how many have it.
    :ivar checked: how many check its health.
    :ivar healthy: for how many of these it is healthy.
    :ivar circuits: for how many its circuit breaker is in each state.
    :ivar in_flight: requests that it is serving for all of them.
    :ivar told_in_flight: how many say so.
    """

    data_planes: int = 0
    checked: int = 0
    healthy: int = 0
    circuits: Counter[str] = field(factory=Counter)
    in_flight: int = 0
    told_in_flight: int = 0


def read_placements(placements: Mapping[str, object]) -> dict[str, Seen]:
    """Read what a data plane says in its status.

    :param placements: not yet checked; of more than a hundred, the rest is left out.
    """
    return {
        name: _seen(said)
        for name, said in islice(placements.items(), MAX_PLACEMENTS)
        if isinstance(said, dict) and len(name) <= MAX_NAME
    }


def _seen(said: Mapping[str, object]) -> Seen:
    healthy, circuit = said.get("healthy"), said.get("circuit")
    return Seen(
        healthy if isinstance(healthy, bool) else None,
        circuit if isinstance(circuit, str) and _CIRCUIT.fullmatch(circuit) else None,
        _count(said.get("in_flight")),
        _count(said.get("requests")),
    )


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < _MAX_COUNT else None


def summed(seen: Iterable[Mapping[str, Seen]]) -> dict[str, Placement]:
    """Add up what data planes see.

    :param seen: what each does.
    :returns: the hundred placements that the most of them have, by name.
    """
    found: dict[str, Placement] = {}
    for placements in seen:
        for name, each in placements.items():
            placement = found.get(name)
            if placement is None:
                placement = found[name] = Placement()
            placement.data_planes += 1
            if each.healthy is not None:
                placement.checked += 1
                placement.healthy += each.healthy
            if each.circuit is not None:
                placement.circuits[each.circuit] += 1
            if each.in_flight is not None:
                placement.told_in_flight += 1
                placement.in_flight += each.in_flight
    shown = sorted(found, key=lambda name: (-found[name].data_planes, name))[:MAX_PLACEMENTS]
    return {name: found[name] for name in sorted(shown)}
