"""From the document to the config: which field goes where and by which rule, as tables."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import Factory, frozen

from cellrouter.config import rules
from cellrouter.config.model import (
    CircuitBreaker,
    HealthCheck,
    MissingKeyPolicy,
    Placement,
    PlacementKey,
    RoutingConfig,
    RoutingKey,
)
from cellrouter.config.references import DEFAULT_PLACEMENT, check_names, section
from cellrouter.config.shapes import Field, Shapes
from cellrouter.config.violations import ConfigRefused, Findings, pointer


@frozen
class _Document:
    """The fields of the document itself; its routes and placements are looked at one by one."""

    version: str
    routing_table: Mapping[RoutingKey, PlacementKey]
    placements: Mapping[str, object] = Factory(dict)
    cell_endpoints: Mapping[str, object] = Factory(dict)
    default_placement: PlacementKey = DEFAULT_PLACEMENT
    missing_key_policy: MissingKeyPolicy = MissingKeyPolicy.DEFAULT


def _check_timeout(health_check: HealthCheck) -> None:
    if health_check.timeout_s > health_check.interval_s:
        raise rules.Refusal("invalid_duration", "must not be longer than the interval", "timeout")


def _shapes() -> Shapes:
    shapes = Shapes(forbid_unknown_fields=True)
    shapes.declare(
        _Document,
        {
            "version": Field("version", rules.version),
            "routing_table": Field("routingTable", rules.json_object),
            "placements": Field("placements", rules.json_object),
            "cell_endpoints": Field("cellEndpoints", rules.json_object),
            "default_placement": Field("defaultPlacement", rules.string),
            "missing_key_policy": Field("missingKeyPolicy", rules.missing_key_policy),
        },
    )
    shapes.declare(
        HealthCheck,
        {
            "path": Field("path", rules.request_path),
            "interval_s": Field("interval", rules.duration),
            "timeout_s": Field("timeout", rules.duration),
            "unhealthy_threshold": Field("unhealthy_threshold", rules.at_least_one),
            "healthy_threshold": Field("healthy_threshold", rules.at_least_one),
        },
        check=_check_timeout,
    )
    shapes.declare(
        CircuitBreaker,
        {
            "failure_threshold": Field("failure_threshold", rules.at_least_one),
            "timeout_s": Field("timeout", rules.duration),
        },
    )
    shapes.declare(
        Placement,
        {
            "url": Field("url", rules.url),
            "fallback": Field("fallback", rules.string),
            "health_check": Field("health_check", shapes.nested(HealthCheck)),
            "circuit_breaker": Field("circuit_breaker", shapes.nested(CircuitBreaker)),
            "concurrency_limit": Field("concurrency_limit", rules.at_least_one),
            "max_request_body_bytes": Field("max_request_body_bytes", rules.at_least_one),
        },
    )
    return shapes


_SHAPES = _shapes()


def decode(document: object, findings: Findings) -> RoutingConfig:
    """Check a document by every rule and structure it.

    :param document: parsed JSON.
    :param findings: what is already known to be wrong with it; receives what else is.
    :returns: the config.
    :raises ConfigRefused: with all of the findings, if there is one.
    """
    if not isinstance(document, dict):
        findings.add("", "invalid_json", f"the document must be an object, not {rules.type_name(document)}")
        raise ConfigRefused(findings.violations)
    top = _SHAPES.structure(document, _Document, "", findings)
    placements = _decode_placements(document, findings)
    check_names(document, findings)
    if top is None or findings:
        raise ConfigRefused(findings.violations)
    return RoutingConfig(
        version=top.version,
        routing_table=MappingProxyType(top.routing_table),
        placements=MappingProxyType(placements),
        default_placement=top.default_placement,
        missing_key_policy=top.missing_key_policy,
    )


def _decode_placements(document: Mapping[str, object], findings: Findings) -> dict[PlacementKey, Placement]:
    """Decode both forms; a placement with something wrong in it is left out."""
    placements: dict[PlacementKey, Placement] = {}
    for key, value in section(document, "placements").items():
        placement = _SHAPES.structure(value, Placement, pointer("placements", key), findings)
        if placement is not None:
            placements[PlacementKey(key)] = placement
    for key, value in section(document, "cellEndpoints").items():
        try:
            placements[PlacementKey(key)] = Placement(rules.url(value))
        except rules.Refusal as refusal:
            findings.add(pointer("cellEndpoints", key), refusal.code, refusal.message)
    return placements
