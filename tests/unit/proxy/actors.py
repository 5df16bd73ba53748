"""The clients and cells of the state machine, and what each of them knows of the requests."""

from collections import Counter
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from attrs import define, field

from tests.support.messages import Request, RequestReader, Response, ResponseReader
from tests.unit.proxy.rigs import Cell, Client, End
from tests.unit.proxy.scripts import EXTRA, AnswerScript, Framing, RequestScript


class Blame(Enum):
    """Who may have kept an exchange from going well."""

    CLIENT = auto()
    CELL = auto()
    ROUTER = auto()
    """It was told to end before the exchange did."""


@define(eq=False)
class Answer:
    """What a cell sends in answer to a request.

    :ivar begins: where in the cell's stream.
    :ivar raw: its bytes.
    :ivar body: the content that the client must get.
    :ivar until_close: whether the body ends with the connection.
    """

    script: AnswerScript
    begins: int
    raw: bytes
    body: bytes
    until_close: bool


@define(eq=False, repr=False)
class Asked:
    """A request, and everything that is seen of it.

    :ivar begins: where in the client's stream.
    :ivar first: the number of the config in force when the router could begin with it; None before that.
    :ivar last: the same, when it must have begun at the latest.
    :ivar excuses: who misbehaved.
    :ivar waited_s: how long somebody was waited for, by name.
    :ivar settled: whether nothing of it can change any more.
    """

    number: int
    script: RequestScript
    client: "ClientActor"
    begins: int
    raw: bytes
    first: int | None = None
    last: int | None = None
    cell: "CellActor | None" = None
    seen: Request | None = None
    answer: Answer | None = None
    response: Response | None = None
    record: Mapping[str, Any] | None = None
    excuses: set[Blame] = field(factory=set)
    waited_s: Counter[str] = field(factory=Counter)
    settled: bool = False

    def __repr__(self) -> str:
        return f"<request {self.number}>"

    @property
    def head_ends(self) -> int:
        """Where its head ends in the client's stream."""
        return self.begins + len(self.script.head(self.number))

    @property
    def ends(self) -> int:
        """Where it ends in the client's stream."""
        return self.begins + len(self.raw)

    @property
    def in_flight(self) -> bool:
        """Whether the router must be busy with it."""
        return self.last is not None and self.record is None

    @property
    def switched(self) -> bool:
        """Whether the cell has taken an offer to switch protocols, as far as the cell knows."""
        answer, cell = self.answer, self.cell
        if answer is None or cell is None or not answer.script.switches:
            return False
        return cell.sent_bytes >= answer.begins + len(answer.raw)

    @property
    def answered(self) -> bool:
        """Whether the cell has sent its whole answer."""
        answer, cell = self.answer, self.cell
        if answer is None or cell is None:
            return False
        sent = cell.sent_bytes >= answer.begins + len(answer.raw)
        if answer.script.switches:
            return sent and cell.left and (self.client.left or self.client.broken)
        return sent and (cell.left or not answer.until_close)


class Actor:
    """One end of a connection to the router, with what it still wants to send.

    :ivar outgoing: bytes that were not sent yet.
    :ivar sent_bytes: how many were.
    :ivar left: whether it has said that it sends no more.
    :ivar broken: whether it has broken the connection.
    :ivar tunnelled: what came through a tunnel.
    """

    def __init__(self, end: End) -> None:
        self.end = end
        self.socket = end.wire.peer_socket
        self.outgoing = bytearray()
        self.sent_bytes = 0
        self.left = False
        self.broken = False
        self.tunnelled = bytearray()
        self._taken_bytes = 0

    @property
    def consumed_bytes(self) -> int:
        """How much of what was sent the router has read."""
        return self.sent_bytes - len(self.socket.incoming)

    @property
    def taken_bytes(self) -> int:
        """How much the router has sent."""
        return self._taken_bytes

    @property
    def over(self) -> bool:
        """Whether the router has ended the connection, or one way of it."""
        wire = self.end.wire
        return wire.gone or wire.finishing or wire.end is not None

    @property
    def silent(self) -> bool:
        """Whether nothing can be sent."""
        return self.left or self.broken or self.end.wire.gone

    @property
    def stalled(self) -> bool:
        """Whether it does not read everything."""
        return self.socket.room is not None

    @property
    def backlog_bytes(self) -> int:
        """How much waits in the router's transport for this end to read."""
        wire = self.end.wire
        return len(wire.dataBuffer) - wire.offset + int(wire._tempDataLen)

    @property
    def ends_by_leaving(self) -> bool:
        """Whether it has to leave at the end, since nothing else ends what it is busy with."""
        raise NotImplementedError

    def push(self, size: int | None) -> None:
        """Put bytes on their way; the router reads them when it settles."""
        piece = bytes(self.outgoing[:size])
        del self.outgoing[: len(piece)]
        self.sent_bytes += len(piece)
        self.socket.incoming += piece

    def new_bytes(self) -> bytes:
        """Give what has come since the last time."""
        new = bytes(self.socket.sent[self._taken_bytes :])
        self._taken_bytes += len(new)
        return new


class ClientActor(Actor):
    """A client.

    :ivar asked: its requests, in their order.
    :ivar answered: how many of them are answered wholly.
    :ivar last_answer: whether it was told that no more answers follow.
    """

    def __init__(self, end: Client) -> None:
        super().__init__(end)
        self.asked: list[Asked] = []
        self.answered = 0
        self.last_answer = False
        self._reader: ResponseReader | None = None

    @property
    def ends_by_leaving(self) -> bool:
        """Whether it has to leave at the end."""
        return self.tunnel is not None

    @property
    def may_ask(self) -> bool:
        """Whether another request may follow: not before it is known whether the cell switches protocols."""
        undecided = bool(self.asked) and self.asked[-1].script.upgrades and self.answered < len(self.asked)
        return not (self.silent or self.over or undecided or self.tunnel)

    @property
    def open(self) -> list[Asked]:
        """The requests that are not answered wholly, and the one whose answer opened a tunnel."""
        return self.asked[self.answered - (self.tunnel is not None) :]

    @property
    def tunnel(self) -> Asked | None:
        """The request whose answer opened a tunnel, as far as the client knows."""
        last = self.asked[-1] if self.asked else None
        return last if last is not None and last.response and last.response.status == 101 else None

    def ask(self, number: int, script: RequestScript) -> Asked:
        """Want to send a request."""
        raw = script.raw(number)
        asked = Asked(number, script, self, self.sent_bytes + len(self.outgoing), raw)
        self.asked.append(asked)
        self.outgoing += raw
        return asked

    def take(self) -> None:
        """Read what has come: answers, in the order of the requests."""
        new = self.new_bytes()
        while new and self.tunnel is None:
            assert self.answered < len(self.asked), f"an answer that nobody asked for: {new[:200]!r}"
            new = self._take(self.asked[self.answered], new)
        self.tunnelled += new
        ended = self.socket.finished and not self.broken and self.end.wire.end != "aborted"
        if self._reader is not None and ended:
            self._reader.receive(b"")
            if self._reader.complete:
                self._finish(self._reader)

    def _take(self, asked: Asked, new: bytes) -> bytes:
        if self._reader is None:
            # The answer to half a head has a body whatever the method would have been.
            method = asked.script.method if asked.last is not None else "GET"
            self._reader = ResponseReader(method, asked.script.upgrades)
        reader = self._reader
        reader.receive(new)
        asked.response = reader.response
        if not reader.complete and not reader.switched:
            return b""
        self._finish(reader)
        return reader.rest

    def _finish(self, reader: ResponseReader) -> None:
        self.answered += 1
        self._reader = None
        assert reader.response is not None
        self.last_answer = "close" in reader.response.values("Connection")


class CellActor(Actor):
    """A cell's connection.

    :ivar port: the cell's.
    :ivar asked: the requests that it got, in their order.
    :ivar poisoned: whether it must not get another.
    :ivar unread: whether, when the router last came to rest, it had not read all of the last answer.
    """

    def __init__(self, end: Cell, port: int) -> None:
        super().__init__(end)
        self.port = port
        self.asked: list[Asked] = []
        self.poisoned = False
        self.unread = False
        self._reader = RequestReader()

    @property
    def current(self) -> Asked | None:
        """The request that it is busy with."""
        last = self.asked[-1] if self.asked else None
        return None if last is None or (last.answered and not last.switched) else last

    @property
    def waits_for_answer(self) -> bool:
        """Whether it has to begin to answer."""
        current = self.current
        return current is not None and current.answer is None and not self.silent

    @property
    def ends_by_leaving(self) -> bool:
        """Whether it has to leave at the end."""
        answer = self.current.answer if self.current is not None else None
        return answer is not None and (answer.until_close or answer.script.switches)

    def answer(self, script: AnswerScript) -> Asked:
        """Want to answer the request that it is busy with."""
        asked = self.asked[-1]
        number, method = asked.number, asked.script.method
        raw, body = script.raw(number, method), script.body(number, method)
        until_close = script.framing is Framing.UNTIL_CLOSE and script.has_body(method)
        asked.answer = Answer(script, self.sent_bytes + len(self.outgoing), raw, body, until_close)
        self.outgoing += raw
        self.poisoned = script.closes or script.extra or script.fault is not None or script.minor == 0
        if script.extra:
            self.outgoing += EXTRA
        return asked

    def finishes(self, asked: Asked) -> bool:
        """Tell whether leaving now is no fault: it ends a tunnel, or the answer, there and then."""
        answer = asked.answer
        if answer is None or asked.switched:
            return asked.switched
        content = self.sent_bytes - answer.begins - (len(answer.raw) - len(answer.body))
        if not answer.until_close or content < 0:
            return False
        answer.raw = answer.raw[: self.sent_bytes - answer.begins]
        answer.body = answer.body[:content]
        return True

    def take(self, find: Mapping[int, Asked]) -> list[Asked]:
        """Read what has come.

        :param find: every request by its number.
        :returns: the requests whose heads came.
        """
        new = self.new_bytes()
        if self.asked and self.asked[-1].switched:
            self.tunnelled += new
            return []
        self._reader.receive(new)
        found = []
        for request in self._reader.requests[len(self.asked) :]:
            assert self.current is None, "a request came before the one before it was answered"
            assert not self.poisoned, "a request came on a connection whose last answer did not end cleanly"
            asked = find[int(request.target.removeprefix("/r"))]
            assert asked.cell is None, f"request {asked.number} was sent twice"
            asked.cell, asked.seen = self, request
            self.asked.append(asked)
            found.append(asked)
        return found
