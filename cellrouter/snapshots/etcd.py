"""Reads, puts and watches a document in etcd, by its JSON gateway, in bounded time and memory."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import RequestTransmissionFailed, ResponseFailed
from twisted.web.http import OK
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from cellrouter.snapshots import etcd_codec
from cellrouter.snapshots.etcd_bodies import BodyReceiver, BytesBody, WatchLines, WholeBody, reason_of
from cellrouter.snapshots.etcd_codec import (
    ENVELOPE_BYTES,
    EtcdUnusable,
    Note,
    Put,
    Reading,
    TooLarge,
)

TIMEOUT_S = 5.0
STOPPING = "the control plane is stopping"

_NO_ANSWER = (
    *(ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError),
    *(RequestTransmissionFailed, ResponseFailed),
)

T = TypeVar("T")


class EtcdDocument:
    """A document in etcd, with the note beside it.

    Of several endpoints, all of one cluster, the next is asked when one fails. What is to be put is sent
    once.

    :ivar key: the document's.
    :ivar endpoints: where etcd is, as URLs without a path.
    :ivar endpoint: the one that is asked.

    :param agent: sends requests.
    :param clock: times them.
    :param endpoints: where etcd is.
    :param key: the document's.
    :param limit_bytes: how long the document may be.
    """

    def __init__(
        self, agent: IAgent, clock: IReactorTime, endpoints: tuple[str, ...], key: str, limit_bytes: int
    ) -> None:
        self.endpoints = endpoints
        self.endpoint = endpoints[0]
        self.key = key
        self._agent = agent
        self._clock = clock
        # Base64 makes four characters of three bytes.
        self._limit_bytes = limit_bytes * 4 // 3 + ENVELOPE_BYTES
        self._asked: set[Deferred[Any]] = set()
        self._closed = False

    async def read(self, revision: int = 0, revisions_only: bool = False) -> Reading:
        """Read the document and its note.

        :param revision: as they were at this revision of the store; 0 for now.
        :param revisions_only: leave the values out.
        :raises Compacted: when etcd has forgotten that revision.
        :raises TooLarge: when the document is.
        :raises EtcdUnusable: when there is no answer that can be used.
        """
        limit_bytes = ENVELOPE_BYTES if revisions_only else self._limit_bytes
        request = etcd_codec.read_request(self.key, revision, revisions_only)
        for _ in self.endpoints[1:]:
            try:
                return await self._ask("/v3/kv/txn", request, limit_bytes, etcd_codec.decode_reading)
            except TooLarge:
                raise
            except EtcdUnusable:
                # The next endpoint is asked.
                continue
        return await self._ask("/v3/kv/txn", request, limit_bytes, etcd_codec.decode_reading)

    async def put(self, text: bytes, note: Note, made_for: int) -> Put:
        """Put a document with its note, if nobody else has put one.

        :param text: the document.
        :param note: who puts it.
        :param made_for: the revision of the document that it is to take the place of; 0 when there must be
            none.
        :raises EtcdUnusable: when there is no answer that can be used. It may have been put all the same.
        """
        request = etcd_codec.put_request(self.key, text, note, made_for)
        return await self._ask("/v3/kv/txn", request, ENVELOPE_BYTES, etcd_codec.decode_put)

    def watch(self, since: int, changed: Callable[[], object]) -> "Deferred[None]":
        """Watch the document until etcd ends it, or nobody wants it any more.

        :param since: the revision of the store from which on changes are told.
        :param changed: called when there were some.
        :returns: a Deferred to be cancelled when nobody wants it any more. It fails with :exc:`Compacted`
            when etcd has forgotten what was changed since, or :exc:`EtcdUnusable` when the watch is over.
        """
        request = etcd_codec.watch_request(self.key, since)
        return Deferred.fromCoroutine(self._watch(request, changed))

    def close(self) -> None:
        """Ask nothing any more, and wait for no answer."""
        self._closed = True
        for waiting in self._asked.copy():
            waiting.cancel()

    def take_next_endpoint(self) -> None:
        """Ask another endpoint from now on, if there is one."""
        number = self.endpoints.index(self.endpoint) + 1
        self.endpoint = self.endpoints[number % len(self.endpoints)]

    async def _ask(self, path: str, request: bytes, limit_bytes: int, decode: Callable[[bytes], T]) -> T:
        endpoint = self.endpoint
        try:
            return await self._timed(self._answer(path, request, limit_bytes, decode))
        except EtcdUnusable as error:
            if not isinstance(error, TooLarge) and self.endpoint == endpoint:
                self.take_next_endpoint()
            raise type(error)(f"{endpoint}: {error}") from None

    async def _answer(self, path: str, request: bytes, limit_bytes: int, decode: Callable[[bytes], T]) -> T:
        response = await self._request(path, request)
        body = await _received(response, WholeBody(limit_bytes))
        if response.code != OK:
            raise etcd_codec.decode_error(body)
        return decode(body)

    async def _watch(self, request: bytes, changed: Callable[[], object]) -> None:
        response = await self._timed(self._request("/v3/watch", request))
        if response.code != OK:
            # To the end, or the connection would stay open.
            raise etcd_codec.decode_error(await self._timed(_received(response, WholeBody(ENVELOPE_BYTES))))
        await _received(response, WatchLines(changed))

    async def _request(self, path: str, request: bytes) -> IResponse:
        if self._closed:
            raise EtcdUnusable(STOPPING)
        headers = Headers({b"Content-Type": [b"application/json"]})
        url = f"{self.endpoint}{path}".encode("ascii")
        try:
            response: IResponse = await self._agent.request(b"POST", url, headers, BytesBody(request))
        except _NO_ANSWER as error:
            raise EtcdUnusable(f"no answer: {reason_of(error)}") from None
        return response

    async def _timed(self, job: Coroutine[Any, Any, T]) -> T:
        """Wait for something, but not for long.

        :raises EtcdUnusable: when it takes too long, or nobody waits any more.
        """
        waiting = Deferred.fromCoroutine(job)
        self._asked.add(waiting)
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            waiting.cancel()

        call = self._clock.callLater(TIMEOUT_S, give_up)
        try:
            return await waiting
        except (CancelledError, EtcdUnusable):
            if late:
                raise EtcdUnusable(f"no answer within {TIMEOUT_S:g} s") from None
            if self._closed:
                raise EtcdUnusable(STOPPING) from None
            raise
        finally:
            self._asked.discard(waiting)
            if call.active():
                call.cancel()


async def _received(response: IResponse, receiver: BodyReceiver) -> bytes:
    response.deliverBody(receiver)
    return await receiver.done
