"""Loads a document as a whole: bytes in, config and hash out, or every reason why not."""

import hashlib
from collections.abc import Mapping

import orjson
from attrs import frozen

from cellrouter.config.decoding import decode
from cellrouter.config.model import RoutingConfig
from cellrouter.config.strict_json import read_json
from cellrouter.config.violations import Findings, pointer

DEFAULT_MAX_CONFIG_BYTES = 64 * 1024 * 1024

_INERT_FIELDS = ("fallback", "health_check", "circuit_breaker", "concurrency_limit")


@frozen
class LoadedConfig:
    """A valid config with the document it was read from.

    :param config: what the document means.
    :param document: the document as it was written, as parsed JSON; not to be changed.
    :param hash: ``sha256:`` and the SHA-256 of the canonical document in hexadecimal.
    """

    config: RoutingConfig
    document: Mapping[str, object]
    hash: str


def load_config(data: bytes, *, limit_bytes: int = DEFAULT_MAX_CONFIG_BYTES) -> LoadedConfig:
    """Read, check and structure a config.

    :param data: the document as JSON text.
    :param limit_bytes: how much text is accepted, in bytes.
    :returns: the config.
    :raises ConfigRefused: with everything that is wrong with it.
    """
    findings = Findings()
    return _load(read_json(data, limit_bytes, findings), findings)


def load_document(document: object) -> LoadedConfig:
    """Check and structure a config that is parsed already.

    :param document: a value as :func:`~cellrouter.config.parse_json` returns it.
    :returns: the config.
    :raises ConfigRefused: with everything that is wrong with it.
    """
    return _load(document, Findings())


def _load(document: object, findings: Findings) -> LoadedConfig:
    config = decode(document, findings)
    assert isinstance(document, dict)
    return LoadedConfig(config, document, document_hash(document))


def document_hash(document: Mapping[str, object]) -> str:
    """Hash a valid document as it was written, whatever its key order and white space.

    The canonical document is its JSON in UTF-8 with sorted keys and no spaces. It has no fractions, so no two
    JSON writers disagree about it. The two ways of writing a placement are two documents.

    :param document: parsed JSON.
    :returns: ``sha256:`` and 64 hexadecimal digits.
    """
    return "sha256:" + hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def inert_fields(config: RoutingConfig) -> tuple[str, ...]:
    """List the fields that a config uses and that have no effect yet.

    :returns: JSON pointers, for example ``/placements/tier2/fallback``.
    """
    return tuple(
        pointer("placements", key, name)
        for key, placement in config.placements.items()
        for name in _INERT_FIELDS
        if getattr(placement, name) is not None
    )
