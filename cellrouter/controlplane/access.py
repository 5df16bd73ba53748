"""Who may do what at the control plane."""

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http import FORBIDDEN
from twisted.web.server import Request

from cellrouter.daemon.budget import Budget
from cellrouter.daemon.tokens import Refusal, TokenFile, may_change, without_token

LINES_AT_ONCE = 5
LINES_PER_S = 0.1


class RefusalLog:
    """Logs who was not let in: a few lines, then one every 10 seconds.

    :param clock: tells the time.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._budget = Budget(clock, LINES_AT_ONCE, LINES_PER_S)
        self._unsaid = 0

    def refused(self, peer: str, reason: str) -> None:
        """Log a refusal, or only count it.

        :param peer: where the request came from.
        :param reason: why it was refused.
        """
        if not self._budget.spend():
            self._unsaid += 1
            return
        if self._unsaid:
            self.log.warn("{count} more refusals were not logged", count=self._unsaid)
            self._unsaid = 0
        self.log.warn("refused {peer}: {reason}", peer=peer, reason=reason)


@frozen
class Access:
    """What the operator demands of those who connect.

    Each thing that is set is demanded; with none set, data planes connect from anywhere, and what changes
    anything works from this machine only.

    :ivar refusals: logs who was not let in.
    :ivar data_plane_tokens: the tokens that data planes show, if they must.
    :ivar operator_tokens: the tokens of those who may change anything.
    :ivar needs_certificate: whether data planes must show a certificate.
    """

    refusals: RefusalLog
    data_plane_tokens: TokenFile | None = None
    operator_tokens: TokenFile | None = None
    needs_certificate: bool = False

    @property
    def token_files(self) -> list[TokenFile]:
        """The services that read the tokens."""
        return [tokens for tokens in (self.data_plane_tokens, self.operator_tokens) if tokens is not None]

    def may_connect(self, request: Request) -> Refusal | None:
        """Decide whether a data plane may open its connection.

        :param request: the request for ``/connect``.
        :returns: None when it may, else what to answer.
        """
        if self.needs_certificate and not _has_certificate(request):
            return Refusal(FORBIDDEN, "a client certificate of an authority in --client-ca is needed")
        return None if self.data_plane_tokens is None else without_token(request, self.data_plane_tokens)

    def may_change(self, request: Request) -> Refusal | None:
        """Decide whether a request may change anything; see :func:`~cellrouter.daemon.tokens.may_change`."""
        return may_change(request, self.operator_tokens)


def _has_certificate(request: Request) -> bool:
    # Present means verified: a handshake with any other certificate fails.
    certificate = getattr(request.channel.transport, "getPeerCertificate", None)
    return certificate is not None and certificate() is not None
