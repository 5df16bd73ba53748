"""Where the body of a message ends.

One of these readers is fed what comes after a head. It returns the content, and knows when the body is over
and what came after it. The readers never send, never wait, and keep no content.

RFC 9112 section 6.
"""

from collections.abc import Callable, Set
from enum import Enum, auto

from cellrouter.http1.fields import NEVER_TRAILERS
from cellrouter.http1.grammar import BARE_LF, CHUNK_LINE, TRAILERS
from cellrouter.http1.limits import MAX_CHUNK_LINE_BYTES, MAX_TRAILER_BYTES
from cellrouter.http1.refusal import Refused


class LengthReader:
    """A body of a known length.

    A plain slotted class, like all readers: bodies pass through it piece by piece.

    :ivar done: whether the body is over.
    :ivar rest: what came after it.
    :ivar trailers: the fields that it ended with, each with its CR LF; only chunked bodies have any.

    :param length: of the body in bytes.
    """

    __slots__ = ("_left", "done", "rest")

    trailers = b""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = not length
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes.

        :param data: the next bytes of the stream.
        :returns: those of them that are content.
        """
        left = self._left - len(data)
        if left > 0:
            self._left = left
            return data
        self._left, self.done = 0, True
        if not left:
            return data
        self.rest = data[left:]
        return data[:left]

    def close(self) -> bool:
        """Tell whether the end of the stream is the end of the body."""
        return self.done


class UntilCloseReader:
    """A body that ends with the connection; the parameters are those of :class:`LengthReader`."""

    __slots__ = ("done", "rest")

    trailers = b""

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes; all are content."""
        return data

    def close(self) -> bool:
        """Tell whether the end of the stream is the end of the body: it is."""
        self.done = True
        return True


class _Part(Enum):
    """What a chunked body continues with."""

    SIZE = auto()
    CONTENT = auto()
    CONTENT_END = auto()
    TRAILERS = auto()


class ChunkedReader:
    """A chunked body (RFC 9112 section 7.1). Extensions are checked, bounded, and dropped.

    It is a state machine over :class:`_Part`; a part that is not whole yet is held.

    :ivar done: whether the body is over.
    :ivar rest: what came after it.
    :ivar trailers: the fields that it ended with, each with its CR LF, without those that belong into a head.

    :param refusal: makes the exception for a malformed body from a text.
    :param for_connection: names in lower case that ``Connection`` has said are for one connection only.
    """

    __slots__ = ("_for_connection", "_held", "_left", "_part", "_refusal", "done", "rest", "trailers")

    def __init__(self, refusal: Callable[[str], Refused], for_connection: Set[bytes] = frozenset()) -> None:
        self._refusal = refusal
        self._for_connection = for_connection
        self._part = _Part.SIZE
        self._left = 0
        self._held = b""
        self.done = False
        self.rest = b""
        self.trailers = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes.

        :param data: the next bytes of the stream.
        :returns: the content in them.
        :raises Refused: when they are no chunked body.
        """
        if self._held:
            data, self._held = self._held + data, b""
        content: list[bytes] = []
        position = 0
        while not self.done:
            advanced = _STEPS[self._part](self, data, position, content)
            if advanced < 0:
                self._held = data[position:]
                break
            position = advanced
            if position == len(data):
                break
        if self.done:
            self.rest = data[position:]
        return content[0] if len(content) == 1 else b"".join(content)

    def close(self) -> bool:
        """Tell whether the end of the stream is the end of the body."""
        return self.done

    def _size(self, data: bytes, position: int, content: list[bytes]) -> int:
        end = data.find(b"\r\n", position, position + MAX_CHUNK_LINE_BYTES)
        if end < 0:
            if len(data) - position >= MAX_CHUNK_LINE_BYTES:
                raise self._refusal(f"the line that announces a chunk exceeds {MAX_CHUNK_LINE_BYTES} bytes")
            if BARE_LF.search(data, position):
                raise self._refusal("the line that announces a chunk ends with a LF alone")
            return -1
        line = CHUNK_LINE.fullmatch(data, position, end)
        if line is None:
            raise self._refusal("a chunk's size is not a hexadecimal number of up to 15 digits")
        self._left = int(line[1], 16)
        self._part = _Part.CONTENT if self._left else _Part.TRAILERS
        return end + 2

    def _content(self, data: bytes, position: int, content: list[bytes]) -> int:
        piece = data[position : position + self._left]
        self._left -= len(piece)
        if piece:
            content.append(piece)
        if not self._left:
            self._part = _Part.CONTENT_END
        return position + len(piece)

    def _content_end(self, data: bytes, position: int, content: list[bytes]) -> int:
        end = data[position : position + 2]
        if end == b"\r\n":
            self._part = _Part.SIZE
            return position + 2
        if end not in (b"", b"\r"):
            raise self._refusal("a chunk is longer than announced")
        return -1

    def _trailers(self, data: bytes, position: int, content: list[bytes]) -> int:
        if data.startswith(b"\r\n", position):
            end = position + 2
        else:
            end = data.find(b"\r\n\r\n", position, position + MAX_TRAILER_BYTES) + 4
            if end < 4:
                return self._wait_for_trailers(data, position)
            if not TRAILERS.fullmatch(data, position, end):
                raise self._refusal("what follows the last chunk is not a trailer section")
            lines = data[position : end - 4].split(b"\r\n")
            self.trailers = b"".join([line + b"\r\n" for line in lines if self._passes(line)])
        self.done = True
        return end

    def _passes(self, line: bytes) -> bool:
        name = line.partition(b":")[0].lower()
        # An underscore stands for a hyphen where fields become variables.
        return name.replace(b"_", b"-") not in NEVER_TRAILERS and name not in self._for_connection

    def _wait_for_trailers(self, data: bytes, position: int) -> int:
        if len(data) - position >= MAX_TRAILER_BYTES:
            raise self._refusal(f"the trailer section is longer than {MAX_TRAILER_BYTES} bytes")
        if BARE_LF.search(data, position):
            raise self._refusal("a line of the trailer section ends with a LF alone")
        return -1


_STEPS: dict[_Part, Callable[[ChunkedReader, bytes, int, list[bytes]], int]] = {
    _Part.SIZE: ChunkedReader._size,
    _Part.CONTENT: ChunkedReader._content,
    _Part.CONTENT_END: ChunkedReader._content_end,
    _Part.TRAILERS: ChunkedReader._trailers,
}
"""How each part is read: from a position to the one after the part, or to -1 when it is not whole."""

BodyReader = LengthReader | UntilCloseReader | ChunkedReader
"""Any of the readers."""


def last_chunk(trailers: bytes) -> bytes:
    """Write the end of a chunked body.

    :param trailers: fields, each with its CR LF.
    """
    return b"0\r\n" + trailers + b"\r\n"


def framed(content: bytes, last: bool, trailers: bytes) -> bytes:
    """Write a piece of a chunked body.

    :param content: what it has.
    :param last: whether the body ends with it.
    :param trailers: fields that it ends with then, each with its CR LF.
    """
    return chunk(content) + last_chunk(trailers) if last else chunk(content)


def chunk(content: bytes) -> bytes:
    """Write content as one chunk; empty content, which would end the body, gives nothing."""
    return b"%x\r\n%b\r\n" % (len(content), content) if content else b""
