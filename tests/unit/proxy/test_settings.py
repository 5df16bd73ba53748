"""The settings of the data path."""

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import HeadLimits
from cellrouter.proxy import ProxySettings


class SweepTests(SynchronousTestCase):
    """How often deadlines are looked at."""

    def test_no_time_out_is_late_by_more_than_an_eighth(self) -> None:
        for name in (
            *("response_timeout_s", "head_timeout_s", "body_idle_timeout_s"),
            *("keepalive_timeout_s", "upstream_idle_timeout_s"),
        ):
            for timeout_s in (0.2, 1.0, 3.0):
                settings = ProxySettings(**{name: timeout_s})
                self.assertEqual(settings.sweep_interval_s, timeout_s / 8, name)

    def test_it_stays_within_bounds(self) -> None:
        self.assertEqual(ProxySettings(head_timeout_s=0.001).sweep_interval_s, 0.01)
        self.assertEqual(ProxySettings(upstream_idle_timeout_s=60.0).sweep_interval_s, 0.5)


class TrustTests(SynchronousTestCase):
    """Whose word is taken for where a request came from."""

    def test_everybody_s_by_default(self) -> None:
        for address in ("192.0.2.1", "::1", "unknown"):
            self.assertTrue(ProxySettings().trusts(address))

    def test_networks_that_were_named(self) -> None:
        networks = tuple(map(ip_network, ("192.0.2.0/24", "2001:db8::/32", "fe80::/10")))
        settings = ProxySettings(trusted_proxies=networks)
        for address, expected in (
            ("192.0.2.255", True),
            ("192.0.3.0", False),
            ("::ffff:192.0.2.1", True),
            ("::ffff:192.0.3.1", False),
            ("2001:db8::1", True),
            ("2001:db9::1", False),
            ("fe80::1%eth0", True),
            ("::192.0.2.1", False),
            ("unknown", False),
            ("", False),
        ):
            self.assertIs(settings.trusts(address), expected, address)

    def test_nobody_s(self) -> None:
        self.assertFalse(ProxySettings(trusted_proxies=()).trusts("127.0.0.1"))


class LimitTests(SynchronousTestCase):
    """What is derived from other settings."""

    def test_heads(self) -> None:
        settings = ProxySettings(max_target_bytes=1, max_head_bytes=2, max_head_fields=3)
        self.assertEqual(settings.head_limits, HeadLimits(1, 2, 3))
