"""What a data plane shows to control planes, and by what it knows them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL
from OpenSSL.crypto import PKey
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, CertificateOptions, platformTrust, trustRootFromCertificates
from twisted.logger import Logger

from cellrouter.daemon.certificates import LIMIT_BYTES, for_openssl, load_certificates
from cellrouter.daemon.peers import is_loopback
from cellrouter.daemon.tokens import open_to_everybody, read_first_token
from cellrouter.dataplane.tls import ControlPlaneTls
from cellrouter.dataplane.urls import ControlPlaneUrl
from cellrouter.snapshots.poller import InThread, Unreadable, read_file

CONNECT_TIMEOUT_S = 10.0

_HINTS = {
    "401": "it needs a token that it knows, see --control-plane-token-file",
    "403": "it needs a certificate, see --control-plane-certificate",
}


@frozen
class Way:
    """How to reach a control plane, this time.

    :ivar endpoint: connects.
    :ivar headers: fields for the WebSocket's request.
    :ivar explain: says more of why a connection failed.
    """

    endpoint: IStreamClientEndpoint
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    explain: Callable[[str], str] = str


@frozen
class Credentials:
    """The files, which are read again for each attempt, so that new ones count without a restart.

    A file that is missing or broken makes the attempt fail and nothing else: requests are routed by the
    config on disk whatever becomes of it.

    :ivar token_file: its first token is shown.
    :ivar authorities: who signs control planes' certificates; None for those the system trusts.
    :ivar certificate: is shown, with the chain that follows it in the file.
    :ivar key: its private key; None when that is in the same file.
    """

    token_file: Path | None = None
    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def secret_files(self) -> list[Path]:
        """The files that others must not read."""
        key = self.key or self.certificate
        return [path for path in (self.token_file, key) if path is not None]

    def headers_blocking(self) -> dict[str, str]:
        """Make the fields that show the token.

        :raises ~cellrouter.snapshots.poller.Unreadable: when the file cannot be read.
        :raises ~cellrouter.daemon.tokens.NoToken: when there is none in it.
        """
        return (
            {}
            if self.token_file is None
            else {"Authorization": f"Bearer {read_first_token(self.token_file)}"}
        )

    def tls_blocking(self, host: str) -> ControlPlaneTls:
        """Make the TLS side of a connection.

        :param host: the control plane's.
        :raises ~cellrouter.snapshots.poller.Unreadable: when a file cannot be used.
        """
        trust = platformTrust()
        if self.authorities is not None:
            # Twisted's class for those from its own loader only.
            authorities = [Certificate(each) for each in for_openssl(load_certificates(self.authorities))]
            trust = trustRootFromCertificates(authorities)
        if self.certificate is None:
            return ControlPlaneTls(host, CertificateOptions(trustRoot=trust), None)
        ours = load_certificates(self.certificate)
        key_path = self.key or self.certificate
        key = _load_key(key_path)
        first, *chain = for_openssl(ours)
        options = CertificateOptions(privateKey=key, certificate=first, extraCertChain=chain, trustRoot=trust)
        try:
            return ControlPlaneTls(host, options, ours[0])
        except SSL.Error:
            raise Unreadable(f"{key_path}: the key does not fit {self.certificate}") from None


def _load_key(path: Path) -> PKey:
    content = read_file(path, LIMIT_BYTES).content
    try:
        # It refuses the kinds of keys that TLS has no use for itself.
        key = cast(Any, load_pem_private_key(content or b"", None))
        return PKey.from_cryptography_key(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # OpenSSL's own reasons may quote the file.
        raise Unreadable(f"{path}: there is no private key in PEM, without a password, in the file") from None


class Ways:
    """Finds the way to a control plane.

    :param reactor: connects.
    :param in_thread: reads the files.
    :param credentials: the files.
    """

    log = Logger()

    def __init__(self, reactor: Any, in_thread: InThread, credentials: Credentials) -> None:
        self._reactor = reactor
        self._in_thread = in_thread
        self._credentials = credentials
        self._warned: set[str] = set()

    async def find(self, url: ControlPlaneUrl) -> Way:
        """Read the files and find the way to a control plane.

        :param url: of the control plane.
        :raises ~cellrouter.snapshots.poller.Unreadable: when a file cannot be used.
        :raises ~cellrouter.daemon.tokens.NoToken: when there is no token in its file.
        """
        way, warnings = await self._in_thread(self._find_blocking, url)
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self.log.warn("{line}", line=warning)
        found: Way = way
        return found

    def _find_blocking(self, url: ControlPlaneUrl) -> tuple[Way, list[str]]:
        credentials = self._credentials
        headers = credentials.headers_blocking()
        warnings = [
            f"{path}: every user of this machine can read it; chmod o-r"
            for path in credentials.secret_files
            if open_to_everybody(path)
        ]
        endpoint: IStreamClientEndpoint = HostnameEndpoint(
            self._reactor, url.host, url.port, timeout=CONNECT_TIMEOUT_S
        )
        if url.secure:
            tls = credentials.tls_blocking(url.host)
            return Way(
                wrapClientTLS(tls, endpoint), headers, lambda reason: _hinted(tls.explain(reason))
            ), warnings
        if headers and not is_loopback(url.host):
            warnings.append(f"{url.text}: the token goes over the network unencrypted; use wss://")
        return Way(endpoint, headers, _hinted), warnings


def _hinted(reason: str) -> str:
    """Add what to look at to the reason of a refused upgrade."""
    for status, hint in _HINTS.items():
        if f"[{status}]" in reason or f"({status} " in reason:
            return f"{reason}; {hint}"
    return reason
