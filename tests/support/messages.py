"""HTTP messages as an independent parser, h11, reads them; what it forgives is checked beside it."""

import json
import re
from typing import Any

import h11
from attrs import define, field

MAX_HEAD_BYTES = 1 << 20

# RFC 9112 to the letter, since h11 also takes bare line feeds and a few more liberties.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_FIELD_LINES = rb"(?:" + _TOKEN + rb":[^\r\n\0]*\r\n)*\r\n"
_REQUEST_HEAD = re.compile(_TOKEN + rb" [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]\r\n" + _FIELD_LINES)
_RESPONSE_HEAD = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2} [^\r\n\0]*\r\n" + _FIELD_LINES)


class NotWellFormedError(AssertionError):
    """A message that h11 reads but that is not exactly as RFC 9112 wants it."""


@define(eq=False)
class Message:
    """What requests and responses have in common.

    :ivar fields: names in their original case, and values.
    :ivar body: what arrived of it.
    :ivar trailers: as the fields.
    :ivar complete: whether it has ended, and cleanly.
    """

    version: str
    fields: list[tuple[str, str]]
    body: bytearray = field(factory=bytearray)
    trailers: list[tuple[str, str]] = field(factory=list)
    complete: bool = False

    def values(self, name: str) -> list[str]:
        """Give the values of a field, whatever the case of its name."""
        return [value for each, value in self.fields if each.lower() == name.lower()]

    def value(self, name: str) -> str | None:
        """Give the value of a field that must not be repeated; None when there is none."""
        values = self.values(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(bytes(self.body))


@define(eq=False)
class Request(Message):
    """A request as a cell got it.

    :ivar raw: its exact bytes as far as they arrived.
    """

    method: str = ""
    target: str = ""
    raw: bytearray = field(factory=bytearray)


@define(eq=False)
class Response(Message):
    """A response as a client got it.

    :ivar status: the final status.
    :ivar reason: what stands after it.
    :ivar informational: every 1xx response before it.
    """

    status: int = 0
    reason: str = ""
    informational: "list[Response]" = field(factory=list)


class RequestReader:
    """Takes a stream of requests apart.

    :ivar requests: every one whose head has arrived.

    :param skips_empty_lines: whether an empty line before a request is no fault (RFC 9112 section 2.2); it
        has to arrive together with the request.
    """

    def __init__(self, skips_empty_lines: bool = False) -> None:
        self.requests: list[Request] = []
        self._skips_empty_lines = skips_empty_lines
        self._parser: h11.Connection | None = None
        self._raw = bytearray()

    def receive(self, data: bytes) -> None:
        """Take more of the stream.

        :raises h11.RemoteProtocolError: when it is no HTTP.
        :raises NotWellFormedError: when it is not strictly so.
        """
        while data:
            data = self._receive(data)

    def _receive(self, data: bytes) -> bytes:
        if self._parser is None:
            if self._skips_empty_lines:
                data = data.removeprefix(b"\r\n")
            if not data:
                # To h11 that would be the end of the stream.
                return b""
            self._parser = h11.Connection(h11.SERVER, MAX_HEAD_BYTES)
            self._raw = bytearray()
        self._raw += data
        self._parser.receive_data(data)
        while (event := self._parser.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                _check(_REQUEST_HEAD, self._raw)
                version, fields = event.http_version.decode(), _text(event.headers.raw_items())
                method, target = event.method.decode(), event.target.decode("latin-1")
                self.requests.append(Request(version, fields, method=method, target=target, raw=self._raw))
            elif isinstance(event, h11.Data):
                self.requests[-1].body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return self._end(event, self._parser.trailing_data[0])
        return b""

    def _end(self, event: h11.EndOfMessage, rest: bytes) -> bytes:
        request = self.requests[-1]
        request.trailers = _text(event.headers.raw_items())
        request.complete = True
        del self._raw[len(self._raw) - len(rest) :]
        self._parser = None
        return rest


class ResponseReader:
    """Takes one response apart, with the 1xx before it.

    :ivar response: what is known of it; None before its head.
    :ivar switched: whether it was a 101, which ends what is HTTP.
    :ivar rest: what arrived after its end.

    :param method: what was requested: the answer to ``HEAD`` has no body.
    :param upgrades: whether the request offered to switch protocols.
    """

    def __init__(self, method: str = "GET", upgrades: bool = False) -> None:
        self.response: Response | None = None
        self.switched = False
        self.rest = b""
        self._informational: list[Response] = []
        self._parser = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES)
        offer = [("Connection", "Upgrade"), ("Upgrade", "x")] if upgrades else []
        self._parser.send(h11.Request(method=method, target="/", headers=[("Host", "x"), *offer]))
        self._parser.send(h11.EndOfMessage())
        self._raw = bytearray()

    @property
    def complete(self) -> bool:
        """Whether the response has ended cleanly."""
        return self.response is not None and self.response.complete

    def receive(self, data: bytes) -> None:
        """Take more of the stream.

        :param data: bytes; nothing when the connection has ended.
        :raises h11.RemoteProtocolError: when it is no HTTP.
        :raises NotWellFormedError: when it is not strictly so.
        """
        self._raw += data
        self._parser.receive_data(data)
        try:
            while (event := self._parser.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.ConnectionClosed):
                    return
                self._take(event)
        except h11.RemoteProtocolError:
            if data:
                raise

    def _take(self, event: Any) -> None:
        if isinstance(event, h11.InformationalResponse | h11.Response):
            head_bytes = _check(_RESPONSE_HEAD, self._raw)
            del self._raw[:head_bytes]
            fields = _text(event.headers.raw_items())
            version, reason = event.http_version.decode(), bytes(event.reason).decode("latin-1")
            response = Response(version, fields, status=event.status_code, reason=reason)
            if response.status == 101:
                self.response, self.switched = response, True
                response.informational = self._informational
                self.rest = self._parser.trailing_data[0]
            elif isinstance(event, h11.InformationalResponse):
                self._informational.append(response)
            else:
                response.informational = self._informational
                self.response = response
        elif isinstance(event, h11.Data):
            self.response.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self.response.trailers = _text(event.headers.raw_items())
            self.response.complete = True
            self.rest = self._parser.trailing_data[0]


def _check(pattern: re.Pattern[bytes], raw: bytearray) -> int:
    head = pattern.match(raw)
    if head is None:
        raise NotWellFormedError(f"not a strictly formed head: {bytes(raw[:2000])!r}")
    return head.end()


def _text(fields: Any) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode("latin-1")) for name, value in fields]
