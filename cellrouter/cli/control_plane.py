"""Asks a control plane, and tells it what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

import click
import treq
from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from cellrouter.cli.client import Get, fetch, operator_headers
from cellrouter.cli.output import harmless
from cellrouter.config import DEFAULT_MAX_CONFIG_BYTES
from cellrouter.daemon.peers import is_loopback
from cellrouter.daemon.resources import NOTHING_HERE
from cellrouter.daemon.text import quoted

TIMEOUT_S = 90.0
"""How long a change may take: longer than the control plane gives a check."""

LIMIT_BYTES = 4 * DEFAULT_MAX_CONFIG_BYTES
HINT = "give the URL of the control plane with --control-plane or CONTROL_PLANE"

UNAUTHORIZED, CONFLICT, PRECONDITION_FAILED = 401, 409, 412

Json = dict[str, Any]


class Refused(click.ClickException):
    """The control plane has answered that it does not do it.

    :ivar document: its answer.
    """

    advice = ""

    def __init__(self, document: Json) -> None:
        super().__init__(harmless(f"{document['detail']}{self.advice}"))
        self.document = document
        self._violations = [
            harmless(f"{each['path'] or '(document)'}: {each['code']}: {each['message']}")
            for each in document.get("violations", ())
        ]

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it: one line, after a line for everything that is wrong with a config."""
        for line in self._violations:
            click.echo(line, file=file, err=file is None)
        super().show(file)


class BeyondGuards(Refused):
    """The change is larger than changes may be."""

    exit_code = 4
    advice = "; to do it all the same: --override REASON"


class TokenWanted(Refused):
    """The operator's token was not shown, or another one."""

    advice = "; name a file that has it: cellrouter --operator-token-file FILE, or OPERATOR_TOKEN_FILE"


class RevisionMoved(Refused):
    """Another revision is active than the change was made for."""

    exit_code = 5


@frozen
class ControlPlane:
    """A control plane somewhere.

    :param reactor: carries the requests and measures the time.
    :param url: where.
    :param token_file: has the operator's token, which is shown with what changes anything; None for no token.
    :param request: sends requests: ``treq.request``, or a stand-in.
    """

    reactor: IReactorTime
    url: str
    token_file: Path | None = None
    request: Get = treq.request

    async def get(
        self, path: str, query: Mapping[str, object] | None = None, timeout_s: float = TIMEOUT_S
    ) -> Json:
        """Ask something.

        :param path: what.
        :param query: parameters; those that are None are left out.
        :param timeout_s: seconds to wait for the answer.
        :returns: the answer.
        :raises Refused: when it answers with a problem.
        :raises click.ClickException: when it does not answer as a control plane.
        """
        return await self._send("GET", path, query, None, timeout_s)

    async def post(self, path: str, query: Mapping[str, object], body: bytes = b"") -> Json:
        """Tell it to do something; parameters and errors are those of :meth:`get`.

        :param body: what goes with it.
        """
        return await self._send("POST", path, query, body, TIMEOUT_S)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Guard what looks into an answer, which may be that of any server.

        :raises click.ClickException: when it has not what a control plane's has, with one line.
        """
        try:
            yield
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            what = harmless(f"{type(error).__name__}: {error}")
            text = f"{self.url}: does not answer as a control plane of this release does ({what}); {HINT}"
            raise click.ClickException(text) from None

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None,
        body: bytes | None,
        timeout_s: float,
    ) -> Json:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urlencode(given)}" if given else "")
        # What changes anything, and the token with it, goes where it was told to go and nowhere else.
        send = partial(self.request, method, data=body, allow_redirects=body is None)
        headers = None if body is None else operator_headers(self.token_file)
        if headers is not None and is_readable_on_the_way(self.url):
            click.echo(
                f"{self.url}: the operator's token goes over the network unencrypted; use https://", err=True
            )
        response, document = await fetch(
            self.reactor, url, HINT, send, headers, timeout_s=timeout_s, limit_bytes=LIMIT_BYTES
        )
        if response.code != 200 and document is not None and "detail" in document:
            if document["detail"] == NOTHING_HERE:
                # Another daemon of ours, most likely, or a control plane of an older release.
                raise click.ClickException(f"{url}: {NOTHING_HERE}; {HINT}")
            with self.reading():
                refusal = _refusal(response.code, document)
            raise refusal
        if response.code != 200 or document is None:
            text = (
                f"{url}: answered {response.code}{_elsewhere(response)}, not as a control plane does; {HINT}"
            )
            raise click.ClickException(text)
        return document


def is_readable_on_the_way(url: str) -> bool:
    """Tell whether others may read what is sent to a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # It is no URL, which whoever sends the request finds out.
        return False
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def _elsewhere(response: Any) -> str:
    """Say where a redirect leads to."""
    (target,) = response.headers.getRawHeaders("location", [""])[:1]
    return f" (it is at {quoted(target)})" if target else ""


def _refusal(status: int, document: Json) -> Refused:
    if status == CONFLICT and "exceeded" in document:
        return BeyondGuards(document)
    if status == UNAUTHORIZED:
        return TokenWanted(document)
    return RevisionMoved(document) if status == PRECONDITION_FAILED else Refused(document)
