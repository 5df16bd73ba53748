"""Finds the end of a head in a stream of bytes."""

from cellrouter.http1.grammar import BARE_LF
from cellrouter.http1.limits import HeadLimits
from cellrouter.http1.refusal import Refused, bad_request, bad_response

_END = b"\r\n\r\n"
_FIRST_OF_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ROOM_FOR_METHOD = 64


class HeadBuffer:
    """Collects bytes until they hold a whole head.

    What can never become a valid head is refused before it is whole, so that nobody waits for its end.

    A plain slotted class: every message passes through it.

    :cvar skipped: what may stand before a head.
    :ivar rest: what came after the head, once :meth:`feed` returned one.

    :param limits: of the head.
    """

    __slots__ = ("_head_bytes", "_held", "_limits", "rest")

    skipped = b""

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._head_bytes = limits.head_bytes
        self._held = b""
        self.rest = b""

    def __bool__(self) -> bool:
        """Tell whether a head has begun."""
        return self._held not in (b"", self.skipped)

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes.

        :param data: the next bytes of the stream.
        :returns: the head with the empty line that ends it, or None as long as it is incomplete.
        :raises Refused: when it is too long, or no head.
        """
        start = searched = 0
        if self._held:
            # A head that comes byte by byte would be costly if it were searched from its beginning each time.
            searched = max(0, len(self._held) - 3)
            data, self._held = self._held + data, b""
        if data[:1] == b"\r" and data.startswith(self.skipped):
            start = len(self.skipped)
            searched = max(start, searched)
        end = data.find(_END, searched) + 4
        if 4 <= end <= start + self._head_bytes:
            self.rest = data[end:]
            return data[start:end]
        self._held = data
        if not self.skipped.startswith(data):
            self._refuse_early(data[start:], max(0, searched - start), whole=end >= 4)
        return None

    def _refuse_early(self, data: bytes, searched: int, whole: bool) -> None:
        """Refuse what can never become a valid head.

        :param data: what there is of it.
        :param searched: how much of that has been looked at before.
        :param whole: whether its end is there.
        """
        raise NotImplementedError


class RequestBuffer(HeadBuffer):
    """A :class:`HeadBuffer` for requests; it refuses with 400, 414 or 431.

    One empty line may stand before each head (RFC 9112 section 2.2).
    """

    __slots__ = ()

    skipped = b"\r\n"

    def _refuse_early(self, data: bytes, searched: int, whole: bool) -> None:
        if data and data[0] not in _FIRST_OF_TOKEN:
            raise bad_request(
                "a request begins with a method; is this TLS, or another protocol than HTTP/1.1?"
            )
        limits = self._limits
        line_end = data.find(b"\r\n", 0, limits.target_bytes + _ROOM_FOR_METHOD)
        if line_end < 0 and len(data) > limits.target_bytes + _ROOM_FOR_METHOD:
            raise Refused(
                414, "http_request_error", f"the request target is longer than {limits.target_bytes} bytes"
            )
        if whole or len(data) >= limits.head_bytes:
            raise Refused(
                431, "http_request_error", f"the request's head is longer than {limits.head_bytes} bytes"
            )
        if BARE_LF.search(data, searched):
            raise bad_request("lines end with CR LF; a LF alone is not accepted")


class ResponseBuffer(HeadBuffer):
    """A :class:`HeadBuffer` for responses."""

    __slots__ = ()

    def _refuse_early(self, data: bytes, searched: int, whole: bool) -> None:
        if not b"HTTP/1."[: len(data)] == data[:7]:
            raise bad_response("the cell's answer is not HTTP/1")
        limit = self._limits.head_bytes
        if whole or len(data) >= limit:
            raise Refused(
                502,
                "http_response_header_section_size",
                f"the head of the cell's answer is longer than {limit} bytes",
            )
        if BARE_LF.search(data, searched):
            raise bad_response("a line of the cell's answer ends with a LF alone")
