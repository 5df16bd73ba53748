"""What both daemons share: options, log, listening, signals, state folder, JSON over HTTP."""

from cellrouter.daemon.lifecycle import DaemonService
from cellrouter.daemon.listening import ListenerService
from cellrouter.daemon.logs import LineLog
from cellrouter.daemon.options import DaemonOptions, Setting
from cellrouter.daemon.process import connections_to_spare, prepare_process
from cellrouter.daemon.resources import (
    JsonResource,
    JsonRoot,
    QueryResource,
    problem,
    write_json,
)
from cellrouter.daemon.site import QuietSite
from cellrouter.daemon.state import state_dir

__all__ = [
    "DaemonOptions",
    "DaemonService",
    "JsonResource",
    "JsonRoot",
    "LineLog",
    "ListenerService",
    "QueryResource",
    "QuietSite",
    "Setting",
    "connections_to_spare",
    "prepare_process",
    "problem",
    "state_dir",
    "write_json",
]
