"""The control plane's options."""

from cellrouter.config import DEFAULT_MAX_CONFIG_BYTES
from cellrouter.daemon.options import (
    DaemonOptions,
    Setting,
    duration,
    endpoint,
    path,
    positive_int,
)
from cellrouter.snapshots.history import DEFAULT_KEEP


class ControlPlaneOptions(DaemonOptions):
    """Every setting of ``cellrouter-cp``: a flag, and an environment variable that the flag overrides."""

    daemon = "cellrouter-cp"
    settings = (
        Setting("port", "8081", endpoint, "port number or Twisted endpoint string to listen on"),
        Setting("config", "config/routing.json", path, "the routing config to watch"),
        Setting("state-dir", None, path, "folder of the history; default: the user's state folder"),
        Setting("poll-interval", "2s", duration, "time between two looks at the config"),
        Setting("max-config-bytes", str(DEFAULT_MAX_CONFIG_BYTES), positive_int, "size limit of the config"),
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
