"""The routing config: its document, its rules, and the routing table compiled from it."""

from cellrouter.config.compiled import CompiledConfig, compile_config
from cellrouter.config.differences import Counts, Differences, Group, compare
from cellrouter.config.durations import parse_duration
from cellrouter.config.endpoint import Endpoint
from cellrouter.config.loading import (
    DEFAULT_MAX_CONFIG_BYTES,
    LoadedConfig,
    inert_fields,
    load_config,
    load_document,
)
from cellrouter.config.model import (
    CircuitBreaker,
    HealthCheck,
    MissingKeyPolicy,
    Placement,
    PlacementKey,
    Revision,
    RoutingConfig,
    RoutingKey,
)
from cellrouter.config.routing_table import Match, Route, RoutingTable
from cellrouter.config.strict_json import parse_json
from cellrouter.config.violations import ConfigRefused, Violation

__all__ = [
    "DEFAULT_MAX_CONFIG_BYTES",
    "CircuitBreaker",
    "CompiledConfig",
    "ConfigRefused",
    "Counts",
    "Differences",
    "Endpoint",
    "Group",
    "HealthCheck",
    "LoadedConfig",
    "Match",
    "MissingKeyPolicy",
    "Placement",
    "PlacementKey",
    "Revision",
    "Route",
    "RoutingConfig",
    "RoutingKey",
    "RoutingTable",
    "Violation",
    "compare",
    "compile_config",
    "inert_fields",
    "load_config",
    "load_document",
    "parse_duration",
    "parse_json",
]
