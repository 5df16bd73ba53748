"""The commands that operate a control plane."""

import getpass
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from attrs import evolve

from cellrouter.cli import texts, waiting
from cellrouter.cli.commands import Daemons, json_option, run
from cellrouter.cli.control_plane import ControlPlane, Json, Refused
from cellrouter.cli.output import as_json, harmless, say
from cellrouter.config import DEFAULT_MAX_CONFIG_BYTES, parse_duration
from cellrouter.snapshots.poller import Unreadable, read_file

Command = TypeVar("Command", bound=Callable[..., object])
Given = ParamSpec("Given")


def _control_plane_option(command: Command) -> Command:
    """Let the control plane be named after the command as well."""

    def take(context: click.Context, _: click.Parameter, url: str | None) -> None:
        daemons = context.find_object(Daemons)
        if url is not None and daemons is not None:
            context.obj = evolve(daemons, control_plane=url.rstrip("/"))

    option = click.option(
        "--control-plane", metavar="URL", callback=take, expose_value=False, help="The control plane."
    )
    return option(command)


def _options(command: Callable[Concatenate[Daemons, Given], None]) -> Callable[Given, None]:
    return _control_plane_option(json_option(click.pass_obj(command)))


@click.command()
@_options
def history(daemons: Daemons, json_wanted: bool) -> None:
    """List the accepted configs, the newest first; an asterisk marks the active one."""
    _show(daemons, json_wanted, texts.history, lambda plane: plane.get("/config/versions"))


@click.command()
@click.argument("revision", type=click.IntRange(0))
@click.option("--document", is_flag=True, help="Print the config itself, as it can be applied again.")
@_options
def show(daemons: Daemons, revision: int, document: bool, json_wanted: bool) -> None:
    """Show an accepted config: what it is, who made it active, when and why."""
    text = (lambda shown: as_json(shown["config"])) if document else texts.version
    _show(daemons, json_wanted, text, lambda plane: plane.get(f"/config/versions/{revision}"))


@click.command()
@click.argument("before", metavar="A", type=click.IntRange(0))
@click.argument("after", metavar="B", type=click.IntRange(0))
@_options
def diff(daemons: Daemons, before: int, after: int, json_wanted: bool) -> None:
    """Compare two revisions by what they mean: keys that go elsewhere, placements that are others."""
    query = {"from": before, "to": after}
    _show(daemons, json_wanted, texts.diff, lambda plane: plane.get("/config/diff", query))


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--if-revision", type=click.IntRange(0), help="Only if this revision is active.")
@click.option("--override", metavar="REASON", help="Do it although it goes beyond a guard.")
@click.option("--reason", help="Why; goes into the history.")
@_options
def apply(
    daemons: Daemons,
    file: Path | None,
    if_revision: int | None,
    override: str | None,
    reason: str | None,
    json_wanted: bool,
) -> None:
    """Make the config in FILE active; without FILE, release the change that is held.

    The file that the control plane watches is set aside then, until its content changes.
    """
    if file is None and (override is None or if_revision is not None or reason is not None):
        raise click.UsageError("give a FILE, or --override REASON alone to release the change that is held")
    if file is None:
        _show(daemons, json_wanted, texts.change, lambda plane: _release(plane, str(override)))
        return
    content = _read(file)
    query = {"if-revision": if_revision, "override": override, "reason": reason, "actor": _who()}
    _show(daemons, json_wanted, texts.change, lambda plane: plane.post("/config/apply", query, content))


@click.command()
@click.argument("revision", type=click.IntRange(0))
@click.option("--reason", required=True, help="Why; goes into the history.")
@click.option("--if-revision", type=click.IntRange(0), help="Only if this revision is active.")
@_options
def rollback(
    daemons: Daemons, revision: int, reason: str, if_revision: int | None, json_wanted: bool
) -> None:
    """Make the content of an earlier REVISION active again, under a new revision.

    The file that the control plane watches is set aside then, until its content changes.
    """
    query = {"to": revision, "reason": reason, "if-revision": if_revision, "actor": _who()}
    _show(daemons, json_wanted, texts.change, lambda plane: plane.post("/config/rollback", query))


@click.command()
@click.option("--expect-nodes", metavar="NODES", help="How many there should be, or their node ids.")
@_options
def fleet(daemons: Daemons, expect_nodes: str | None, json_wanted: bool) -> None:
    """List the data planes: what they run, how that stands to what they should run, and why not."""
    query = {"expect-nodes": expect_nodes}
    _show(daemons, json_wanted, texts.fleet, lambda plane: plane.get("/fleet", query))


@click.command()
@click.option("--revision", type=click.IntRange(0), help="Wait for this one; default: the active one.")
@click.option("--timeout", default="60s", show_default=True, help="How long.")
@click.option("--expect-nodes", metavar="NODES", help="How many there should be, or their node ids.")
@_options
def wait(
    daemons: Daemons, revision: int | None, timeout: str, expect_nodes: str | None, json_wanted: bool
) -> None:
    """Wait until every data plane that is expected has acked a revision.

    Exits with 0 then; with 1 when a data plane has refused it or another revision has taken its place; with
    3 when the time is over.
    """
    try:
        timeout_s = parse_duration(timeout)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--timeout") from None

    async def job(reactor: Any) -> int:
        plane = ControlPlane(reactor, daemons.control_plane, daemons.operator_token_file)
        try:
            result = await waiting.wait(reactor, plane, revision, expect_nodes, timeout_s)
        except Refused as refused:
            return _refused(refused, json_wanted)
        if json_wanted:
            say(as_json({"status": result.status, "text": result.text, "fleet": result.fleet}))
        else:
            say(harmless(result.text), err=result.status != 0)
        return result.status

    run(job)


@click.group()
def rollout() -> None:
    """See how a change gets to the data planes step by step, and steer it."""


@rollout.command("status")
@_options
def rollout_status(daemons: Daemons, json_wanted: bool) -> None:
    """Show how the last rollout stands."""
    _show(daemons, json_wanted, texts.rollout, lambda plane: plane.get("/rollout"))


@rollout.command("pause")
@_options
def rollout_pause(daemons: Daemons, json_wanted: bool) -> None:
    """Take no further step until "promote" or "abort"; the data planes are watched on."""
    _show(daemons, json_wanted, texts.rollout, lambda plane: plane.post("/rollout/pause", {"actor": _who()}))


@rollout.command("promote")
@click.option("--if-step", type=click.IntRange(0), help="Only if this step is the last that was taken.")
@_options
def rollout_promote(daemons: Daemons, if_step: int | None, json_wanted: bool) -> None:
    """Take the next step now, without waiting for acks and the bake; after the last step, be done."""
    query = {"actor": _who(), "if-step": if_step}
    _show(daemons, json_wanted, texts.rollout, lambda plane: plane.post("/rollout/promote", query))


@rollout.command("abort")
@click.option("--reason", help="Why; goes into the history.")
@_options
def rollout_abort(daemons: Daemons, reason: str | None, json_wanted: bool) -> None:
    """Give everybody the config before, under a new revision."""
    query = {"actor": _who(), "reason": reason}
    _show(daemons, json_wanted, texts.rollout, lambda plane: plane.post("/rollout/abort", query))


COMMANDS = (history, show, diff, apply, rollback, fleet, wait, rollout)
"""All of them."""


async def _release(plane: ControlPlane, reason: str) -> Json:
    """Release what is held, provided that it is still what it was when we looked."""
    health = await plane.get("/health")
    with plane.reading():
        held = health["held"]
        seen_hash = None if held is None else held["hash"]
    if seen_hash is None:
        raise click.ClickException("no change is held")
    query = {"reason": reason, "hash": seen_hash, "actor": _who()}
    return await plane.post("/config/release", query)


def _show(
    daemons: Daemons,
    json_wanted: bool,
    text: Callable[[Json], str],
    ask: Callable[[ControlPlane], Awaitable[Json]],
) -> None:
    """Ask the control plane and print what it says."""

    async def job(reactor: Any) -> int:
        plane = ControlPlane(reactor, daemons.control_plane, daemons.operator_token_file)
        try:
            document = await ask(plane)
        except Refused as refused:
            return _refused(refused, json_wanted)
        with plane.reading():
            told = as_json(document) if json_wanted else text(document)
        say(told if json_wanted else harmless(told))
        return 0

    run(job)


def _refused(refused: Refused, json_wanted: bool) -> int:
    """Say what the control plane does not do, and why."""
    if json_wanted:
        say(as_json(refused.document))
    else:
        refused.show()
    return refused.exit_code


def _read(file: Path) -> bytes:
    try:
        return read_file(file, DEFAULT_MAX_CONFIG_BYTES).content or b""
    except Unreadable as error:
        raise click.ClickException(str(error)) from None


def _who() -> str:
    """Say who runs the tool, as far as it can tell."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return f"{name}@{socket.gethostname()}"
