"""The bodies of requests to etcd and of its answers, the latter in bounded memory."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from cellrouter.config.violations import printable, shortened
from cellrouter.snapshots import etcd_codec
from cellrouter.snapshots.etcd_codec import Compacted, EtcdUnusable, Told, TooLarge

MAX_REASON_CHARS = 200
MAX_LINE_BYTES = 64 * 1024
"""How long a line of a watch may be to be looked at; a longer one says that there was a change."""


@implementer(IBodyProducer)
class BytesBody:
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
class BodyReceiver(Protocol):
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
class WholeBody(BodyReceiver):
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
            self.done.errback(EtcdUnusable(f"its answer breaks off: {reason_of(reason.value)}"))


@define(eq=False)
class WatchLines(BodyReceiver):
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
        self.done.errback(EtcdUnusable(f"the watch is over: {reason_of(reason.value)}"))

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


def reason_of(error: BaseException | None) -> str:
    """Say in a few words why there was no answer."""
    reasons = getattr(error, "reasons", None)
    if reasons:
        return reason_of(reasons[0].value)
    # It may have what was received in it.
    return printable(shortened(str(error), MAX_REASON_CHARS)).rstrip(".") or type(error).__name__
