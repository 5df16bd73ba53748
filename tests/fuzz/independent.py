"""What h11 finds in bytes that the router was sent, to be compared with what the router made of them.

h11 judges framing fields among trailers as it judges those of a head, and refuses; the router drops them, as
RFC 9110 section 6.5.1 allows. Then h11 says nothing about what follows.
"""

import h11
from attrs import define, field

from tests.support.messages import NotWellFormedError, Request, RequestReader

_OF_FIELDS = ("conflicting ", "bad Content-Length", "multiple ", "Only Transfer-Encoding")
"""How the texts begin by which h11 refuses framing fields."""


@define
class SentRequests:
    """What a client sent, as far as it is strictly HTTP.

    :ivar requests: the requests; the last one may be incomplete.
    :ivar cut: whether there may be more, which h11 did not read.
    """

    requests: list[Request] = field(factory=list)
    cut: bool = False

    @classmethod
    def of(cls, stream: bytes) -> "SentRequests":
        """Read a stream."""
        reader = RequestReader(skips_empty_lines=True)
        cut = False
        try:
            reader.receive(stream)
        except NotWellFormedError:
            pass
        except h11.RemoteProtocolError as error:
            body_read = bool(reader.requests) and not reader.requests[-1].complete
            cut = body_read and str(error).startswith(_OF_FIELDS)
        return cls(reader.requests, cut)


@define
class SentAnswer:
    """An answer that a cell sent.

    :ivar status: its status; 0 if there is none.
    :ivar body: what there is of it.
    :ivar whole: whether it is complete.
    :ivar cut: whether only its trailers were not read.
    :ivar rest: what followed it.
    """

    status: int = 0
    body: bytes = b""
    whole: bool = False
    cut: bool = False
    rest: bytes = b""

    @classmethod
    def of(cls, method: bytes, stream: bytes, ends: bool) -> "SentAnswer":
        """Read a stream.

        :param method: of the request.
        :param stream: the bytes.
        :param ends: whether the connection ended after them.
        """
        parser = h11.Connection(h11.CLIENT, 1 << 20)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        parser.send(h11.EndOfMessage())
        answer = cls()
        try:
            parser.receive_data(stream)
            answer._read(parser)
            if ends and not answer.whole:
                parser.receive_data(b"")
                answer._read(parser)
        except h11.RemoteProtocolError as error:
            answer.cut = bool(answer.status) and str(error).startswith(_OF_FIELDS)
        return answer

    def _read(self, parser: h11.Connection) -> None:
        while not self.whole and (event := parser.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                self.status = event.status_code
            elif isinstance(event, h11.Data):
                self.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.whole, self.rest = True, bytes(parser.trailing_data[0])
