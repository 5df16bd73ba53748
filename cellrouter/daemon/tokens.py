"""Tokens: who may open a connection, and who may change anything.

A token is a secret that a request shows as ``Authorization: Bearer``. The valid ones are in a file, one a
line, which is read again whenever it changes; blank lines and those that begin with ``#`` say nothing. What
was read is kept as digests only, so no token can end up in a log or an answer.
"""

import hashlib
import hmac
import re
import stat
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http import FORBIDDEN, UNAUTHORIZED
from twisted.web.server import Request

from cellrouter.daemon.peers import is_local
from cellrouter.daemon.resources import problem
from cellrouter.snapshots.poller import FilePoller, InThread, read_file

LIMIT_BYTES = 64 * 1024
CHALLENGE = b'Bearer realm="cellrouter"'

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750 section 2.1: ``b64token``."""

_OF_PROXIES = (b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip")

_CREDENTIALS = re.compile(rb"(?i:bearer) +([^ ]+)")


class NoToken(Exception):
    """A file has no token; the message says which file and what to do."""


@frozen
class Tokens:
    """What a file of tokens says.

    :ivar values: the tokens, in order.
    :ivar bad_lines: the numbers of the lines that are neither a token nor nothing.
    """

    values: tuple[str, ...]
    bad_lines: tuple[int, ...]

    def __repr__(self) -> str:
        """Tell how many there are."""
        return f"<{len(self.values)} tokens>"


def parse_tokens(content: bytes) -> Tokens:
    """Read the content of a file of tokens.

    :param content: one token a line; blank lines and lines that begin with ``#`` are skipped.
    """
    values, bad_lines = [], []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if _TOKEN.fullmatch(text):
            values.append(text)
        else:
            bad_lines.append(number)
    return Tokens(tuple(values), tuple(bad_lines))


def read_first_token(path: Path) -> str:
    """Read the token that we show to others, blocking: the first of a file.

    :param path: the file.
    :raises ~cellrouter.snapshots.poller.Unreadable: when it cannot be read.
    :raises NoToken: when there is none in it.
    """
    content = read_file(path, LIMIT_BYTES).content
    values = parse_tokens(content or b"").values
    if not values:
        raise NoToken(f"{path}: there is no token in the file; it has one a line")
    return values[0]


def open_to_everybody(path: Path) -> bool:
    """Tell whether every user of the machine may read a file, blocking."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        # Gone meanwhile, which whoever reads it finds out.
        return False


class TokenFile(Service):
    """The valid tokens, as a file has them by now.

    A file that is emptied, deleted or cannot be read has no valid token: nobody gets in any more, whoever is
    in stays, and the log says so once.

    :ivar path: the file.

    :param path: the file.
    :param locked_out: what it means that there is no valid token, for the log.
    :param clock: drives the polling.
    :param in_thread: runs the reading.
    :param interval_s: seconds between two looks at the file; a change counts once two looks found the same.
    """

    log = Logger()

    def __init__(
        self, path: Path, locked_out: str, clock: IReactorTime, in_thread: InThread, interval_s: float
    ) -> None:
        self.path = path
        self._locked_out = locked_out
        self._in_thread = in_thread
        self._digests: tuple[bytes, ...] = ()
        self._warned = False
        self._poller = FilePoller(
            path, clock, in_thread, interval_s, LIMIT_BYTES, self._changed, self._unreadable
        )

    def load_blocking(self) -> None:
        """Read the file before the reactor runs.

        :raises ~cellrouter.snapshots.poller.Unreadable: when it cannot be read.
        :raises NoToken: when there is none in it.
        """
        self._take(self._poller.read_once())
        if not self._digests:
            raise NoToken(f"{self.path}: there is no token in the file; it has one a line")
        self._warn(open_to_everybody(self.path))

    def startService(self) -> None:
        """Begin to look at the file."""
        Service.startService(self)
        self._poller.startService()

    def stopService(self) -> "Deferred[None] | None":
        """Look at the file no more; what is valid stays so.

        :returns: a Deferred that fires when the look under way, if there is one, has ended.
        """
        Service.stopService(self)
        return self._poller.stopService()

    def accepts(self, credentials: Sequence[bytes]) -> bool:
        """Tell whether a request shows a valid token.

        It takes as long for a token that is nearly right as for any other.

        :param credentials: the values of the request's ``Authorization`` fields.
        """
        shown = _CREDENTIALS.fullmatch(credentials[0].strip()) if len(credentials) == 1 else None
        digest = hashlib.sha256(b"" if shown is None else shown[1]).digest()
        # Every one is compared, whether or not one before it was equal.
        equal = [hmac.compare_digest(digest, valid) for valid in self._digests]
        return shown is not None and any(equal)

    def _changed(self, content: bytes) -> "Deferred[None]":
        self._take(content)
        if self._digests:
            self.log.info(
                "{path} was read again; valid tokens: {count}", path=self.path, count=len(self._digests)
            )
        else:
            self.log.error(
                "{path}: there is no token in the file: {locked_out}",
                path=self.path,
                locked_out=self._locked_out,
            )
        return self._in_thread(open_to_everybody, self.path).addCallback(self._warn)

    def _take(self, content: bytes) -> None:
        tokens = parse_tokens(content)
        self._digests = tuple(hashlib.sha256(value.encode()).digest() for value in tokens.values)
        for number in tokens.bad_lines[:10]:
            self.log.error(
                "{path}: line {number} is ignored: a token is made of letters, digits and -._~+/, with = at"
                " its end only",
                path=self.path,
                number=number,
            )

    def _unreadable(self, problem: str) -> None:
        self._digests = ()
        self.log.error("{problem}: {locked_out}", problem=problem, locked_out=self._locked_out)

    def _warn(self, open_to_all: bool) -> None:
        if open_to_all and not self._warned:
            self._warned = True
            self.log.warn("{path}: every user of this machine can read it; chmod o-r", path=self.path)


@frozen
class Refusal:
    """Why a request is refused.

    :ivar status: the HTTP status, 401 or 403.
    :ivar detail: the reason, for people.
    """

    status: int
    detail: str

    def answer(self, request: Request) -> bytes:
        """Set status and header fields of the answer, and return its body, for ``render`` to return."""
        if self.status == UNAUTHORIZED:
            # RFC 9110 section 15.5.2.
            request.setHeader(b"www-authenticate", CHALLENGE)
        return problem(request, self.status, self.detail)


def without_token(request: Request, tokens: TokenFile) -> Refusal | None:
    """Refuse a request that does not show a valid token.

    :param request: the request.
    :param tokens: the valid ones.
    :returns: the refusal, or None when it shows one.
    """
    credentials = request.requestHeaders.getRawHeaders(b"authorization", [])
    if tokens.accepts(credentials):
        return None
    needed = "a valid token is needed: Authorization: Bearer TOKEN"
    return Refusal(UNAUTHORIZED, "the token is not valid" if credentials else needed)


def may_change(request: Request, tokens: TokenFile | None) -> Refusal | None:
    """Decide whether a request may change anything; to be asked before anything else is done with it.

    With operators' tokens it must show one of them. Without, it must come from this machine, not through a
    proxy on it, which anybody may use, and not from a page in a browser, which any web site can send it from.

    :param request: a POST, for example.
    :param tokens: the operators', or None when there are none.
    :returns: None when it may, else what to answer: ``return refusal.answer(request)`` in ``render``.
    """
    if tokens is not None:
        return without_token(request, tokens)
    if not is_local(request.getClientAddress()):
        return Refusal(
            FORBIDDEN,
            "without --operator-token-file nothing can be changed but from the control plane's own machine",
        )
    if request.requestHeaders.hasHeader(b"origin"):
        return Refusal(FORBIDDEN, "without --operator-token-file browsers, which send Origin, change nothing")
    if any(map(request.requestHeaders.hasHeader, _OF_PROXIES)):
        return Refusal(FORBIDDEN, "without --operator-token-file nothing can be changed through a proxy")
    if not _is_asked_by_address(request):
        # A name of the Internet may have been made to mean this machine, or a proxy passed it on.
        return Refusal(
            FORBIDDEN,
            "without --operator-token-file changes are asked of localhost or an IP address, of no other name",
        )
    return None


def _is_asked_by_address(request: Request) -> bool:
    name = request.getRequestHostname().decode("latin-1").strip("[]")
    try:
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
