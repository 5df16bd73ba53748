"""Routing tables with as many tenants as one likes."""

import json


def tenant(number: int) -> str:
    """Name a tenant; all names have the same length."""
    return f"tenant-{number:06}"


def tenants(count: int, placement: str = "tier1") -> str:
    """Write routes as ``files/routing.json`` has room for them: JSON members, each followed by a comma."""
    return "".join(f"{json.dumps(tenant(number))}: {json.dumps(placement)}, " for number in range(count))
