"""The messages between control plane and data plane, as values."""

from collections.abc import Mapping

from attrs import field, frozen

from cellrouter.config import Revision, Violation


@frozen(kw_only=True)
class _Extensible:
    """What every message has: fields that a newer peer sent and this program does not know.

    :param unknown_fields: their JSON pointers, ignored but worth a line in the log.
    """

    unknown_fields: tuple[str, ...] = field(default=(), eq=False)


@frozen
class ConfigSnapshot(_Extensible):
    """Control plane to data plane: run this config.

    :param config: the document, not yet validated.
    :param revision: its revision, if the control plane numbers them.
    :param source_id: names the history that the revision belongs to.
    :param hash: the hash of the document.
    """

    config: object
    revision: Revision | None = None
    source_id: str | None = None
    hash: str | None = None


@frozen
class Ack(_Extensible):
    """Data plane to control plane: the config is in use.

    :param version: the operator's label of the config.
    :param revision: its revision, if it came with one.
    :param hash: the hash of its document.
    :param apply_ms: milliseconds from its arrival until it was in use.
    """

    version: str
    revision: Revision | None
    hash: str
    apply_ms: float


@frozen
class Nack(_Extensible):
    """Data plane to control plane: the message or the config is refused, the previous config stays in use.

    :param version: the operator's label of the config, if it could be read.
    :param revision: its revision, if it came with one.
    :param hash: the hash that it came with, if any.
    :param errors: every reason.
    """

    version: str | None
    revision: Revision | None
    hash: str | None
    errors: tuple[Violation, ...]


@frozen
class Running:
    """The config that a data plane runs when it connects.

    :param version: the operator's label of it.
    :param revision: its revision, if it came with one.
    :param hash: the hash of its document.
    :param source: where the data plane got it, for example ``last_known_good``.
    """

    version: str
    revision: Revision | None
    hash: str
    source: str


@frozen
class Hello(_Extensible):
    """Data plane to control plane, first message: who is there.

    :param node_id: names the data plane.
    :param software: the version of its program.
    :param running: the config that it runs, if any.
    """

    node_id: str
    software: str
    running: Running | None = None


@frozen
class Status(_Extensible):
    """Data plane to control plane, regularly: how it is.

    :param placements: for each placement an object such as ``{"healthy": true, "in_flight": 3}``.
    :param requests: counters.
    """

    placements: Mapping[str, object]
    requests: Mapping[str, object]


@frozen
class Unknown:
    """A message of a type that a newer peer may know; to be ignored.

    :param type: the type it gave.
    """

    type: str


Message = ConfigSnapshot | Ack | Nack | Hello | Status
