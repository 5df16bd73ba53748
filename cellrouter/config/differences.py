"""What a change of the config means: which keys go elsewhere, which placements are others."""

from collections.abc import Iterable, Mapping

from attrs import asdict, frozen

from cellrouter.config.model import Placement, PlacementKey, RoutingConfig, RoutingKey

MAX_LISTED_KEYS = 100
"""How many routing keys of each group are named; all are counted."""

MAX_GROUPS = 1000
"""How many groups and placements are listed of each kind, the largest groups first."""

Json = dict[str, object]


@frozen
class Counts:
    """A change in numbers.

    :ivar routes_before: how many routes there were.
    :ivar routes_after: how many there are now.
    :ivar added: routes of keys that had none.
    :ivar removed: keys that have no route any more, and so go to the default placement.
    :ivar moved: keys whose route leads to another placement.
    :ivar placements_added: new placements.
    :ivar placements_removed: placements that are gone.
    :ivar placements_changed: placements with another URL or other settings.
    :ivar settings_changed: what else is different: the default placement, the policy for missing keys.
    """

    routes_before: int
    routes_after: int
    added: int
    removed: int
    moved: int
    placements_added: int
    placements_removed: int
    placements_changed: int
    settings_changed: int

    def __str__(self) -> str:
        groups = {
            "routes": {"added": self.added, "removed": self.removed, "moved": self.moved},
            "placements": {
                "added": self.placements_added,
                "removed": self.placements_removed,
                "changed": self.placements_changed,
            },
            "settings": {"changed": self.settings_changed},
        }
        told = {
            what: ", ".join(f"{count} {fate}" for fate, count in fates.items() if count)
            for what, fates in groups.items()
        }
        return "; ".join(f"{what}: {fates}" for what, fates in told.items() if fates) or "only the version"


@frozen
class Group:
    """Routing keys with the same fate.

    :ivar before: the placement they had; None for keys without a route.
    :ivar after: the placement they have; None for keys without a route.
    :ivar keys: all of them, in order.
    """

    before: PlacementKey | None
    after: PlacementKey | None
    keys: tuple[RoutingKey, ...]

    def document(self) -> Json:
        """Say it as JSON; only the first keys are named."""
        return {
            "from": self.before,
            "to": self.after,
            "count": len(self.keys),
            "keys": list(self.keys[:MAX_LISTED_KEYS]),
        }


@frozen
class Differences:
    """Everything in which one config differs from another.

    :ivar counts: the change in numbers.
    :ivar added: keys that got a route, by placement.
    :ivar removed: keys that lost theirs, by placement.
    :ivar moved: keys whose placement is another one, by both.
    :ivar placements: by key, what a placement was and is; None where there was or is none.
    :ivar settings: by field of the document, what it was and is; the version among them.
    """

    counts: Counts
    added: tuple[Group, ...]
    removed: tuple[Group, ...]
    moved: tuple[Group, ...]
    placements: Mapping[PlacementKey, tuple[Placement | None, Placement | None]]
    settings: Mapping[str, tuple[str, str]]

    def document(self) -> Json:
        """Say it as JSON, the counts first, in bounded length."""
        return {
            "counts": asdict(self.counts),
            "settings": [
                {"field": field, "from": before, "to": after}
                for field, (before, after) in self.settings.items()
            ],
            "moved": _documents(self.moved),
            "removed": _documents(self.removed),
            "added": _documents(self.added),
            "placements": [
                {"placement": key, "from": _fields(before), "to": _fields(after)}
                for key, (before, after) in list(self.placements.items())[:MAX_GROUPS]
            ],
        }


def compare(before: RoutingConfig, after: RoutingConfig) -> Differences:
    """Compare two configs by what they mean; how a placement is written makes no difference.

    :param before: the older one.
    :param after: the newer one.
    """
    was, now = before.routing_table, after.routing_table
    added = _groups((None, now[key], key) for key in now.keys() - was.keys())
    removed = _groups((was[key], None, key) for key in was.keys() - now.keys())
    moved = _groups(
        (placement, now[key], key) for key, placement in was.items() if now.get(key, placement) != placement
    )
    placements = {
        key: (before.placements.get(key), after.placements.get(key))
        for key in sorted(before.placements.keys() | after.placements.keys())
        if before.placements.get(key) != after.placements.get(key)
    }
    settings = {
        "version": (before.version, after.version),
        "defaultPlacement": (before.default_placement, after.default_placement),
        "missingKeyPolicy": (before.missing_key_policy.value, after.missing_key_policy.value),
    }
    changed = {field: pair for field, pair in settings.items() if pair[0] != pair[1]}
    counts = Counts(
        routes_before=len(was),
        routes_after=len(now),
        added=_size(added),
        removed=_size(removed),
        moved=_size(moved),
        placements_added=sum(pair[0] is None for pair in placements.values()),
        placements_removed=sum(pair[1] is None for pair in placements.values()),
        placements_changed=sum(None not in pair for pair in placements.values()),
        settings_changed=len(changed.keys() - {"version"}),
    )
    return Differences(counts, added, removed, moved, placements, changed)


def _groups(
    fates: Iterable[tuple[PlacementKey | None, PlacementKey | None, RoutingKey]],
) -> tuple[Group, ...]:
    """Group keys by where they were and are, the largest group first."""
    found: dict[tuple[PlacementKey | None, PlacementKey | None], list[RoutingKey]] = {}
    for before, after, key in fates:
        found.setdefault((before, after), []).append(key)
    groups = [Group(before, after, tuple(sorted(keys))) for (before, after), keys in found.items()]
    groups.sort(key=lambda group: (-len(group.keys), group.before or "", group.after or ""))
    return tuple(groups)


def _size(groups: tuple[Group, ...]) -> int:
    return sum(len(group.keys) for group in groups)


def _documents(groups: tuple[Group, ...]) -> list[Json]:
    return [group.document() for group in groups[:MAX_GROUPS]]


def _fields(placement: Placement | None) -> Json | None:
    if placement is None:
        return None
    return asdict(placement, filter=lambda _, value: value is not None)
