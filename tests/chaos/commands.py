"""What the commands of this package share."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from tests.chaos.fleet import Fleet


def run_with_fleet(program: Callable[[Fleet], Awaitable[bool]]) -> None:
    """Run a program with a fleet that ends with it; exit with status 0 or 1.

    :param program: returns whether all went well.
    """

    async def main(fleet: Fleet) -> None:
        try:
            good = await program(fleet)
        finally:
            await fleet.stop()
        if not good:
            raise SystemExit(1)

    with TemporaryDirectory(prefix="cellrouter-") as folder:
        react(lambda _: Deferred.fromCoroutine(main(Fleet(Path(folder)))))
