"""Data planes' certificates: asked for by the endpoints that serve TLS, verified when they are shown."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from cryptography import x509
from OpenSSL.crypto import X509
from OpenSSL.SSL import OP_NO_TICKET, VERIFY_PEER, Connection
from twisted.internet.interfaces import IListeningPort, IOpenSSLServerConnectionCreator, IProtocolFactory
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from cellrouter.controlplane.access import RefusalLog
from cellrouter.daemon.certificates import fault, for_openssl
from cellrouter.daemon.peers import as_text

ENDPOINT_PREFIX = "ssl:"
"""Of the strings of Twisted's endpoints that serve TLS."""


@implementer(IOpenSSLServerConnectionCreator)
class AskForCertificate:
    """Ask each client for a certificate.

    One that shows a bad certificate gets no connection. One that shows none does, since whoever looks at
    ``/health`` has none: it is up to each resource to demand one.

    :param options: the server's own certificate.
    :param authorities: sign the clients'.
    :param refusals: logs bad ones.
    """

    def __init__(
        self, options: CertificateOptions, authorities: Sequence[x509.Certificate], refusals: RefusalLog
    ) -> None:
        self._context = options.getContext()
        self._refusals = refusals
        # Without tickets there is no resumption, which would not look at the certificate again.
        self._context.set_options(OP_NO_TICKET)
        store = self._context.get_cert_store()
        assert store is not None
        for authority in for_openssl(authorities):
            store.add_cert(authority)
            self._context.add_client_ca(authority)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """Make the TLS side of a connection."""
        connection = Connection(self._context, None)
        connection.set_verify(VERIFY_PEER, partial(self._verify, protocol))
        return connection

    def _verify(
        self,
        protocol: TLSMemoryBIOProtocol,
        connection: Connection,
        certificate: X509,
        error: int,
        depth: int,
        ok: int,
    ) -> bool:
        if not ok:
            self._refusals.refused(as_text(protocol.getPeer()), fault(error, certificate))
        return bool(ok)


class AskingReactor:
    """What Twisted's ``ssl:`` endpoint uses of a reactor; the endpoint itself cannot ask for certificates.

    :param reactor: listens.
    :param authorities: sign the clients' certificates.
    :param refusals: logs bad ones.
    """

    def __init__(self, reactor: Any, authorities: Sequence[x509.Certificate], refusals: RefusalLog) -> None:
        self._reactor = reactor
        self._authorities = authorities
        self._refusals = refusals

    def listenSSL(
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: CertificateOptions,
        backlog: int = 50,
        interface: str = "",
    ) -> IListeningPort:
        """Listen; see :class:`~twisted.internet.interfaces.IReactorSSL`."""
        asking = AskForCertificate(contextFactory, self._authorities, self._refusals)
        listening: IListeningPort = self._reactor.listenSSL(port, factory, asking, backlog, interface)
        return listening
