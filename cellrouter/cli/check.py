"""Checks a config file as the daemons do."""

from pathlib import Path

import click
from attrs import frozen

from cellrouter.config import (
    DEFAULT_MAX_CONFIG_BYTES,
    ConfigRefused,
    LoadedConfig,
    Violation,
    inert_fields,
    load_config,
)
from cellrouter.snapshots.poller import Unreadable, read_file


@frozen
class Verdict:
    """What was found out about a file.

    :param path: the file.
    :param loaded: its config, or None when it is refused.
    :param violations: why it is refused.
    """

    path: Path
    loaded: LoadedConfig | None
    violations: tuple[Violation, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the daemons would take it."""
        return self.loaded is not None

    def document(self) -> dict[str, object]:
        """Say it for programs."""
        head = {"file": str(self.path), "valid": self.valid}
        if self.loaded is None:
            reasons = [
                {"path": each.path, "code": each.code, "message": each.message} for each in self.violations
            ]
            return {**head, "violations": reasons}
        config = self.loaded.config
        return {
            **head,
            "version": config.version,
            "hash": self.loaded.hash,
            "routes": len(config.routing_table),
            "placements": len(config.placements),
            "default_placement": config.default_placement,
            "no_effect_yet": list(inert_fields(config)),
        }

    def text(self) -> str:
        """Say it for people: a summary, or each violation on a line."""
        if self.loaded is None:
            return "\n".join(map(str, self.violations))
        config = self.loaded.config
        summary = (
            f"{self.path}: valid: version {config.version}, {len(config.routing_table)} routes,"
            f" {len(config.placements)} placements, default {config.default_placement}, {self.loaded.hash}"
        )
        inert = (f"{self.path}: {pointer}: has no effect yet" for pointer in inert_fields(config))
        return "\n".join((summary, *inert))


def load_file(path: Path) -> LoadedConfig:
    """Read and check a config file, as large as the daemons accept by default.

    :param path: the file.
    :returns: its config.
    :raises ConfigRefused: with everything that is wrong with it.
    :raises click.ClickException: when it cannot be read.
    """
    try:
        content = read_file(path, DEFAULT_MAX_CONFIG_BYTES).content
    except Unreadable as error:
        raise click.ClickException(str(error)) from None
    return load_config(content or b"")


def check_file(path: Path) -> Verdict:
    """Check a config file.

    :param path: the file.
    :returns: what was found.
    :raises click.ClickException: when it cannot be read.
    """
    try:
        return Verdict(path, load_file(path))
    except ConfigRefused as refused:
        return Verdict(path, None, refused.violations)
