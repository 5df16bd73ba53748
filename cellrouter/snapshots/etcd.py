"""Reads, puts and watches a document in etcd, by its JSON gateway, in bounded time and memory.

Twisted's own ``Agent`` is used rather than treq: what treq adds to it (redirects, cookies, unpacking) is what
nobody wants of a peer that is not trusted.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
    _HTTP11ClientFactory,
)
from twisted.web.http import OK, PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from cellrouter.snapshots import etcd_codec
from cellrouter.snapshots.etcd_codec import (
    ENVELOPE_BYTES,
    Compacted,
    EtcdUnusable,
    Note,
    Put,
    Reading,
    Told,
    TooLarge,
)

TIMEOUT_S = 5.0
MAX_LINE_BYTES = 64 * 1024
"""How long a line of a watch may be to be looked at; a longer one says that there was a change."""

_NO_ANSWER = (
    *(ConnectError, ConnectingCancelledError, ConnectionClosed, DNSLookupError),
    *(RequestTransmissionFailed, ResponseFailed),
)

T = TypeVar("T")


def quiet_agent(reactor: IReactorTime) -> Agent:
    """Make an agent that opens a connection for each request, and logs none of them.

    :param reactor: connects.
    """
    pool = HTTPConnectionPool(reactor, persistent=False)
    pool._factory = _QuietFactory
    return Agent(reactor, pool=pool)


class _QuietFactory(_HTTP11ClientFactory):
    noisy = False


class EtcdDocument:
    """A document in etcd, with the note beside it.

    Of several endpoints, all of one cluster, the next is asked when one fails.

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
        body = await _received(response, _Body(limit_bytes))
        if response.code != OK:
            raise etcd_codec.decode_error(body)
        return decode(body)

    async def _watch(self, request: bytes, changed: Callable[[], object]) -> None:
        response = await self._timed(self._request("/v3/watch", request))
        if response.code != OK:
            raise EtcdUnusable(f"{self.endpoint}: it answers {response.code} to a watch")
        await _received(response, _Lines(changed))

    async def _request(self, path: str, request: bytes) -> IResponse:
        headers = Headers({b"Content-Type": [b"application/json"]})
        url = f"{self.endpoint}{path}".encode("ascii")
        try:
            response: IResponse = await self._agent.request(b"POST", url, headers, _Bytes(request))
        except _NO_ANSWER as error:
            raise EtcdUnusable(f"no answer: {_reason(error)}") from None
        return response

    async def _timed(self, job: Coroutine[Any, Any, T]) -> T:
        """Wait for something, but not for long.

        :raises EtcdUnusable: when it takes too long.
        """
        waiting = Deferred.fromCoroutine(job)
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
            raise
        finally:
            if call.active():
                call.cancel()


@implementer(IBodyProducer)
class _Bytes:
    """A request's body that is there already.

    :param content: it.
    """

    def __init__(self, content: bytes) -> None:
        self.length = len(content)
        self._content = content

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":
        """Write it."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Do nothing: all was written."""

    def resumeProducing(self) -> None:
        """Do nothing: all was written."""

    def stopProducing(self) -> None:
        """Do nothing: all was written."""


@define(eq=False)
class _Receiver(Protocol):
    """Takes the body of a response.

    :ivar done: fires with it when it is complete, or fails.
    """

    done: "Deferred[bytes]" = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.done = Deferred(lambda _: self.leave())

    def leave(self) -> None:
        """Read no more."""
        assert self.transport is not None
        self.transport.loseConnection()

    def fail(self, error: Exception) -> None:
        """Read no more, and say why."""
        if not self.done.called:
            self.done.errback(error)
            self.leave()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Be told that there is no more."""
        if not self.done.called:
            self.ended(reason)

    def ended(self, reason: Failure) -> None:
        """Decide what it means that there is no more."""
        raise NotImplementedError


@define(eq=False)
class _Body(_Receiver):
    """Keeps it, up to a limit.

    :param limit_bytes: how much.
    """

    limit_bytes: int
    _content: bytearray = field(factory=bytearray)

    def dataReceived(self, data: bytes) -> None:
        """Take a piece."""
        if self.done.called:
            return
        if len(self._content) + len(data) > self.limit_bytes:
            self._content.clear()
            self.fail(TooLarge(f"its answer is longer than {self.limit_bytes} bytes"))
            return
        self._content += data

    def ended(self, reason: Failure) -> None:
        """Hand it over, if it is complete."""
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self._content))
        else:
            self.done.errback(EtcdUnusable(f"its answer breaks off: {_reason(reason.value)}"))


@define(eq=False)
class _Lines(_Receiver):
    """Reads the lines of a watch.

    :param changed: called when one says that there was a change.
    """

    changed: Callable[[], object]
    _line: bytearray = field(factory=bytearray)
    _too_long: bool = False

    def dataReceived(self, data: bytes) -> None:
        """Take a piece."""
        *ended, rest = data.split(b"\n")
        for piece in ended:
            self._take(piece)
            self._line_ended()
        self._take(rest)

    def ended(self, reason: Failure) -> None:
        """Say that the watch is over."""
        self.done.errback(EtcdUnusable(f"the watch is over: {_reason(reason.value)}"))

    def _take(self, piece: bytes) -> None:
        if self._too_long or len(self._line) + len(piece) > MAX_LINE_BYTES:
            # Its beginning would be no JSON. Only what was put makes a line as long as this.
            self._too_long = True
            self._line.clear()
        else:
            self._line += piece

    def _line_ended(self) -> None:
        line, too_long = bytes(self._line), self._too_long
        self._line.clear()
        self._too_long = False
        if self.done.called:
            return
        try:
            told = (
                Told.CHANGED if too_long else etcd_codec.decode_told(line) if line.strip() else Told.NOTHING
            )
        except EtcdUnusable as error:
            self.fail(error)
            return
        if told is Told.CHANGED:
            self.changed()
        elif told is Told.COMPACTED:
            self.fail(Compacted("what was changed since is compacted"))
        elif told is Told.ENDED:
            self.fail(EtcdUnusable("it has ended the watch"))


async def _received(response: IResponse, receiver: _Receiver) -> bytes:
    response.deliverBody(receiver)
    return await receiver.done


def _reason(error: BaseException | None) -> str:
    """Say in a few words why there was no answer."""
    reasons = getattr(error, "reasons", None)
    return _reason(reasons[0].value) if reasons else str(error).rstrip(".") or type(error).__name__
