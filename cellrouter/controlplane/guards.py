"""Guards against the mistake that is a valid config: a change that is larger than changes are."""

from attrs import frozen

from cellrouter.config import Counts

FROM_ROUTES = 20
"""In a smaller table every change is a large one; only emptying it is held."""


@frozen
class Excess:
    """One guard that a change goes beyond.

    :ivar guard: the option that sets it, or ``never-empty``.
    :ivar text: by how much, for people.
    """

    guard: str
    text: str

    def __str__(self) -> str:
        return self.text


@frozen
class Guards:
    """How much may change at once.

    :param max_removed_pct: percentage of the routes that may be removed.
    :param max_remapped_pct: percentage of the routes that may lead to another placement.
    :param max_growth: the table has to stay shorter than this many times its length.
    """

    max_removed_pct: float = 5.0
    max_remapped_pct: float = 10.0
    max_growth: float = 2.0

    def exceeded(self, counts: Counts) -> tuple[Excess, ...]:
        """Tell which guards a change goes beyond.

        :param counts: the change in numbers.
        """
        before, after = counts.routes_before, counts.routes_after
        if before and not after:
            return (Excess("never-empty", f"the routing table is empty; it has {before} routes"),)
        if before < FROM_ROUTES:
            return ()
        shares = (
            ("max-removed-pct", self.max_removed_pct, counts.removed, "removed"),
            ("max-remapped-pct", self.max_remapped_pct, counts.moved, "moved to another placement"),
        )
        found = [
            Excess(
                guard, f"{count} of {before} routes are {fate}: {count / before:.1%}, --{guard} is {limit:g}"
            )
            for guard, limit, count, fate in shares
            if 100 * count > limit * before
        ]
        if after >= self.max_growth * before:
            text = f"{before} routes become {after}: {after / before:.1f} times as many"
            found.append(Excess("max-growth", f"{text}, --max-growth is {self.max_growth:g}"))
        return tuple(found)
