"""Where the config comes from: what all sources have in common, and how one is named on the command line."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from attrs import frozen
from prometheus_client.core import Metric
from twisted.application.service import IService
from zope.interface import Attribute

from cellrouter.daemon.text import quoted

Json = dict[str, object]

ETCD_PORT = 2379
MAX_KEY_CHARS = 200
_KEY = re.compile(r"[A-Za-z0-9._~/-]+")


class ISource(IService):
    """Proposes what is to be active, and tells what became of it."""

    how_to_release: str = Attribute("What can be done about a change of it that is held.")

    def load_blocking() -> None:
        """Make a snapshot active before the reactor runs, if there can be one by then.

        :raises Unreadable: when there has to be one, and what it is in cannot be read.
        :raises ConfigRefused: when there has to be one, and it is not valid.
        :raises HistoryUnusable: when the history cannot be read or written.
        """

    def reasons() -> list[str]:
        """Say why what it says is not active, one line each; empty when it is, or was set aside."""

    def health() -> Json:
        """Say how it stands to what is active: members for ``/health``."""

    def in_fleet() -> Json:
        """Say in short how it stands to what is active: members for ``/fleet``."""

    def metrics() -> Iterator[Metric]:
        """Give its metrics."""


@frozen
class FileSource:
    """The config is in a file.

    :ivar path: where.
    """

    path: Path


@frozen
class EtcdSource:
    """The config is in etcd.

    :ivar endpoints: where etcd is, as URLs without a path; all are of one cluster.
    :ivar key: the config's.
    """

    endpoints: tuple[str, ...]
    key: str


def config_source(text: str) -> FileSource | EtcdSource:
    """Read where the config is: ``file:PATH`` or ``etcd:http://HOST:2379/KEY``.

    Several endpoints are separated by commas; the last one has the key.

    :raises ValueError: with a message for people.
    """
    kind, _, rest = text.partition(":")
    if kind == "file" and rest and "\0" not in rest:
        return FileSource(Path(rest))
    if kind != "file" and "@" in rest:
        # Wherever it is: what stands before it may be a password, and is not to be repeated.
        raise ValueError("a user name or password in the URL is not supported")
    if kind == "etcd" and rest:
        *others, last = rest.split(",")
        endpoint, key = _endpoint(last)
        if not key:
            raise ValueError(f"{quoted(text)} has no key: etcd:http://HOST:{ETCD_PORT}/KEY")
        if len(key) > MAX_KEY_CHARS or not _KEY.fullmatch(key):
            raise ValueError(
                f"{quoted(key)} is no key for a config: letters, digits and ._~/-,"
                f" {MAX_KEY_CHARS} characters at most"
            )
        for other in others:
            if _endpoint(other)[1]:
                raise ValueError(f"{quoted(other)} has a path; only the last endpoint has the key behind it")
        return EtcdSource((*(_endpoint(other)[0] for other in others), endpoint), key)
    raise ValueError(f"{quoted(text)} is neither file:PATH nor etcd:http://HOST:{ETCD_PORT}/KEY")


def _endpoint(text: str) -> tuple[str, str]:
    """Read an endpoint and what is behind it.

    :raises ValueError: with a message for people.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not an endpoint like http://HOST:{ETCD_PORT}: {error}") from None
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not usable or parts.query or parts.fragment or not text.isascii() or not text.isprintable():
        raise ValueError(f"{quoted(text)} is not an endpoint like http://HOST:{ETCD_PORT}")
    netloc = parts.netloc if port is not None else f"{parts.netloc.rstrip(':')}:{ETCD_PORT}"
    return f"{parts.scheme}://{netloc}", parts.path.removeprefix("/")
