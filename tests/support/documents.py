"""Config documents for tests."""

import json
from typing import Any

from cellrouter.config import CompiledConfig, load_document


def document(version: str = "1.0.0", port: int = 9001, **fields: Any) -> dict[str, Any]:
    """Make a valid config document.

    :param version: its label.
    :param port: where the placement ``tier1`` is served on loopback.
    :param fields: more fields of it, or other values.
    """
    return {
        "version": version,
        "routingTable": {"acme": "tier1"},
        "cellEndpoints": {"tier1": f"http://127.0.0.1:{port}", "tier3": "http://127.0.0.1:9003"},
        "defaultPlacement": "tier3",
        **fields,
    }


def text(*arguments: Any, **fields: Any) -> bytes:
    """Make a valid config as JSON text; the parameters are those of :func:`document`."""
    return json.dumps(document(*arguments, **fields)).encode()


def compiled(*arguments: Any, **fields: Any) -> CompiledConfig:
    """Make a valid config, compiled; the parameters are those of :func:`document`."""
    return CompiledConfig.of(load_document(document(*arguments, **fields)))
