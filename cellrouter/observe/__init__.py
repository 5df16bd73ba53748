"""What the data path tells of its work."""

from cellrouter.observe.access_log import AccessLog
from cellrouter.observe.decisions import Decisions

__all__ = ["AccessLog", "Decisions"]
