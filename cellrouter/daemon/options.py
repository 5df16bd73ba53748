"""Command line options with environment variables, and how their values are read."""

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, ClassVar

from attrs import frozen
from twisted.python.usage import Options, UsageError

import cellrouter
from cellrouter.config import parse_duration
from cellrouter.daemon.text import quoted

Parser = Callable[[str], object]
"""Reads an option's text. It raises ValueError with a message for people, to which the option's name is
added."""

_OTHER_ENVIRONMENT_NAMES = {"config": "CONFIG_PATH"}
_MAX_PORT = 65535
_MAX_DIGITS = 18


@frozen
class Setting:
    """One option of a daemon.

    :param flag: its name on the command line, without the two dashes.
    :param default: the text that is read when neither the flag nor the variable is given, or None: there is
        no value.
    :param parse: reads the text.
    :param help: what it does, a line for ``--help``.
    """

    flag: str
    default: str | None
    parse: Parser
    help: str

    @property
    def environment_name(self) -> str:
        """The environment variable that stands in for the flag."""
        return _OTHER_ENVIRONMENT_NAMES.get(self.flag, self.flag.upper().replace("-", "_"))

    @property
    def usage(self) -> str:
        """The help text with the variable and the default."""
        default = "" if self.default is None else f"; default {self.default}"
        return f"{self.help} [{self.environment_name}{default}]"


class DaemonOptions(Options):
    """The options of a daemon, as values that are ready to be used, by flag: ``options["poll-interval"]``.

    A flag wins over its environment variable; a variable that is empty counts as not set. Everything is
    checked before the daemon does anything: whatever is wrong ends the program with one line on stderr and
    status 1.
    """

    optParameters: ClassVar[list[list[str | None]]]
    longdesc = (
        "Each option can also be given by the environment variable in brackets; the option wins."
        " Durations are written like 500ms, 10s, 1m30s or 2h."
    )

    daemon: ClassVar[str]
    """The name of the program, which its messages begin with."""

    settings: ClassVar[tuple[Setting, ...]]
    """Every option."""

    environ: Mapping[str, str] = os.environ
    """Where the variables are looked up."""

    def __init_subclass__(cls) -> None:
        """Declare the settings the way twisted.python.usage wants them."""
        super().__init_subclass__()
        cls.optParameters = [[setting.flag, None, None, setting.usage] for setting in cls.settings]

    def getSynopsis(self) -> str:
        """Return the first line of the help."""
        return f"Usage: twistd [twistd's options] {self.daemon} [options]\n"

    def opt_version(self) -> None:
        """Display the version and exit."""
        print(f"{self.daemon} {cellrouter.__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: list[str] | None = None) -> None:
        """Read the command line and the environment.

        :param options: the arguments after the daemon's name.
        :raises SystemExit: with one line, when something is wrong.
        """
        try:
            Options.parseOptions(self, options)
        except UsageError as error:
            raise SystemExit(f"{self.daemon}: {error}") from None

    def parseArgs(self, *arguments: str) -> None:
        """Refuse what is not an option.

        :raises UsageError: when there is anything.
        """
        if arguments:
            raise UsageError(f"unexpected argument {arguments[0]!r}; see twistd {self.daemon} --help")

    def postOptions(self) -> None:
        """Turn every option's text into its value.

        :raises UsageError: when a text cannot be read.
        """
        for setting in self.settings:
            self[setting.flag] = self._value(setting)
        parent = self.parent
        if parent is not None and parent.get("nodaemon") and parent.get("pidfile") == "twistd.pid":
            # In the foreground nobody needs it, and two daemons in one folder would take each other's.
            parent["pidfile"] = ""

    @property
    def logs_to_stderr(self) -> bool:
        """Whether the daemon runs in the foreground and twistd was not told where else to log."""
        parent: Mapping[str, Any] = self.parent or {}
        return bool(parent.get("nodaemon")) and not any(
            parent.get(name) for name in ("logger", "logfile", "syslog")
        )

    def _value(self, setting: Setting) -> object:
        text, where = self[setting.flag], f"--{setting.flag}"
        if text is None and (text := self.environ.get(setting.environment_name) or None):
            where = setting.environment_name
        if text is None:
            text = setting.default
        if text is None:
            return None
        try:
            return setting.parse(text)
        except ValueError as error:
            raise UsageError(f"{where}: {error}") from None


def duration(text: str) -> float:
    """Read a duration as the config has them, ``10s``; returns seconds."""
    return parse_duration(text)


def duration_or_zero(text: str) -> float:
    """Read a duration that may also be ``0`` or ``0s``: no wait at all."""
    return 0.0 if text in ("0", "0s") else parse_duration(text)


def positive_int(text: str) -> int:
    """Read a whole number that is at least 1."""
    if not re.fullmatch("[0-9]+", text) or len(text) > _MAX_DIGITS or int(text) < 1:
        raise ValueError(f"{quoted(text)} is not a whole number from 1 up")
    return int(text)


def endpoint(text: str) -> str:
    """Read where to listen: a port number, or the string of a Twisted server endpoint.

    The latter is looked at more closely by whoever listens, which needs a reactor.

    :returns: the string of a Twisted server endpoint.
    """
    if re.fullmatch("[0-9]{1,5}", text) and int(text) <= _MAX_PORT:
        return f"tcp:{int(text)}"
    if not re.match("[a-z][a-z0-9]*:", text):
        raise ValueError(
            f"{quoted(text)} is neither a port nor a Twisted endpoint like tcp:8080:interface=127.0.0.1"
        )
    return text


def endpoint_or_off(text: str) -> str | None:
    """Read where to listen, or ``off``; returns None for the latter."""
    return None if text == "off" else endpoint(text)


def path(text: str) -> Path:
    """Read the path of a file or folder."""
    if not text or "\0" in text:
        raise ValueError(f"{quoted(text)} is not a path")
    return Path(text)


def on_off(text: str) -> bool:
    """Read ``on`` or ``off``."""
    return one_of("on", "off")(text) == "on"


def one_of(*words: str) -> Callable[[str], str]:
    """Make a parser that accepts these words only."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"{quoted(text)} is not one of {', '.join(words)}")
        return text

    return parse


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read IP networks in CIDR notation, separated by commas; an address alone is a network of one."""
    found = []
    for part in text.split(","):
        try:
            found.append(ip_network(part.strip()))
        except ValueError as error:
            raise ValueError(f"{quoted(part.strip())} is not a network like 10.0.0.0/8: {error}") from None
    return tuple(found)
