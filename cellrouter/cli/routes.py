"""Where a routing key leads: asked of a data plane, or looked up in a config file."""

from pathlib import Path
from urllib.parse import quote

import click
from twisted.internet.interfaces import IReactorTime

from cellrouter.cli.check import load_file
from cellrouter.cli.client import get_json
from cellrouter.config import CompiledConfig, ConfigRefused, RoutingTable

Decision = dict[str, object]
"""The members of ``/debug/route``."""


async def ask(reactor: IReactorTime, data_plane: str, key: str) -> Decision:
    """Ask a data plane.

    :param reactor: carries the request and measures the time.
    :param data_plane: URL of its admin port.
    :param key: the routing key.
    :returns: its decision.
    :raises click.ClickException: when it cannot be asked or does not answer as a data plane.
    """
    hint = "give the URL of a data plane's admin port with --data-plane or DATA_PLANE"
    return await get_json(reactor, f"{data_plane}/debug/route?key={quote(_bytes(key), safe='')}", hint)


def look_up(path: Path, key: str) -> Decision:
    """Look a key up in a config file.

    :param path: the file.
    :param key: the routing key.
    :returns: the decision that a data plane with this config makes.
    :raises click.ClickException: when there is no valid config.
    """
    try:
        loaded = load_file(path)
    except ConfigRefused as refused:
        count = len(refused.violations)
        raise click.ClickException(
            f"{path}: refused, see cellrouter check; the first of {count}: {refused.violations[0]}"
        ) from None
    trimmed = _bytes(key).strip(b" \t")
    decision: Decision = {"routing_key": trimmed.decode("utf-8", "backslashreplace")}
    if b"," in trimmed:
        decision["refused"] = "a comma in X-Routing-Key is answered with 400"
    route = RoutingTable.build(CompiledConfig.of(loaded)).route(trimmed)
    return {
        **decision,
        "placement": route.placement,
        "endpoint": route.endpoint.url,
        "match": route.match.value,
        "config_version": loaded.config.version,
    }


def _bytes(key: str) -> bytes:
    """Give the bytes that were on the command line, whatever they are."""
    return key.encode("utf-8", "surrogateescape")
