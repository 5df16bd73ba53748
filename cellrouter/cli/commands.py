"""What the commands of the tool share."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import click
from attrs import frozen
from twisted.internet.defer import Deferred

Job = Callable[[Any], Coroutine[Any, Any, int]]
"""What a command does on the reactor it is given; returns the exit status."""


@frozen
class Daemons:
    """Where the daemons are.

    :param control_plane: URL of the control plane.
    :param data_plane: URL of a data plane's admin port.
    :param operator_token_file: has the token that the control plane is shown.
    """

    control_plane: str
    data_plane: str
    operator_token_file: Path | None = None


json_option = click.option("--json", "json_wanted", is_flag=True, help="Print JSON for programs.")


def run(job: Job) -> None:
    """Run a job on the reactor and exit with its status; what it cannot do is one line on standard error."""
    from twisted.internet.task import deferLater, react

    async def main(reactor: Any) -> None:
        # The job begins when the reactor runs: from then on signals find it, and it can clean up.
        await deferLater(reactor, 0)
        try:
            status = await job(reactor)
        except click.ClickException as problem:
            problem.show()
            status = problem.exit_code
        raise SystemExit(status)

    react(cast(Callable[..., "Deferred[object]"], main))
