"""The commands of ``cellrouter`` and their options; what they do is in the modules beside this one."""

from pathlib import Path
from typing import Any

import click

import cellrouter
from cellrouter.cli import cell as cells
from cellrouter.cli import demo as demos
from cellrouter.cli import routes
from cellrouter.cli.check import check_file
from cellrouter.cli.commands import Daemons, json_option, run
from cellrouter.cli.operate import COMMANDS
from cellrouter.cli.output import as_json, say, table
from cellrouter.daemon.options import endpoint


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(cellrouter.__version__, prog_name="cellrouter")
@click.option(
    "--control-plane",
    metavar="URL",
    envvar="CONTROL_PLANE",
    show_envvar=True,
    default="http://127.0.0.1:8081",
    show_default=True,
    help="The control plane.",
)
@click.option(
    "--data-plane",
    metavar="URL",
    envvar="DATA_PLANE",
    show_envvar=True,
    default="http://127.0.0.1:8082",
    show_default=True,
    help="A data plane's admin port.",
)
@click.option(
    "--operator-token-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="OPERATOR_TOKEN_FILE",
    show_envvar=True,
    help="A file whose first token is shown to the control plane by what changes anything.",
)
@click.pass_context
def main(
    context: click.Context, control_plane: str, data_plane: str, operator_token_file: Path | None
) -> None:
    """Operate a cell router, or try one out: start with "cellrouter demo"."""
    context.obj = Daemons(control_plane.rstrip("/"), data_plane.rstrip("/"), operator_token_file)


@main.command()
@click.option("--once", is_flag=True, help="Check the routes, stop, and exit with 0 or 1.")
@json_option
def demo(once: bool, json_wanted: bool) -> None:
    """Run a control plane, a data plane and four cells on this machine.

    A request is sent to each cell, and one with a key that is not in the table. Then everything stays up
    until Ctrl-C.
    """

    async def job(reactor: Any) -> int:
        return await demos.run(reactor, once, json_wanted, say)

    run(job)


@main.command()
@click.option("--name", default="cell", show_default=True, help="What the cell calls itself.")
@click.option(
    "--port",
    metavar="PORT",
    default="tcp:9001:interface=127.0.0.1",
    show_default=True,
    help="Where to listen: a port number, or the string of a Twisted endpoint.",
)
def cell(name: str, port: str) -> None:
    """Run a cell that tells each client what it got from it."""
    try:
        description = endpoint(port)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--port") from None

    async def job(reactor: Any) -> int:
        return await cells.serve(reactor, name, description)

    run(job)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def check(context: click.Context, file: Path, json_wanted: bool) -> None:
    """Check a routing config as the daemons do, and list everything that is wrong with it."""
    verdict = check_file(file)
    say(as_json(verdict.document()) if json_wanted else verdict.text())
    context.exit(0 if verdict.valid else 1)


@main.command()
@click.argument("key")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="Look it up in this config, not in a data plane.",
)
@json_option
@click.pass_obj
def route(daemons: Daemons, key: str, file: Path | None, json_wanted: bool) -> None:
    """Say where a request with the routing key KEY goes, and why, without sending one."""

    def show(decision: routes.Decision) -> None:
        say(as_json(decision) if json_wanted else table(None, decision.items()))

    async def job(reactor: Any) -> int:
        show(await routes.ask(reactor, daemons.data_plane, key))
        return 0

    if file is None:
        run(job)
    else:
        show(routes.look_up(file, key))


for _command in COMMANDS:
    main.add_command(_command)
