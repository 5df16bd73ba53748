"""Asks the daemons over HTTP."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import treq
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import ResponseFailed, ResponseNeverReceived
from twisted.web.error import SchemeNotSupported
from twisted.web.http_headers import Headers

from cellrouter.config import ConfigRefused, parse_json
from cellrouter.daemon.tokens import NoToken, read_first_token
from cellrouter.snapshots.poller import Unreadable

TIMEOUT_S = 10.0
LIMIT_BYTES = 16 * 1024 * 1024
_UNREACHABLE = (
    *(ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError),
    *(ResponseFailed, ResponseNeverReceived, CancelledError, defer.TimeoutError),
)
# What treq and the URL parser below it raise for a text that is no URL of ours.
_BAD_URL = (SchemeNotSupported, ValueError, TypeError)


Get = Callable[..., Awaitable[Any]]
"""``treq.get``, or a stand-in."""


class TooLong(Exception):
    """There is more in an answer than is read of one."""


class BadUrl(click.ClickException):
    """What was given is not the URL of anything that could be asked."""


async def fetch(
    reactor: IReactorTime,
    url: str,
    hint: str,
    get: Get = treq.get,
    headers: Headers | None = None,
    timeout_s: float = TIMEOUT_S,
    limit_bytes: int = LIMIT_BYTES,
) -> tuple[Any, dict[str, Any] | None]:
    """GET something.

    :param reactor: carries the request and measures the time.
    :param url: what to ask.
    :param hint: what somebody can do when there is no answer.
    :param get: sends the request.
    :param headers: the request's own fields.
    :param timeout_s: seconds to wait for the whole answer.
    :param limit_bytes: how long a body is read.
    :returns: the response, and the JSON object in its body if it is one.
    :raises click.ClickException: when there is no answer, with one line that says why.
    """
    try:
        exchange = Deferred.fromCoroutine(_exchange(reactor, url, get, headers, limit_bytes))
        response, body = await exchange.addTimeout(timeout_s, reactor)
    except TooLong:
        raise click.ClickException(f"{url}: the answer is longer than {limit_bytes} bytes; {hint}") from None
    except _UNREACHABLE as error:
        raise click.ClickException(f"{url}: no answer: {_reason(error, timeout_s)}; {hint}") from None
    except _BAD_URL as error:
        raise BadUrl(f"{url}: not a usable URL: {error}; {hint}") from None
    try:
        document = parse_json(body, limit_bytes)
    except ConfigRefused:
        document = None
    return response, document if isinstance(document, dict) else None


async def _exchange(
    reactor: IReactorTime, url: str, get: Get, headers: Headers | None, limit_bytes: int
) -> tuple[Any, bytes]:
    """Send a request and read the answer to its end, or to the limit."""
    body = bytearray()

    def take(data: bytes) -> None:
        if len(body) + len(data) > limit_bytes:
            raise TooLong
        body.extend(data)

    # What treq buffers is read however long it is.
    response = await get(url, headers=headers, persistent=False, unbuffered=True, reactor=reactor)
    await treq.collect(response, take)
    return response, bytes(body)


async def get_json(reactor: IReactorTime, url: str, hint: str, get: Get = treq.get) -> dict[str, Any]:
    """GET a JSON object.

    :param reactor: carries the request and measures the time.
    :param url: what to ask.
    :param hint: what somebody can do when nothing fit comes of it.
    :param get: sends the request.
    :returns: the object.
    :raises click.ClickException: when there is no such answer, with one line that says why.
    """
    response, document = await fetch(reactor, url, hint, get)
    if response.code != 200:
        detail = (document or {}).get("detail", "")
        raise click.ClickException(f"{url}: answered {response.code} {detail}".rstrip() + f"; {hint}")
    if document is None:
        raise click.ClickException(f"{url}: the answer is not a JSON object; {hint}")
    return document


def operator_headers(token_file: Path | None) -> Headers | None:
    """Make the fields that show the operator's token to a control plane, for :func:`fetch`.

    :param token_file: its first token is shown; None for no token.
    :returns: the fields, if there are any.
    :raises click.ClickException: when there is no token in the file, with one line that says why.
    """
    if token_file is None:
        return None
    try:
        return Headers({"Authorization": [f"Bearer {read_first_token(token_file)}"]})
    except (Unreadable, NoToken) as error:
        raise click.ClickException(f"--operator-token-file: {error}") from None


def _reason(error: BaseException, timeout_s: float) -> str:
    """Say in a few words why there was no answer."""
    if isinstance(error, CancelledError | ConnectingCancelledError | defer.TimeoutError):
        return f"nothing within {timeout_s:g} s"
    reasons = getattr(error, "reasons", None)
    return _reason(reasons[0].value, timeout_s) if reasons else str(error).rstrip(".") or type(error).__name__
