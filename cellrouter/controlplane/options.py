"""The control plane's options."""

import re

from cellrouter.config import DEFAULT_MAX_CONFIG_BYTES
from cellrouter.controlplane.convergence import expected_nodes
from cellrouter.controlplane.steps import AT_ONCE, read_steps
from cellrouter.daemon.options import (
    DaemonOptions,
    Setting,
    duration,
    duration_or_zero,
    endpoint,
    path,
    positive_int,
)
from cellrouter.daemon.text import quoted
from cellrouter.snapshots.history import DEFAULT_KEEP


def percentage(text: str) -> float:
    """Read a percentage from 0 to 100."""
    return _number(text, "a percentage from 0 to 100", 0, 100)


def increase(text: str) -> float:
    """Read by how many percent something may rise."""
    return _number(text, "a percentage from 0 to 10000", 0, 10_000)


def growth(text: str) -> float:
    """Read how many times as long something may become."""
    return _number(text, "a number greater than 1, up to 1000", 1.001, 1000)


def _number(text: str, what: str, least: float, most: float) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or not least <= float(text) <= most:
        raise ValueError(f"{quoted(text)} is not {what}")
    return float(text)


class ControlPlaneOptions(DaemonOptions):
    """Every setting of ``cellrouter-cp``: a flag, and an environment variable that the flag overrides."""

    daemon = "cellrouter-cp"
    settings = (
        Setting("port", "8081", endpoint, "port number or Twisted endpoint string to listen on"),
        Setting("config", "config/routing.json", path, "the routing config to watch"),
        Setting("state-dir", None, path, "folder of the history; default: the user's state folder"),
        Setting("poll-interval", "2s", duration, "time between two looks at the config"),
        Setting("max-config-bytes", str(DEFAULT_MAX_CONFIG_BYTES), positive_int, "size limit of the config"),
        Setting("max-removed-pct", "5", percentage, "hold a change that removes more of the routes"),
        Setting("max-remapped-pct", "10", percentage, "hold a change that moves more of the routes"),
        Setting("max-growth", "2.0", growth, "hold a change that makes the table so many times as long"),
        Setting(
            "rollout", AT_ONCE, read_steps, "steps by which a change gets to the data planes, like 1,25%,100%"
        ),
        Setting("bake", "60s", duration_or_zero, "how long each step of a rollout is watched"),
        Setting(
            "max-5xx-increase",
            "1",
            percentage,
            "halt a rollout when the share of 5xx rises by more percentage points",
        ),
        Setting("max-p99-increase", "50", increase, "halt a rollout when the p99 rises by more percent"),
        Setting(
            "max-default-increase",
            "1",
            percentage,
            "warn when the share of requests to the default placement rises by more percentage points",
        ),
        Setting(
            "expect-nodes", None, expected_nodes, "how many data planes there should be, or their node ids"
        ),
        Setting("history", str(DEFAULT_KEEP), positive_int, "how many accepted configs to keep"),
        Setting(
            "data-plane-token-file",
            None,
            path,
            "file of tokens, one a line, of which data planes must show one; unset: none is needed",
        ),
        Setting(
            "client-ca",
            None,
            path,
            "PEM file of the authorities that sign data planes' certificates, of which each must show one;"
            " needs an ssl: endpoint as --port; unset: no certificate is needed",
        ),
        Setting(
            "operator-token-file",
            None,
            path,
            "file of tokens, one a line, of which whoever changes anything must show one; unset: changes are"
            " possible from this machine only",
        ),
    )
