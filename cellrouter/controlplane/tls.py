"""TLS at the control plane's port: what it shows and whom it believes, as the files have it by now."""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from OpenSSL.crypto import X509
from OpenSSL.SSL import OP_NO_TICKET, VERIFY_PEER, Connection, Context
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IOpenSSLServerConnectionCreator, IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from cellrouter.controlplane.access import RefusalLog
from cellrouter.daemon.certificates import (
    LIMIT_BYTES,
    UNUSABLE,
    described,
    fault,
    for_openssl,
    parse_certificates,
    reasons,
)
from cellrouter.daemon.peers import as_text
from cellrouter.snapshots.poller import FilePoller, InThread, Unreadable

ENDPOINT_PREFIX = "ssl:"
"""Of the strings of Twisted's endpoints that serve TLS."""

# Of such a string: arguments in this order or by name, with a backslash before what is no separator.
_ORDER = ("type", "port", "privateKey", "certKey", "sslmethod", "interface", "backlog", "extraCertChain")
_ARGUMENT = re.compile(r"(?:[^:\\]|\\.)+", re.DOTALL)
_OF_FILES = ("privateKey", "certKey", "extraCertChain")
_DEFAULT_FILE = "server.pem"

_UNUSABLE = (*UNUSABLE, ValueError, TypeError, LookupError, OSError)


@implementer(IOpenSSLServerConnectionCreator)
class Handshakes:
    """Begin each connection with what is in the files by now.

    Where data planes show certificates, each client is asked for one. One that shows a bad certificate gets
    no connection. One that shows none does, since whoever looks at ``/health`` has none: it is up to each
    resource to demand one.

    :ivar context: OpenSSL's, for new connections.

    :param context: the first.
    :param asking: whether clients are asked for certificates.
    :param refusals: logs bad ones.
    """

    def __init__(self, context: Context, asking: bool, refusals: RefusalLog) -> None:
        self.context = context
        self._asking = asking
        self._refusals = refusals

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> Connection:
        """Make the TLS side of a connection."""
        connection = Connection(self.context, None)
        if self._asking:
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


class Certificates(MultiService):
    """What a control plane shows and whom it believes, read again when a file changes.

    It is what Twisted's ``ssl:`` endpoint uses of a reactor, since that endpoint can neither ask for
    certificates nor read its own anew. A certificate that cannot be used changes nothing: the one before is
    shown on. Authorities that cannot be read are none: no data plane gets in any more, as with tokens.

    :param reactor: listens, and drives the polling.
    :param description: the string of the endpoint.
    :param client_ca: the file of the authorities of data planes' certificates; None when they need none.
    :param in_thread: reads files.
    :param interval_s: seconds between two looks at a file; a change counts once two looks found the same.
    :param refusals: logs bad certificates of data planes.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        description: str,
        client_ca: Path | None,
        in_thread: InThread,
        interval_s: float,
        refusals: RefusalLog,
    ) -> None:
        MultiService.__init__(self)
        self._reactor = reactor
        self._description = description
        self._client_ca = client_ca
        self._in_thread = in_thread
        self._refusals = refusals
        self._authorities: Sequence[x509.Certificate] | None = None
        self._handshakes: Handshakes | None = None
        self._shown: x509.Certificate | None = None
        self._one_by_one = DeferredLock()
        for path in files_of(description):
            FilePoller(
                path, reactor, in_thread, interval_s, LIMIT_BYTES, self._changed, self._stays
            ).setServiceParent(self)
        if client_ca is not None:
            self._watched = FilePoller(
                *(client_ca, reactor, in_thread, interval_s, LIMIT_BYTES),
                *(self._authorities_changed, self._lock_out),
            )
            self._watched.setServiceParent(self)

    def load_blocking(self) -> None:
        """Read the authorities before the reactor runs.

        :raises Unreadable: when there are none.
        """
        if self._client_ca is not None:
            self._authorities = parse_certificates(self._client_ca, self._watched.read_once())

    def listenSSL(
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: CertificateOptions,
        backlog: int = 50,
        interface: str = "",
    ) -> IListeningPort:
        """Listen; see :class:`~twisted.internet.interfaces.IReactorSSL`."""
        context = _context(contextFactory, self._authorities)
        self._shown = _certificate(contextFactory)
        self._handshakes = Handshakes(context, self._client_ca is not None, self._refusals)
        listening: IListeningPort = self._reactor.listenSSL(
            port, factory, self._handshakes, backlog, interface
        )
        return listening

    def _changed(self, content: bytes) -> "Deferred[None]":
        return self._one_by_one.run(lambda: Deferred.fromCoroutine(self._reload()))

    def _authorities_changed(self, content: bytes) -> "Deferred[None]":
        assert self._client_ca is not None
        try:
            self._authorities = parse_certificates(self._client_ca, content)
        except Unreadable as error:
            self._believe_nobody(str(error))
        else:
            self.log.info(
                "{path} was read again; authorities: {count}",
                path=self._client_ca,
                count=len(self._authorities),
            )
        return self._changed(content)

    def _lock_out(self, problem: str) -> None:
        self._believe_nobody(problem)
        self._changed(b"").addErrback(
            lambda failure: self.log.failure("taking the authorities away failed", failure)
        )

    def _believe_nobody(self, problem: str) -> None:
        self._authorities = ()
        self.log.error(
            "{problem}: no data plane gets in any more, those that are connected stay", problem=problem
        )

    def _stays(self, problem: str) -> None:
        self.log.error("{problem}; the certificate that was shown so far is shown on", problem=problem)

    async def _reload(self) -> None:
        try:
            context, certificate = await self._in_thread(_read_blocking, self._description, self._authorities)
        except _UNUSABLE as error:
            self._stays(f"the files of --port cannot be used: {reasons(error)}")
            return
        if self._handshakes is not None:
            self._handshakes.context = context
        if certificate != self._shown:
            self._shown = certificate
            self.log.info(
                "the certificate of {certificate}, is shown from now on", certificate=described(certificate)
            )


def files_of(description: str) -> list[Path]:
    """Tell which files an ``ssl:`` endpoint reads its certificate and key from.

    :param description: the endpoint's string.
    """
    given: dict[str, str] = {}
    for name, argument in zip(_ORDER, _ARGUMENT.findall(description), strict=False):
        key, equals, value = argument.partition("=")
        given[key if equals else name] = re.sub(r"\\(.)", r"\1", value if equals else argument)
    given.setdefault("privateKey", _DEFAULT_FILE)
    return list(dict.fromkeys(Path(given[name]).absolute() for name in _OF_FILES if name in given))


class _Taker:
    """Takes what an endpoint would listen with."""

    options: CertificateOptions

    def listenSSL(
        self, port: int, factory: object, contextFactory: CertificateOptions, **more: object
    ) -> None:
        self.options = contextFactory


def _read_blocking(
    description: str, authorities: Sequence[x509.Certificate] | None
) -> tuple[Context, x509.Certificate]:
    taker = _Taker()
    serverFromString(cast(Any, taker), description).listen(Factory())
    return _context(taker.options, authorities), _certificate(taker.options)


def _certificate(options: CertificateOptions) -> x509.Certificate:
    # An endpoint has one, or there is no endpoint.
    assert options.certificate is not None
    return options.certificate.to_cryptography()


def _context(options: CertificateOptions, authorities: Sequence[x509.Certificate] | None) -> Context:
    context = options.getContext()
    if authorities is not None:
        # Without tickets there is no resumption, which would not look at the certificate again.
        context.set_options(OP_NO_TICKET)
        store = context.get_cert_store()
        assert store is not None
        for authority in for_openssl(authorities):
            store.add_cert(authority)
            context.add_client_ca(authority)
    return context
