"""Checks on the names in a document: that they are well formed, and that every placement named by one exists.

They work on the parsed JSON, malformed parts included, so that one wrong value does not hide the faults of
others.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial

from cellrouter.config.model import PlacementKey
from cellrouter.config.rules import type_name
from cellrouter.config.violations import Findings, Violation, did_you_mean, pointer, quoted

PLACEMENT_MAPS = ("placements", "cellEndpoints")
"""The fields that define placements: the full form, and the short form for a URL only."""

DEFAULT_PLACEMENT = PlacementKey("tier3")
"""The default placement of a document that names none."""

_MAX_SHOWN_CYCLE = 10
_ROUTING_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,256}")
_PLACEMENT_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def section(document: Mapping[str, object], name: str) -> dict[str, object]:
    """Take an object out of the document; an empty one where there is none, which is reported elsewhere."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def check_names(document: Mapping[str, object], findings: Findings) -> None:
    """Check every routing key, every placement key, and what names a placement.

    :param document: the parsed document.
    :param findings: receives everything that is wrong.
    """
    _check_placement_keys(document, findings)
    _check_routes(section(document, "routingTable"), findings)
    given = [document[name] for name in PLACEMENT_MAPS if name in document]
    if not given:
        message = 'no placements; give "placements" or "cellEndpoints"'
        findings.add("/placements", "missing_field", message)
    elif all(isinstance(value, dict) for value in given):
        _check_references(document, findings)
        _check_fallback_cycles(section(document, "placements"), findings)


def _check_placement_keys(document: Mapping[str, object], findings: Findings) -> None:
    for name in PLACEMENT_MAPS:
        bad = [key for key in section(document, name) if not _PLACEMENT_KEY.fullmatch(key)]
        findings.add_each(bad, partial(_bad_placement_key, name))
    full, short = (section(document, name) for name in PLACEMENT_MAPS)
    findings.add_each([key for key in short if key in full], _defined_twice)


def _bad_placement_key(map_name: str, key: str) -> Violation:
    message = f"{quoted(key)} is not a placement key: 1 to 128 visible ASCII characters"
    return Violation(pointer(map_name, key), "invalid_placement_key", message)


def _defined_twice(key: str) -> Violation:
    message = f'{quoted(key)} is in "placements" too; define it in one place'
    return Violation(pointer("cellEndpoints", key), "duplicate_key", message)


def _check_routes(routes: Mapping[str, object], findings: Findings) -> None:
    is_routing_key = _ROUTING_KEY.fullmatch
    findings.add_each([key for key in routes if not is_routing_key(key)], _bad_routing_key)
    findings.add_each([item for item in routes.items() if not isinstance(item[1], str)], _bad_target)


def _bad_routing_key(key: str) -> Violation:
    message = f"{quoted(key)} is not a routing key: 1 to 256 visible ASCII characters, no comma"
    return Violation(pointer("routingTable", key), "invalid_routing_key", message)


def _bad_target(route: tuple[str, object]) -> Violation:
    key, target = route
    message = f"must be a string that names a placement, not {type_name(target)}"
    return Violation(pointer("routingTable", key), "wrong_type", message)


def _check_references(document: Mapping[str, object], findings: Findings) -> None:
    """Check that every placement exists that a route, a fallback or the default names."""
    names = {name for map_name in PLACEMENT_MAPS for name in section(document, map_name)}
    unknown = partial(_unknown_placement, names)
    routes = section(document, "routingTable").items()
    dangling = [(key, target) for key, target in routes if isinstance(target, str) and target not in names]
    findings.add_each(dangling, lambda route: unknown(pointer("routingTable", route[0]), route[1]))
    lost = [
        (key, target) for key, target in _fallbacks(section(document, "placements")) if target not in names
    ]
    findings.add_each(lost, lambda edge: unknown(pointer("placements", edge[0], "fallback"), edge[1]))
    default = document.get("defaultPlacement", DEFAULT_PLACEMENT)
    if isinstance(default, str) and default not in names:
        findings.add_each([default], partial(unknown, "/defaultPlacement"))


def _unknown_placement(names: set[str], path: str, target: str) -> Violation:
    message = f"there is no placement {quoted(target)}{did_you_mean(target, names)}"
    return Violation(path, "unknown_placement", message)


def _fallbacks(placements: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key, placement in placements.items():
        fallback = placement.get("fallback") if isinstance(placement, dict) else None
        if isinstance(fallback, str):
            yield key, fallback


def _check_fallback_cycles(placements: Mapping[str, object], findings: Findings) -> None:
    """Report each cycle once: a placement has one fallback at most, so each walk meets at most one."""
    fallback_of = dict(_fallbacks(placements))
    walked: set[str] = set()
    for start in fallback_of:
        chain: dict[str, None] = {}
        key = start
        while key in fallback_of and key not in walked:
            walked.add(key)
            chain[key] = None
            key = fallback_of[key]
        if key in chain:
            findings.add_each([list(chain)[list(chain).index(key) :]], _fallback_cycle)


def _fallback_cycle(cycle: list[str]) -> Violation:
    path = pointer("placements", cycle[0], "fallback")
    if len(cycle) == 1:
        return Violation(path, "fallback_cycle", "a placement cannot be its own fallback")
    shown = [quoted(key) for key in cycle[:_MAX_SHOWN_CYCLE]]
    if len(cycle) > _MAX_SHOWN_CYCLE:
        shown.append("…")
    return Violation(path, "fallback_cycle", "fallbacks go round: " + " -> ".join([*shown, quoted(cycle[0])]))
