"""The data plane's settings."""

from ipaddress import ip_network
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.dataplane.options import DataPlaneOptions
from cellrouter.proxy import ProxySettings


def read(*arguments: str) -> DataPlaneOptions:
    """Parse a command line in an empty environment."""
    options = DataPlaneOptions()
    options.environ = {}
    options.parseOptions(list(arguments))
    return options


class DataPlaneOptionsTests(SynchronousTestCase):
    """From the command line to the settings of the parts."""

    def test_the_defaults_are_those_of_the_data_path(self) -> None:
        self.assertEqual(read().proxy, ProxySettings())

    def test_every_setting_of_the_data_path_has_an_option(self) -> None:
        values = {
            "dial-timeout": ("1s", 1.0),
            "response-timeout": ("2s", 2.0),
            "head-timeout": ("3s", 3.0),
            "body-idle-timeout": ("4s", 4.0),
            "tunnel-idle-timeout": ("4500ms", 4.5),
            "keepalive-timeout": ("5s", 5.0),
            "upstream-idle-timeout": ("6s", 6.0),
            "max-idle-upstreams": ("7", 7),
            "max-connections": ("12", 12),
            "max-target-bytes": ("8", 8),
            "max-head-bytes": ("9", 9),
            "max-head-fields": ("10", 10),
            "max-request-body-bytes": ("11", 11),
            "explain-headers": ("off", False),
            "trusted-proxies": ("10.0.0.0/8", (ip_network("10.0.0.0/8"),)),
        }
        arguments = [part for flag, (text, _) in values.items() for part in (f"--{flag}", text)]
        settings = attrs.asdict(read(*arguments).proxy, recurse=False)
        self.assertEqual(
            {name.removesuffix("_s").replace("_", "-"): value for name, value in settings.items()},
            {flag: value for flag, (_, value) in values.items()},
        )

    def test_the_config_file_depends_on_whether_there_is_a_control_plane(self) -> None:
        self.assertEqual(read().config_path, Path("config/routing.json"))
        controlled = ("--control-plane-url", "ws://cp:8081")
        self.assertEqual(read(*controlled).config_path, Path("config/dataplane-initial.json"))
        self.assertEqual(read(*controlled, "--config", "x.json").config_path, Path("x.json"))

    def test_the_admin_port_can_be_off(self) -> None:
        self.assertEqual(read()["admin"], "tcp:8082:interface=127.0.0.1")
        self.assertIsNone(read("--admin", "off")["admin"])

    def test_bad_values_name_their_option(self) -> None:
        for flag, text in (
            ("--node-id", ""),
            ("--node-id", "x" * 257),
            ("--node-id", "a\nb"),
            ("--debug-on-data-port", "some"),
            ("--control-plane-url", "http://cp:8081"),
            ("--drain-timeout", "-1s"),
        ):
            exit_ = self.assertRaises(SystemExit, read, flag, text)
            self.assertTrue(str(exit_.code).startswith(f"cellrouter-dp: {flag}: "), exit_.code)
