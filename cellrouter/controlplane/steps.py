"""The steps by which a new snapshot reaches the data planes, as they are written and as values."""

import re
from itertools import pairwise

from attrs import frozen

from cellrouter.daemon.text import quoted

MAX_STEPS = 20
AT_ONCE = "all"


@frozen
class Step:
    """How many data planes have the new snapshot after a step.

    :ivar number: so many, or so many percent of them.
    :ivar percent: which of the two.
    """

    number: int
    percent: bool

    def __str__(self) -> str:
        return f"{self.number}%" if self.percent else str(self.number)

    def limit(self, data_planes: int) -> int:
        """Tell how many may have the new snapshot: never more than the share, and one at least.

        :param data_planes: how many there are.
        """
        return max(1, self.number * data_planes // 100) if self.percent else self.number


EVERYBODY = Step(100, True)
"""The last step: those that connect later included."""

Steps = tuple[Step, ...]


def read_steps(text: str) -> Steps:
    """Read steps such as ``1,25%,100%``.

    :returns: the steps; none for ``all``.
    :raises ValueError: with a message for people.
    """
    if text == AT_ONCE:
        return ()
    steps = tuple(_read_step(part.strip()) for part in text.split(","))
    if len(steps) > MAX_STEPS:
        raise ValueError(f"there are more than {MAX_STEPS} steps")
    if steps[-1] != EVERYBODY:
        raise ValueError(f"{quoted(text)} does not end with 100%")
    for before, after in pairwise(steps):
        if before.percent == after.percent and before.number >= after.number:
            raise ValueError(f"{after} is not more than {before} before it")
        if before.percent and not after.percent:
            raise ValueError(f"{after} comes after {before}: put numbers before percentages")
    return steps


def write_steps(steps: Steps) -> str:
    """Write steps as they are read."""
    return ",".join(map(str, steps)) or AT_ONCE


def _read_step(text: str) -> Step:
    match = re.fullmatch("([0-9]{1,5})(%?)", text)
    number = int(match[1]) if match else 0
    if match is None or number == 0 or (match[2] and number > 100):
        raise ValueError(
            f"{quoted(text)} is neither a number of data planes nor a percentage; write 1,25%,100%"
        )
    return Step(number, bool(match[2]))
