"""The routing config as the rest of the program sees it: valid, with defaults filled in, and immutable."""

from collections.abc import Mapping
from enum import Enum
from typing import NewType

from attrs import frozen

RoutingKey = NewType("RoutingKey", str)
"""Names a tenant: what a request's ``X-Routing-Key`` holds."""

PlacementKey = NewType("PlacementKey", str)
"""Names a placement, a failure domain that tenants are assigned to."""

Revision = NewType("Revision", int)
"""The number that the control plane gives to an accepted config, higher at each change."""


class MissingKeyPolicy(Enum):
    """What a request without a routing key gets."""

    DEFAULT = "default"
    REJECT = "reject"


@frozen
class HealthCheck:
    """How a placement's health is asked for.

    :param path: what is requested, for example ``/health``.
    :param interval_s: seconds from one check to the next.
    :param timeout_s: seconds until a check without an answer has failed; at most the interval.
    :param unhealthy_threshold: failed checks in a row that make a placement unhealthy.
    :param healthy_threshold: passed checks in a row that make it healthy again.
    """

    path: str
    interval_s: float
    timeout_s: float
    unhealthy_threshold: int = 3
    healthy_threshold: int = 2


@frozen
class CircuitBreaker:
    """When a placement is given a rest after failures.

    :param failure_threshold: failures in a row that open the circuit.
    :param timeout_s: seconds until an open circuit lets one request probe the placement.
    """

    failure_threshold: int
    timeout_s: float


@frozen
class Placement:
    """Where a placement is served, and its limits.

    :param url: base URL of its cell, as the document has it.
    :param fallback: the placement that serves instead while this one cannot.
    :param health_check: how its health is asked for, if at all.
    :param circuit_breaker: when it is given a rest, if at all.
    :param concurrency_limit: requests in flight at once, if limited.
    :param max_request_body_bytes: longest accepted request body in bytes, if limited.
    """

    url: str
    fallback: PlacementKey | None = None
    health_check: HealthCheck | None = None
    circuit_breaker: CircuitBreaker | None = None
    concurrency_limit: int | None = None
    max_request_body_bytes: int | None = None


@frozen
class RoutingConfig:
    """A whole valid config.

    :param version: the operator's label for it.
    :param routing_table: the placement of each routing key.
    :param placements: every placement by its key, whichever form the document had it in.
    :param default_placement: where everything else goes.
    :param missing_key_policy: what a request without a routing key gets.
    """

    version: str
    routing_table: Mapping[RoutingKey, PlacementKey]
    placements: Mapping[PlacementKey, Placement]
    default_placement: PlacementKey
    missing_key_policy: MissingKeyPolicy = MissingKeyPolicy.DEFAULT
