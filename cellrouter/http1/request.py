"""The head of a request: what its fields mean to a proxy is decided one by one."""

from collections.abc import Callable, Mapping

from cellrouter.http1 import grammar
from cellrouter.http1.fields import ALONE, FORWARDED, HOP_BY_HOP, NEVER_NAMED, tokens, without
from cellrouter.http1.refusal import Refused, bad_request

REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})
"""Methods that are for one connection only, and so never for a cell."""


class RequestHead:
    """What a request says before its body.

    It is filled field by field and then finished, either by llhttp or by whoever has the fields already. A
    field that breaks a rule is remembered, and told by :meth:`finish`.

    A plain slotted class: one is made per request.

    :ivar method: the method.
    :ivar target: the request target in origin form, or ``*``.
    :ivar minor: the minor version of HTTP/1: 0 or 1.
    :ivar lines: the end-to-end fields, each ``Name: value`` in the client's order and case, without those in
        :attr:`forwarded` and without ``X-Request-ID``.
    :ivar host: the value of ``Host``; empty if there is none.
    :ivar routing_key: the value of ``X-Routing-Key``, or None without one.
    :ivar request_ids: the values of ``X-Request-ID``.
    :ivar forwarded: the fields that tell where the request came from, names in lower case.
    :ivar content_length: the length of the body in bytes, or None when that is not known.
    :ivar chunked: whether the body is chunked.
    :ivar keep_alive: whether the client wants its connection to stay open.
    :ivar upgrade: the protocols that the client offers to switch to, or None.
    :ivar expects_continue: whether the client waits for a 100 before it sends the body.

    :param method: the method.
    :param target: the request target, as it came.
    :param minor: the minor version of HTTP/1.
    """

    __slots__ = (
        "_connection",
        "_expectations",
        "_hosts",
        "_lengths",
        "_refusal",
        "_transfer_codings",
        "_upgrades",
        "chunked",
        "content_length",
        "expects_continue",
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

    def __init__(self, method: bytes, target: bytes, minor: int) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.lines: list[bytes] = []
        self.host = b""
        self.routing_key: bytes | None = None
        self.request_ids: list[bytes] = []
        self.forwarded: list[tuple[bytes, bytes]] = []
        self.content_length: int | None = None
        self.chunked = False
        self.keep_alive = minor == 1
        self.expects_continue = False
        self.upgrade: bytes | None = None
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

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field, in the order of the message. It is called by llhttp too, hence its name.

        :param name: as it came.
        :param value: as it came.
        """
        lower = name.lower()
        take = _TAKE.get(lower)
        if take is not None:
            take(self, lower, value.strip(b" \t"))
        elif b"_" in name and lower.replace(b"_", b"-") in _TAKE:
            # CGI, WSGI and their kin cannot tell it from the real one, which the router has checked.
            return
        if take is None or take in _KEPT:
            self.lines.append(name + b": " + value)

    def finish(self) -> "RequestHead":
        """Check what the fields say together.

        :returns: this.
        :raises Refused: with 400, 405 or 417.
        """
        if self.method in REFUSED_METHODS:
            raise Refused(405, "http_request_error", "the router does not do CONNECT and TRACE")
        self._check_target()
        if self._hosts != 1 and (self._hosts or self.minor):
            self._refuse("a request has one Host field")
        if self._transfer_codings is not None:
            self._check_transfer_coding(self._transfer_codings)
        if self._lengths > 1:
            self._refuse("a request has at most one Content-Length field")
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
        if grammar.ORIGIN_FORM.fullmatch(target) or (target == b"*" and self.method == b"OPTIONS"):
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
            self.expects_continue = True
            self.lines.append(b"Expect: 100-continue")

    def _take_host(self, name: bytes, value: bytes) -> None:
        self._hosts += 1
        self.host = value
        if not grammar.HOST.fullmatch(value):
            self._refuse("the Host field is not host or host:port")

    def _take_routing_key(self, name: bytes, value: bytes) -> None:
        if self.routing_key is not None or b"," in value:
            self._refuse("a request belongs to one tenant: X-Routing-Key is given once and contains no comma")
        self.routing_key = value

    def _take_content_length(self, name: bytes, value: bytes) -> None:
        self._lengths += 1
        if grammar.CONTENT_LENGTH.fullmatch(value):
            self.content_length = int(value)
        else:
            self._refuse("Content-Length is not one decimal number of up to 18 digits")

    def _take_transfer_encoding(self, name: bytes, value: bytes) -> None:
        self._transfer_codings = [*(self._transfer_codings or ()), value.lower()]

    def _take_connection(self, name: bytes, value: bytes) -> None:
        self._connection = [*(self._connection or ()), value]

    def _take_upgrade(self, name: bytes, value: bytes) -> None:
        self._upgrades = [*(self._upgrades or ()), value]

    def _take_expect(self, name: bytes, value: bytes) -> None:
        self._expectations = [*(self._expectations or ()), value]

    def _take_request_id(self, name: bytes, value: bytes) -> None:
        self.request_ids.append(value)

    def _take_forwarded(self, name: bytes, value: bytes) -> None:
        self.forwarded.append((name, value))

    def _drop(self, name: bytes, value: bytes) -> None:
        """Let a field for one connection end here."""


_TAKE: Mapping[bytes, Callable[[RequestHead, bytes, bytes], None]] = {
    **dict.fromkeys(HOP_BY_HOP, RequestHead._drop),
    **dict.fromkeys(FORWARDED, RequestHead._take_forwarded),
    b"host": RequestHead._take_host,
    b"x-routing-key": RequestHead._take_routing_key,
    b"content-length": RequestHead._take_content_length,
    b"transfer-encoding": RequestHead._take_transfer_encoding,
    b"connection": RequestHead._take_connection,
    b"upgrade": RequestHead._take_upgrade,
    b"expect": RequestHead._take_expect,
    b"x-request-id": RequestHead._take_request_id,
}
"""What is done with each field that means something to the router, by name in lower case."""

_KEPT = frozenset({RequestHead._take_host, RequestHead._take_routing_key, RequestHead._take_content_length})
"""The fields among them that are sent on as they are."""
