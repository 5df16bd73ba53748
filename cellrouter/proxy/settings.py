"""The settings of the data path."""

from ipaddress import IPv4Network, IPv6Network, ip_address

from attrs import frozen

from cellrouter.http1 import HeadLimits


@frozen
class ProxySettings:
    """Every time-out and limit of the data path; the defaults are those of the daemon's options.

    :param dial_timeout_s: time to connect to a cell.
    :param response_timeout_s: time from a request sent to the head of its response.
    :param head_timeout_s: time for a client to send the head of a request.
    :param body_idle_timeout_s: time without progress in a body.
    :param tunnel_idle_timeout_s: time without a byte in either direction after a change of protocols.
    :param keepalive_timeout_s: time a client's connection may be idle.
    :param upstream_idle_timeout_s: time a connection to a cell is kept idle.
    :param max_idle_upstreams: idle connections to cells kept in all.
    :param max_connections: most connections of clients, if limited.
    :param max_target_bytes: longest request target.
    :param max_head_bytes: longest head of a message.
    :param max_head_fields: most header fields of a message.
    :param max_request_body_bytes: longest request body, if limited.
    :param explain_headers: whether clients are told ``X-Routed-To`` and ``X-Route-Reason``.
    :param trusted_proxies: networks whose ``X-Forwarded-*`` and ``X-Request-ID`` are believed; None:
        everybody's.
    """

    dial_timeout_s: float = 5.0
    response_timeout_s: float = 10.0
    head_timeout_s: float = 10.0
    body_idle_timeout_s: float = 30.0
    tunnel_idle_timeout_s: float = 300.0
    keepalive_timeout_s: float = 75.0
    upstream_idle_timeout_s: float = 4.0
    max_idle_upstreams: int = 512
    max_connections: int | None = None
    max_target_bytes: int = 8192
    max_head_bytes: int = 32768
    max_head_fields: int = 100
    max_request_body_bytes: int | None = None
    explain_headers: bool = True
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] | None = None

    @property
    def head_limits(self) -> HeadLimits:
        """The limits on heads."""
        return HeadLimits(self.max_target_bytes, self.max_head_bytes, self.max_head_fields)

    @property
    def sweep_interval_s(self) -> float:
        """How often deadlines are looked at, in seconds: no time-out is late by more than a tenth or so."""
        shortest = min(
            self.response_timeout_s,
            self.head_timeout_s,
            self.body_idle_timeout_s,
            self.tunnel_idle_timeout_s,
            self.keepalive_timeout_s,
            self.upstream_idle_timeout_s,
        )
        return max(0.01, min(0.5, shortest / 8))

    def trusts(self, address: str) -> bool:
        """Tell whether a peer is believed.

        :param address: its IP address; anything else is believed only if everybody is.
        """
        if self.trusted_proxies is None:
            return True
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self.trusted_proxies)
