"""The data plane's options."""

from pathlib import Path
from typing import Any, cast

from cellrouter.config import DEFAULT_MAX_CONFIG_BYTES
from cellrouter.daemon.options import (
    DaemonOptions,
    Setting,
    duration,
    duration_or_zero,
    endpoint,
    endpoint_or_off,
    networks,
    on_off,
    one_of,
    path,
    positive_int,
)
from cellrouter.daemon.text import quoted
from cellrouter.dataplane.credentials import Credentials
from cellrouter.dataplane.urls import control_plane_urls
from cellrouter.proxy import ProxySettings

FILE_CONFIG = Path("config/routing.json")
BOOTSTRAP_CONFIG = Path("config/dataplane-initial.json")
MAX_NODE_ID_LENGTH = 256


def node_id(text: str) -> str:
    """Read the name of a data plane: 1 to 256 printable characters."""
    if not (0 < len(text) <= MAX_NODE_ID_LENGTH and text.isprintable()):
        raise ValueError(f"{quoted(text)} is not a name of 1 to {MAX_NODE_ID_LENGTH} printable characters")
    return text


class DataPlaneOptions(DaemonOptions):
    """Every setting of ``cellrouter-dp``: a flag, and an environment variable that the flag overrides."""

    daemon = "cellrouter-dp"
    proxy_settings = (
        Setting("dial-timeout", "5s", duration, "time to connect to a cell"),
        Setting("response-timeout", "10s", duration, "time from a request sent to the head of its response"),
        Setting("head-timeout", "10s", duration, "time for a client to send the head of a request"),
        Setting("body-idle-timeout", "30s", duration, "time without progress in a body"),
        Setting("tunnel-idle-timeout", "5m", duration, "time without a byte after a change of protocols"),
        Setting("keepalive-timeout", "75s", duration, "time a client's connection may be idle"),
        Setting("upstream-idle-timeout", "4s", duration, "time a connection to a cell is kept idle"),
        Setting("max-idle-upstreams", "512", positive_int, "idle connections to cells kept in all"),
        Setting(
            "max-connections",
            None,
            positive_int,
            "most connections of clients, further ones wait; unset: as many as the file descriptors allow",
        ),
        Setting("max-target-bytes", "8192", positive_int, "longest request target"),
        Setting("max-head-bytes", "32768", positive_int, "longest head of a message"),
        Setting("max-head-fields", "100", positive_int, "most header fields of a message"),
        Setting("max-request-body-bytes", None, positive_int, "longest request body; unset: no limit"),
        Setting("explain-headers", "on", on_off, "on or off: tell clients X-Routed-To and X-Route-Reason"),
        Setting(
            "trusted-proxies",
            None,
            networks,
            "networks, separated by commas, whose X-Forwarded-* and X-Request-ID count; unset: everybody's",
        ),
    )
    settings = (
        Setting("port", "8080", endpoint, "port number or Twisted endpoint string of the data port"),
        Setting(
            "admin",
            "tcp:8082:interface=127.0.0.1",
            endpoint_or_off,
            "port number or Twisted endpoint string of the admin port, or off",
        ),
        Setting(
            "control-plane-url",
            None,
            control_plane_urls,
            "WebSocket URL of the control plane, or several separated by commas; unset: the config comes from"
            " a file",
        ),
        Setting(
            "control-plane-token-file",
            None,
            path,
            "file whose first line is the token that control planes are shown; unset: none is",
        ),
        Setting(
            "control-plane-ca",
            None,
            path,
            "PEM file of the authorities that sign control planes' certificates; unset: the system's",
        ),
        Setting(
            "control-plane-certificate",
            None,
            path,
            "PEM file of the certificate that control planes are shown, and its chain; unset: none is",
        ),
        Setting(
            "control-plane-key",
            None,
            path,
            "PEM file of that certificate's private key; unset: it is in the certificate's file",
        ),
        Setting(
            "config",
            None,
            path,
            f"config file to watch; default {FILE_CONFIG}; with a control plane the config of the very first"
            f" start; default {BOOTSTRAP_CONFIG}",
        ),
        Setting(
            "state-dir", None, path, "folder of the last-known-good config; unset: in the user's state folder"
        ),
        Setting("poll-interval", "2s", duration, "time between two looks at the config file"),
        Setting("max-config-bytes", str(DEFAULT_MAX_CONFIG_BYTES), positive_int, "size limit of a config"),
        Setting("node-id", None, node_id, "name in the control plane's fleet; unset: host name and port"),
        Setting("drain-delay", "0s", duration_or_zero, "time from SIGTERM to the closing of the data port"),
        Setting("drain-timeout", "30s", duration_or_zero, "time for requests in flight after that"),
        Setting(
            "debug-on-data-port",
            "version",
            one_of("all", "version", "off"),
            "which debug paths the data port answers itself: all, version or off",
        ),
        *proxy_settings,
    )

    @property
    def config_path(self) -> Path:
        """The config file: what is watched, or with a control plane what is begun with."""
        default = FILE_CONFIG if self["control-plane-url"] is None else BOOTSTRAP_CONFIG
        return cast(Path, self["config"] or default)

    @property
    def credentials(self) -> Credentials:
        """What control planes are shown, and by what they are known."""
        return Credentials(
            self["control-plane-token-file"],
            self["control-plane-ca"],
            self["control-plane-certificate"],
            self["control-plane-key"],
        )

    @property
    def proxy(self) -> ProxySettings:
        """The settings of the data path."""
        values: dict[str, Any] = {}
        for setting in self.proxy_settings:
            unit = "_s" if setting.parse is duration else ""
            values[setting.flag.replace("-", "_") + unit] = self[setting.flag]
        return ProxySettings(**values)
