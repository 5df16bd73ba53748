"""Long work in portions, between which others have their turn."""

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

T = TypeVar("T")


async def in_portions(items: Iterable[T], count: int, clock: IReactorTime) -> AsyncIterator[list[T]]:
    """Give items so many at a time, the first at once and the others each in a turn of its own.

    :param items: each is made when its portion is.
    :param count: how many are a portion.
    :param clock: gives others their turn.
    """
    rest = iter(items)
    portion = list(islice(rest, count))
    while portion:
        yield portion
        if len(portion) < count:
            return
        await deferLater(clock, 0)
        portion = list(islice(rest, count))
