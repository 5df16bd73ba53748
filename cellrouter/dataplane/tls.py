"""TLS to a control plane: whom we believe, what we show, and why it failed, in words."""

from ipaddress import ip_address

from cryptography import x509
from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_FAIL_IF_NO_PEER_CERT, VERIFY_PEER, Connection, Error
from service_identity import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from cellrouter.daemon.certificates import described, fault, reasons


@implementer(IOpenSSLClientConnectionCreator)
class ControlPlaneTls:
    """Verify a control plane as ``optionsForClientTLS`` does, and remember what was wrong.

    OpenSSL tells of an expired certificate no more than that verification failed. Who wants to know which
    certificate, and until when it was valid, has to be there while it verifies; Twisted offers no way for
    that, so its check of the name is repeated here, by the same library.

    :param host: what the control plane's certificate has to be for: a DNS name or an IP address.
    :param options: whom to trust, and what to show.
    :param ours: the certificate that we show, if we do.
    """

    def __init__(self, host: str, options: CertificateOptions, ours: x509.Certificate | None) -> None:
        self._host = host
        self._context = options.getContext()
        self._ours = ours
        self._fault: str | None = None
        self._is_name = not _is_address(host)
        self._expected = DNS_ID(host) if self._is_name else IPAddress_ID(host)

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:
        """Make the TLS side of a connection; nothing is sent by it before the certificate was verified."""
        connection = Connection(self._context, None)
        if self._is_name:
            # RFC 6066 section 3: not for addresses.
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        connection.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, self._verify)
        return connection

    def explain(self, reason: str) -> str:
        """Say why a connection was lost.

        :param reason: what is known without us.
        """
        if self._fault is not None:
            return self._fault
        if self._ours is not None and "alert" in reason:
            return f"{reason}; our certificate is that of {described(self._ours)}"
        return reason

    def _verify(self, connection: Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
        """Accept or refuse a certificate of the chain; the control plane's own is at depth 0."""
        if not ok:
            self._fault = fault(error, certificate)
        elif depth == 0 and not self._is_for_host(certificate):
            self._fault = f"its certificate is not for {self._host}"
        else:
            return True
        return False

    def _is_for_host(self, certificate: X509) -> bool:
        try:
            verify_service_identity(extract_patterns(certificate), [self._expected], [])
        except (VerificationError, CertificateError):
            return False
        return True


def failure_of_tls(error: Error) -> str:
    """Say what OpenSSL says of a failure, such as ``TLS: sslv3 alert certificate expired``."""
    return "TLS: " + (reasons(error) or "the connection broke")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
