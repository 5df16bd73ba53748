"""What is known of each placement while requests go there."""

from cellrouter.resilience.placements import PlacementState, PlacementStates

__all__ = ["PlacementState", "PlacementStates"]
