"""The head of a request: what its fields mean to a proxy is decided one by one."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from cellrouter.http1 import grammar
from cellrouter.http1.fields import (
    ALONE,
    FORWARDED,
    HOP_BY_HOP,
    NEVER_NAMED,
    split,
    tokens,
    without,
)
from cellrouter.http1.refusal import Refused, bad_request
from cellrouter.http1.remembered import Remembered

REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})
"""Methods that are for one connection only, and so never for a cell, which may not care for their case."""


class RequestHead:
    """What a request says before its body.

    Its lines are taken one by one, and then it is finished. A field that breaks a rule which other fields
    have a part in is remembered, and told by :meth:`finish`.

    A plain slotted class: one is made per request.

    :ivar method: the method.
    :ivar target: the request target in origin form, or ``*``.
    :ivar minor: the minor version of HTTP/1: 0 or 1.
    :ivar lines: the end-to-end fields, each ``Name: value`` in the client's order and case, without those in
        :attr:`forwarded` and without ``X-Request-ID``.
    :ivar host: the value of ``Host``, or None without one.
    :ivar routing_key: the value of ``X-Routing-Key``, or None without one.
    :ivar request_ids: the values of ``X-Request-ID``.
    :ivar forwarded: the fields that tell where the request came from, names in lower case.
    :ivar content_length: the length of the body in bytes, or None when that is not known.
    :ivar chunked: whether the body is chunked.
    :ivar keep_alive: whether the client wants its connection to stay open.
    :ivar for_connection: the fields that ``Connection`` names, in lower case, beside those that always are
        for one connection only.
    :ivar upgrade: the protocols that the client offers to switch to, or None.

    :param method: the method.
    :param target: the request target, as it came.
    :param minor: the minor version of HTTP/1.
    :param in_origin_form: whether the target is known to be in origin form.
    """

    __slots__ = (
        "_connection",
        "_expectations",
        "_hosts",
        "_in_origin_form",
        "_lengths",
        "_refusal",
        "_transfer_codings",
        "_upgrades",
        "chunked",
        "content_length",
        "for_connection",
        "forwarded",
        "host",
        "keep_alive",
        "lines",
        "method",
        "minor",
        "request_ids",
        "routing_key",
        "target",
        "upgrade",
    )

    def __init__(self, method: bytes, target: bytes, minor: int, in_origin_form: bool = False) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.lines: list[bytes] = []
        self.host: bytes | None = None
        self.routing_key: bytes | None = None
        self.request_ids: Sequence[bytes] = ()
        self.forwarded: Sequence[tuple[bytes, bytes]] = ()
        self.content_length: int | None = None
        self.chunked = False
        self.keep_alive = minor == 1
        self.for_connection: Set[bytes] = frozenset()
        self.upgrade: bytes | None = None
        self._in_origin_form = in_origin_form
        self._hosts = 0
        self._lengths = 0
        self._connection: list[bytes] | None = None
        self._expectations: list[bytes] | None = None
        self._transfer_codings: list[bytes] | None = None
        self._upgrades: list[bytes] | None = None
        self._refusal: Refused | None = None

    @property
    def has_body(self) -> bool:
        """Whether content follows."""
        return self.chunked or bool(self.content_length)

    def take(self, lines: Iterable[bytes]) -> None:
        """Take field lines, in the order of the message.

        :param lines: as they came, without their ends.
        :raises Refused: when one is malformed: with 400.
        """
        for line in lines:
            take, value, kept = _read[line]
            if kept is not None:
                self.lines.append(kept)
            if take is not None:
                take(self, value)

    def finish(self) -> "RequestHead":
        """Check what the fields say together.

        :returns: this.
        :raises Refused: with 400, 405 or 417.
        """
        if self.method.upper() in REFUSED_METHODS:
            raise Refused(405, "http_request_error", "the router does not do CONNECT and TRACE")
        if not self._in_origin_form:
            self._check_target()
        self._check_framing()
        if self._connection is not None:
            self._check_connection(self._connection)
        if self._refusal is not None:
            raise self._refusal
        if self._expectations is not None:
            self._check_expectations(self._expectations)
        return self

    def _refuse(self, detail: str) -> None:
        self._refusal = self._refusal or bad_request(detail)

    def _check_target(self) -> None:
        target = self.target
        if target == b"*" and self.method == b"OPTIONS":
            return
        absolute = grammar.ABSOLUTE_FORM.fullmatch(target)
        if absolute is None or not grammar.HOST.fullmatch(absolute[1]):
            self._refuse("the request target is neither a path, nor an absolute http URL, nor OPTIONS's *")
            return
        self.target = absolute[2] or (b"*" if self.method == b"OPTIONS" else b"/")
        if self.target.startswith(b"?"):
            self.target = b"/" + self.target
        # RFC 9112 section 3.2.2: the target's host replaces the field's.
        self.host = absolute[1]
        self.lines = [b"Host: " + self.host, *without(self.lines, {b"host"})]

    def _check_framing(self) -> None:
        if self._hosts != 1 and (self._hosts or self.minor):
            self._refuse("a request has one Host field")
        if self._transfer_codings is not None:
            self._check_transfer_coding(self._transfer_codings)
        if self._lengths > 1:
            self._refuse("a request has at most one Content-Length field")

    def _check_transfer_coding(self, codings: list[bytes]) -> None:
        if self.minor == 0:
            self._refuse("HTTP/1.0 has no Transfer-Encoding")
        elif self._lengths:
            self._refuse("a request has Transfer-Encoding or Content-Length, not both")
        elif codings != [b"chunked"]:
            self._refuse("the only Transfer-Encoding that is accepted is a single chunked")
        self.chunked = True

    def _check_connection(self, named: list[bytes]) -> None:
        if len(named) == 1 and (alone := ALONE.get(named[0])) is not None:
            self.keep_alive = alone
            return
        names = {token for value in named for token in tokens(value)}
        if b"close" in names:
            self.keep_alive = False
        elif b"keep-alive" in names:
            self.keep_alive = True
        if names & NEVER_NAMED:
            self._refuse("Connection names a field that is not for one connection only")
        offered = b"upgrade" in names
        names -= HOP_BY_HOP
        names -= {b"close"}
        if names:
            self.for_connection = names
            self.lines = without(self.lines, names)
        if offered and self._upgrades is not None:
            self._take_offer(self._upgrades)

    def _take_offer(self, offers: list[bytes]) -> None:
        """Pass an offer to switch protocols on (RFC 9110 section 7.8), or ignore it, which is always allowed.

        One with a body is ignored, since where the body ends and the other protocol begins is more than two
        parties would agree on; so is the retired one to h2c (RFC 9113 section 3.1), and any in HTTP/1.0.
        """
        protocols = [each.strip(b" \t") for value in offers for each in value.split(b",")]
        protocols = [each for each in protocols if each and each.lower() != b"h2c"]
        if protocols and self.minor and not self.has_body:
            self.upgrade = b", ".join(protocols)
            self.lines += [b"Connection: Upgrade", b"Upgrade: " + self.upgrade]

    def _check_expectations(self, expectations: list[bytes]) -> None:
        if any(value.lower() != b"100-continue" for value in expectations):
            raise Refused(417, "http_request_error", "the only expectation that can be met is 100-continue")
        # RFC 9110 section 10.1.1: from a 1.0 client it is ignored.
        if self.minor and self.has_body:
            self.lines.append(b"Expect: 100-continue")

    def _take_host(self, value: bytes) -> None:
        self._hosts += 1
        self.host = value

    def _take_bad_host(self, value: bytes) -> None:
        self._refuse("the Host field is not host or host:port")

    def _take_routing_key(self, value: bytes) -> None:
        if self.routing_key is not None or b"," in value:
            self._refuse("a request belongs to one tenant: X-Routing-Key is given once and contains no comma")
        self.routing_key = value

    def _take_content_length(self, value: bytes) -> None:
        self._lengths += 1
        self.content_length = int(value)

    def _take_bad_content_length(self, value: bytes) -> None:
        self._lengths += 1
        self._refuse("Content-Length is not one decimal number of up to 18 digits")

    def _take_transfer_encoding(self, value: bytes) -> None:
        self._transfer_codings = [*(self._transfer_codings or ()), value.lower()]

    def _take_connection(self, value: bytes) -> None:
        self._connection = [*(self._connection or ()), value]

    def _take_upgrade(self, value: bytes) -> None:
        self._upgrades = [*(self._upgrades or ()), value]

    def _take_expect(self, value: bytes) -> None:
        self._expectations = [*(self._expectations or ()), value]

    def _take_request_id(self, value: bytes) -> None:
        self.request_ids = [*self.request_ids, value]


Take = Callable[[RequestHead, bytes], None]
"""Takes the value of a field that means something to the router."""


def _taking_forwarded(name: bytes) -> Take:
    def take_forwarded(head: RequestHead, value: bytes) -> None:
        head.forwarded = [*head.forwarded, (name, value)]

    return take_forwarded


_TAKE: Mapping[bytes, Take | None] = {
    **dict.fromkeys(HOP_BY_HOP),
    **{name: _taking_forwarded(name) for name in FORWARDED},
    b"host": RequestHead._take_host,
    b"x-routing-key": RequestHead._take_routing_key,
    b"content-length": RequestHead._take_content_length,
    b"transfer-encoding": RequestHead._take_transfer_encoding,
    b"connection": RequestHead._take_connection,
    b"upgrade": RequestHead._take_upgrade,
    b"expect": RequestHead._take_expect,
    b"x-request-id": RequestHead._take_request_id,
}
"""What takes each field that is not just passed on, by name in lower case; None: nothing, it ends here."""

_KEPT = frozenset({b"host", b"x-routing-key", b"content-length"})
"""The fields among them that are passed on as they are."""


def _read_line(line: bytes) -> tuple[Take | None, bytes, bytes | None]:
    """Say what is to be done with a field line, whatever request it stands in.

    :param line: as it came, without its end.
    :returns: what takes its value, or None; the value; and the line to pass on, or None.
    :raises Refused: when it is malformed.
    """
    found = split(line)
    if found is None:
        raise bad_request(
            "a header field is malformed: a line folded or without a colon, a blank before the colon, or a"
            " control character"
        )
    name, value = found
    lower = name.lower()
    kept = name + b": " + value
    if lower == b"host" and not grammar.HOST.fullmatch(value):
        return RequestHead._take_bad_host, value, None
    if lower == b"content-length" and not grammar.CONTENT_LENGTH.fullmatch(value):
        return RequestHead._take_bad_content_length, value, None
    if lower in _TAKE:
        return _TAKE[lower], value, kept if lower in _KEPT else None
    if b"_" in name and lower.replace(b"_", b"-") in _TAKE:
        # CGI, WSGI and their kin cannot tell it from the real one, which the router has checked.
        return None, value, None
    return None, value, kept


_read = Remembered(_read_line)
