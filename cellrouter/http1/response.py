"""The head of a cell's response: parsed, checked, and ready to be sent on."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from cellrouter.http1 import grammar
from cellrouter.http1.body import BodyReader, ChunkedReader, LengthReader, UntilCloseReader
from cellrouter.http1.fields import (
    ALONE,
    EXPLAIN,
    HOP_BY_HOP,
    split,
    tokens,
    without,
)
from cellrouter.http1.limits import HeadLimits
from cellrouter.http1.refusal import Refused, bad_response
from cellrouter.http1.remembered import Remembered


class ResponseHead:
    """What a response says before its body.

    A plain slotted class: one is made per response.

    :ivar status: the status.
    :ivar reason: the reason phrase, perhaps empty.
    :ivar lines: the end-to-end fields, each ``Name: value`` in the cell's order and case, without those that
        only the router sets.
    :ivar content_length: the length of the body in bytes as the fields say it, or None.
    :ivar chunked: whether the body is chunked.
    :ivar keep_alive: whether the connection can be used again.
    :ivar interim: whether another response follows (RFC 9110 section 15.2).
    :ivar protocols: what is switched to, in lower case.
    :ivar switches: whether what follows is another protocol (RFC 9110 section 15.2.2).

    :param status: the status.
    :param reason: the reason phrase.
    :param minor: the minor version of HTTP/1.
    """

    __slots__ = (
        "_connection",
        "_for_connection",
        "_lengths",
        "_minor",
        "_refusal",
        "_transfer_codings",
        "_upgrades",
        "chunked",
        "content_length",
        "interim",
        "keep_alive",
        "lines",
        "protocols",
        "reason",
        "status",
        "switches",
    )

    def __init__(self, status: int, reason: bytes, minor: int) -> None:
        self.status = status
        self.reason = reason
        self.lines: list[bytes] = []
        self.content_length: int | None = None
        self.chunked = False
        self.keep_alive = minor == 1
        self.switches = status == 101
        self.interim = status < 200 and not self.switches
        self._minor = minor
        self._lengths = 0
        self._connection: list[bytes] | None = None
        self._transfer_codings: list[bytes] | None = None
        self._upgrades: list[bytes] | None = None
        self._for_connection: Set[bytes] = frozenset()
        self.protocols: Sequence[bytes] = ()
        self._refusal: Refused | None = None

    def take(self, lines: Iterable[bytes]) -> None:
        """Take field lines, in the order of the message.

        :param lines: as they came, without their ends.
        :raises Refused: when one is malformed: with 502.
        """
        for line in lines:
            take, value, kept = _read[line]
            if kept is not None:
                self.lines.append(kept)
            if take is not None:
                take(self, value)

    def finish(self) -> "ResponseHead":
        """Check what the fields say together.

        :returns: this.
        :raises Refused: with 502.
        """
        if self._transfer_codings is not None:
            self._check_transfer_coding(self._transfer_codings)
        if self._lengths > 1:
            self._refuse("the cell's answer has more than one Content-Length")
        if self._connection is not None:
            self._check_connection(self._connection)
        if self.switches:
            self._check_switch()
        if self.status == 204 or self.interim or self.switches:
            # RFC 9110 section 8.6: it must not be there, and a client might wait for so many bytes.
            self.lines = without(self.lines, {b"content-length"})
            if self.chunked or self.content_length:
                # What was announced may still come, and would be taken for the next answer.
                self.keep_alive = False
        if self._refusal is not None:
            raise self._refusal
        return self

    def body(self, method: bytes) -> BodyReader:
        """Say where the body ends (RFC 9112 section 6.3).

        :param method: of the request.
        :returns: what reads it.
        """
        if self.switches:
            return UntilCloseReader()
        if method == b"HEAD" or self.status in (204, 304):
            return LengthReader(0)
        if self.chunked:
            return ChunkedReader(bad_response, self._for_connection)
        if self.content_length is None:
            return UntilCloseReader()
        return LengthReader(self.content_length)

    def _refuse(self, detail: str) -> None:
        self._refusal = self._refusal or bad_response(detail)

    def _check_transfer_coding(self, codings: list[bytes]) -> None:
        if self._minor == 0:
            self._refuse("the cell's answer is HTTP/1.0 and has Transfer-Encoding")
        elif self._lengths:
            self._refuse("the cell's answer has both Transfer-Encoding and Content-Length")
        elif codings != [b"chunked"]:
            self._refuse("the cell's answer has a Transfer-Encoding other than a single chunked")
        self.chunked = True

    def _check_switch(self) -> None:
        """Check that it is a switch of protocols (RFC 9110 section 7.8)."""
        upgrade = b", ".join(self._upgrades or ())
        self.protocols = tokens(upgrade)
        if not self.protocols:
            self._refuse("the cell switches protocols and does not say to which")
        elif self._minor == 0:
            self._refuse("the cell switches protocols in HTTP/1.0, which cannot be")
        elif b"upgrade" not in tokens(b",".join(self._connection or ())):
            self._refuse("the cell switches protocols and its Connection field does not say so")
        self.lines += [b"Connection: Upgrade", b"Upgrade: " + upgrade]

    def _check_connection(self, named: list[bytes]) -> None:
        if len(named) == 1 and (alone := ALONE.get(named[0])) is not None:
            self.keep_alive = alone
            return
        names = {token for value in named for token in tokens(value)}
        if b"close" in names:
            self.keep_alive = False
        elif b"keep-alive" in names:
            self.keep_alive = True
        if b"content-length" in names:
            self._refuse("the Connection field of the cell's answer names Content-Length")
        names -= HOP_BY_HOP
        names -= {b"close"}
        if names:
            self._for_connection = names
            self.lines = without(self.lines, names)

    def _take_content_length(self, value: bytes) -> None:
        self._lengths += 1
        self.content_length = int(value)

    def _take_bad_content_length(self, value: bytes) -> None:
        self._lengths += 1
        self._refuse("the Content-Length of the cell's answer is not one decimal number of up to 18 digits")

    def _take_transfer_encoding(self, value: bytes) -> None:
        self._transfer_codings = [*(self._transfer_codings or ()), value.lower()]

    def _take_connection(self, value: bytes) -> None:
        self._connection = [*(self._connection or ()), value]

    def _take_upgrade(self, value: bytes) -> None:
        self._upgrades = [*(self._upgrades or ()), value]


Take = Callable[[ResponseHead, bytes], None]
"""Takes the value of a field that means something to the router."""

_TAKE: Mapping[bytes, Take | None] = {
    **dict.fromkeys(HOP_BY_HOP | EXPLAIN),
    b"transfer-encoding": ResponseHead._take_transfer_encoding,
    b"connection": ResponseHead._take_connection,
    b"upgrade": ResponseHead._take_upgrade,
}
"""What takes each field that is not just passed on, by name in lower case; None: nothing, it ends here."""


def _read_line(line: bytes) -> tuple[Take | None, bytes, bytes | None]:
    """Say what is to be done with a field line, whatever response it stands in.

    :param line: as it came, without its end.
    :returns: what takes its value, or None; the value; and the line to pass on, or None.
    :raises Refused: when it is malformed.
    """
    found = split(line)
    if found is None:
        raise bad_response("a header field of the cell's answer is malformed")
    name, value = found
    lower = name.lower()
    kept = name + b": " + value
    if lower == b"content-length":
        if grammar.CONTENT_LENGTH.fullmatch(value):
            return ResponseHead._take_content_length, value, kept
        return ResponseHead._take_bad_content_length, value, None
    if lower in _TAKE:
        return _TAKE[lower], value, None
    return None, value, kept


_read = Remembered(_read_line)


def _read_status_line(line: bytes) -> tuple[int, bytes, int]:
    """Read the first line of a response.

    :param line: without its end.
    :returns: the status, the reason phrase, and the minor version of HTTP/1.
    :raises Refused: when it is malformed.
    """
    matched = grammar.STATUS_LINE.fullmatch(line)
    if matched is None:
        raise bad_response("the first line of the cell's answer is malformed")
    minor = grammar.MINOR_VERSIONS.get(matched[1])
    if minor is None or not b"100" <= matched[2] <= b"599":
        raise bad_response("the cell's answer has a version or a status that does not exist")
    return int(matched[2]), matched[3] or b"", minor


_read_first = Remembered(_read_status_line)


def parse_response_head(head: bytes, limits: HeadLimits) -> ResponseHead:
    """Parse the head of a response.

    :param head: everything up to and with the empty line.
    :param limits: of its parts; its length as a whole has been looked at.
    :returns: the head, checked and finished.
    :raises Refused: when it breaks a rule: with 502.
    """
    lines = head[:-4].split(b"\r\n")
    status, reason, minor = _read_first[lines.pop(0)]
    if len(lines) > limits.fields:
        raise Refused(
            502,
            "http_response_header_section_size",
            f"the cell's answer has more than {limits.fields} header fields",
        )
    response = ResponseHead(status, reason, minor)
    response.take(lines)
    return response.finish()
