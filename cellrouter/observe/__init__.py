"""What the data path tells of its work."""

from cellrouter.observe.access_log import AccessLog
from cellrouter.observe.decisions import Decisions
from cellrouter.observe.histogram import Histogram
from cellrouter.observe.traffic import Traffic

__all__ = ["AccessLog", "Decisions", "Histogram", "Traffic"]
