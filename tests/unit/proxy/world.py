"""What is true of the router whatever its clients and cells do: checked each time it has come to rest."""

import re
from collections.abc import Mapping
from typing import Any

from twisted.logger import LogLevel, globalLogPublisher

from tests.support.documents import text
from tests.unit.proxy.actors import Actor, Asked, Blame, CellActor, ClientActor
from tests.unit.proxy.promises import check, check_held, may_go_to
from tests.unit.proxy.rigs import Rig
from tests.unit.proxy.scripts import AnswerScript, Config, RequestScript

MOST_IDLE = 3
_HEADS = re.compile(rb"^[A-Z]+ (/r[0-9]+) HTTP/1.1\r\n", re.MULTILINE)
_LIMITS_S = {"head": 9.9, "dial": 4.9, "answer": 9.9, "rest of the answer": 29.9, "tunnel": 299.0}
_LIMITS_S |= {"rest of the request": 29.9, "reading": 29.9}
_BLAMED = {"dial": Blame.CELL, "answer": Blame.CELL, "rest of the answer": Blame.CELL}


class World:
    """A router, its clients and its cells.

    :ivar asked: every request, by its number.
    :ivar configs: every config that was in force, by its number.
    """

    def __init__(self, config: Config) -> None:
        self.rig = Rig(text(config.version, **config.fields), max_idle_upstreams=MOST_IDLE)
        self.clients: list[ClientActor] = []
        self.cells: list[CellActor] = []
        self.asked: dict[int, Asked] = {}
        self.configs: list[Config] = []
        self.errors: list[Mapping[str, Any]] = []
        self._lines_read = 0
        self._unreadable = 0
        globalLogPublisher.addObserver(self._logged)
        self.install(config)

    def end(self) -> None:
        """Listen to the log no longer."""
        globalLogPublisher.removeObserver(self._logged)

    def _logged(self, event: Mapping[str, Any]) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical) or event.get("isError"):
            self.errors.append(event)

    @property
    def config(self) -> Config:
        """The config in force."""
        return self.configs[-1]

    def install(self, config: Config) -> None:
        """Change the config."""
        self.configs.append(config)
        self.rig.install(text(config.version, **config.fields), config.number)

    def connect(self) -> ClientActor:
        """Connect a client."""
        client = ClientActor(self.rig.client())
        self.clients.append(client)
        self.observe()
        return client

    def accept(self, which: int, room: int | None = None) -> CellActor:
        """Accept a dial."""
        _, port = self.rig.dials[which]
        cell = CellActor(self.rig.cell(room, which), port)
        self.cells.append(cell)
        self.observe()
        return cell

    def refuse(self, which: int, error: Exception) -> None:
        """Refuse a dial."""
        for asked in self.suspects(self.rig.dials[which][1]):
            asked.excuses.add(Blame.CELL)
        self.rig.refuse_dial(error, which)
        self.observe()

    def ask(self, client: ClientActor, script: RequestScript) -> Asked:
        """Let a client want to send a request."""
        asked = client.ask(len(self.asked), script)
        self.asked[asked.number] = asked
        return asked

    def answer(self, cell: CellActor, script: AnswerScript) -> None:
        """Let a cell want to answer the request that it is busy with."""
        asked = cell.answer(script)
        if script.fault is not None:
            asked.excuses.add(Blame.CELL)

    def suspects(self, port: int) -> list[Asked]:
        """Give the requests that may be on their way to a cell that has not seen them."""
        return [
            asked
            for asked in self.asked.values()
            if asked.first is not None
            and asked.record is None
            and asked.seen is None
            and may_go_to(asked, self._possible_configs(asked), port)
        ]

    def _possible_configs(self, asked: Asked) -> list[Config]:
        """Give the configs that a request may have begun with: one, unless its client had to read first."""
        assert asked.first is not None
        return self.configs[asked.first : None if asked.last is None else asked.last + 1]

    def blame_cell(self, cell: CellActor) -> None:
        """The cell keeps a request from being answered."""
        current = cell.current
        if current is not None:
            current.excuses.add(Blame.CELL)
        elif cell.stalled:
            for asked in self.suspects(cell.port):
                asked.excuses.add(Blame.CELL)

    def blame_client(self, client: ClientActor) -> None:
        """The client keeps its requests from being answered."""
        for asked in client.open:
            asked.excuses.add(Blame.CLIENT)

    def end_sending(self, actor: Actor) -> None:
        """Let a side send no more, and see what that means for what it was busy with."""
        if isinstance(actor, ClientActor) and not actor.tunnel:
            self.blame_client(actor)
        elif isinstance(actor, CellActor) and not (actor.current and actor.finishes(actor.current)):
            self.blame_cell(actor)
        actor.outgoing.clear()
        actor.left = actor.socket.ended = True

    def reset(self, actor: Actor) -> None:
        """Let a side break its connection."""
        if isinstance(actor, ClientActor):
            self.blame_client(actor)
        elif isinstance(actor, CellActor):
            self.blame_cell(actor)
            if actor.asked and actor.asked[-1].record is None:
                # Even if all of the answer was sent: what was not read is lost.
                actor.asked[-1].excuses.add(Blame.CELL)
        actor.outgoing.clear()
        actor.broken = actor.socket.broken = True

    def settle(self) -> None:
        """Let the router do all it wants, and look at what it did."""
        self.rig.reactor.settle()
        self.observe()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.settle()
        for client in self.clients:
            for asked in client.open:
                for what in _waited_for(asked):
                    asked.waited_s[what] += seconds
                    if asked.waited_s[what] >= _LIMITS_S[what]:
                        asked.excuses |= {_BLAMED.get(what, Blame.CLIENT)}
                        asked.excuses |= {Blame.CELL} if what == "tunnel" else set()
        self.rig.reactor.pass_time(seconds, step_s=max(0.25, seconds / 20))
        self.observe()

    def observe(self) -> None:
        """Look at everything that the router did since the last time, and at the state it is in."""
        self._read_log()
        for client in self.clients:
            self._begin(client)
        for cell in self.cells:
            for asked in cell.take(self.asked):
                self._begun(asked)
        for client in self.clients:
            client.take()
            for asked in client.asked:
                self._check(asked)
            check_held(client)
        for cell in self.cells:
            cell.unread = bool(cell.asked) and cell.asked[-1].record is None
        self._check_counts()
        assert not self.errors, self.errors

    def _read_log(self) -> None:
        lines = self.rig.records.lines[self._lines_read :]
        self._lines_read += len(lines)
        for line in lines:
            if line["path"] is None:
                assert (line["status"], line["error"]) == (408, "Request Timeout"), line
                self._unreadable += 1
                continue
            asked = self.asked[int(line["path"].removeprefix("/r"))]
            assert asked.record is None, f"request {asked.number} was logged twice"
            asked.record = line
            self._begun(asked)

    def _begun(self, asked: Asked) -> None:
        if asked.first is None:
            asked.first = self.config.number
        if asked.last is None:
            asked.last = self.config.number
        for cell in self.cells:
            # It left behind an answer that had not been read: nobody knows before that is read.
            if cell.left and cell.unread and (cell.stalled or cell is asked.cell):
                asked.excuses.add(Blame.CELL)

    def _begin(self, client: ClientActor) -> None:
        """Find out which requests the router must have begun with by now."""
        before: Asked | None = None
        for asked in client.asked:
            free = before is None or before.record is not None
            if asked.last is None and free and client.consumed_bytes >= asked.head_ends and not client.over:
                asked.first = self.config.number if asked.first is None else asked.first
                if not client.backlog_bytes and asked.waited_s["head"] < _LIMITS_S["head"]:
                    self._begun(asked)
            before = asked

    def _check(self, asked: Asked) -> None:
        if asked.last is None:
            assert asked.response is None or asked.response.status == 408, asked
        elif not asked.settled:
            check(asked, self._possible_configs(asked))
            whole = asked.seen is None or asked.seen.complete
            asked.settled = whole and bool(asked.record and asked.response and asked.response.complete)

    def _check_counts(self) -> None:
        engine = self.rig.engine
        sure = [asked for asked in self.asked.values() if asked.in_flight]
        perhaps = [
            asked
            for asked in self.asked.values()
            if asked.first is not None and asked.last is None and not asked.client.over
        ]
        assert len(sure) <= engine.in_flight <= len(sure) + len(perhaps), (engine.in_flight, sure, perhaps)
        reports = engine.placements_report()
        counts = [int(str(each["in_flight"])) for each in reports.values()]
        assert min(counts) >= 0
        assert sum(counts) <= engine.in_flight
        idle = {str(each["url"]): int(str(each["idle_connections"])) for each in reports.values()}
        assert sum(idle.values()) <= MOST_IDLE, idle
        for url, count in idle.items():
            at_rest = [cell for cell in self.cells if url.endswith(f":{cell.port}") and _may_be_idle(cell)]
            assert count <= len(at_rest), f"{count} connections are idle at {url}, there are {len(at_rest)}"
        for cell in self.cells:
            known = f"http://127.0.0.1:{cell.port}" in idle
            assert known or cell.stalled or not _may_be_idle(cell), "idle connections to a cell that is gone"

    def check_end(self) -> None:
        """Everybody has left, and there was time for everything to end."""
        engine = self.rig.engine
        assert engine.in_flight == 0, engine.exchanges
        assert [wire for wire in self.rig.reactor.wires if not wire.gone] == []
        assert engine.drained().called, "a connection that is gone is still counted"
        reports = engine.placements_report().values()
        assert {(each["in_flight"], each["idle_connections"]) for each in reports} == {(0, 0)}
        never_begun = [asked for asked in self.asked.values() if asked.last is None]
        assert [asked for asked in self.asked.values() if asked.last is not None and not asked.record] == []
        told = [asked for asked in never_begun if asked.response]
        late = [asked for asked in never_begun if asked.waited_s["head"] >= _LIMITS_S["head"]]
        assert len(told) <= self._unreadable <= len(late), "half a head is logged once, if it is answered"
        heads = [each for cell in self.cells for each in _HEADS.findall(cell.socket.sent)]
        assert len(heads) == len(set(heads)), f"requests were sent twice: {heads}"


def _waited_for(asked: Asked) -> list[str]:
    """Say who keeps an exchange waiting."""
    client, cell, answer = asked.client, asked.cell, asked.answer
    if client.sent_bytes <= asked.begins:
        return []
    if asked.switched:
        return ["tunnel"]
    found = ["reading"] if client.stalled else []
    if client.sent_bytes < asked.ends:
        found.append("head" if client.sent_bytes < asked.head_ends else "rest of the request")
    if cell is None:
        found += ["dial", "answer"]
    elif answer is None or cell.sent_bytes < answer.begins + len(answer.raw) - len(answer.body):
        found.append("answer")
    elif not asked.answered and not cell.socket.incoming:
        found.append("rest of the answer")
    return found


def _may_be_idle(cell: CellActor) -> bool:
    last = cell.asked[-1] if cell.asked else None
    busy = last is not None and (last.record is None or _is_still_sent(last, cell))
    return not (busy or cell.over or cell.broken)


def _is_still_sent(asked: Asked, cell: CellActor) -> bool:
    """Tell whether a request that is answered is not all sent.

    What the router has given to its transport counts as sent, if it is so little that the transport still
    wanted more: such a connection is used again, whether the cell reads or not.
    """
    return asked.seen is not None and not asked.seen.complete and not cell.stalled
