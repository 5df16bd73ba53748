"""A config that has been checked, in few and large pieces.

What checks a large config is another process, or a thread that others wait for. What comes back is made so
that neither its way from one process to the other nor its installation is one long step: the routes are
lists of keys as text, each short enough to be taken in at once.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

import orjson
from attrs import frozen

from cellrouter.config.loading import LoadedConfig, inert_fields, load_config
from cellrouter.config.model import MissingKeyPolicy, Placement, PlacementKey, RoutingKey

KEYS_AT_ONCE = 1000
"""How many routing keys a piece has."""


@frozen
class CompiledConfig:
    """A valid config.

    :param version: the operator's label.
    :param hash: the document's hash.
    :param text: the document as compact JSON in UTF-8.
    :param placements: every placement by its key.
    :param default_placement: where everything goes that has no route.
    :param missing_key_policy: what a request without a routing key gets.
    :param routes: a placement, and some of the routing keys that lead there, in ASCII, with LFs between.
    :param inert: JSON pointers of the fields that it uses and that have no effect yet.
    """

    version: str
    hash: str
    text: bytes
    placements: Mapping[PlacementKey, Placement]
    default_placement: PlacementKey
    missing_key_policy: MissingKeyPolicy
    routes: tuple[tuple[PlacementKey, bytes], ...]
    inert: tuple[str, ...]

    @classmethod
    def of(cls, loaded: LoadedConfig) -> "CompiledConfig":
        """Compile a config that has been loaded."""
        config = loaded.config
        return cls(
            version=config.version,
            hash=loaded.hash,
            text=orjson.dumps(loaded.document),
            placements=dict(config.placements),
            default_placement=config.default_placement,
            missing_key_policy=config.missing_key_policy,
            routes=tuple(_pieces(config.routing_table)),
            inert=inert_fields(config),
        )


def compile_config(content: bytes, limit_bytes: int) -> CompiledConfig:
    """Read, check and compile a config.

    :param content: the document as JSON text.
    :param limit_bytes: how much text is accepted, in bytes.
    :raises ConfigRefused: with everything that is wrong with it.
    """
    return CompiledConfig.of(load_config(content, limit_bytes=limit_bytes))


def _pieces(routes: Mapping[RoutingKey, PlacementKey]) -> Iterator[tuple[PlacementKey, bytes]]:
    keys: dict[PlacementKey, list[RoutingKey]] = {}
    for key, placement in routes.items():
        keys.setdefault(placement, []).append(key)
    for placement, its_keys in keys.items():
        left = iter(its_keys)
        while piece := "\n".join(islice(left, KEYS_AT_ONCE)):
            yield placement, piece.encode("ascii")
