"""Clients and cells do what they like, at any moment: the router keeps its promises.

A state machine plays several clients and cells against an engine in memory. Messages arrive in arbitrary
pieces; either side stalls, leaves or breaks; the config changes; time passes; the router is told to drain.
Things happen one by one, or several at once before the router has had its turn. A model (``world.py``,
``actors.py``) knows of each request which config was in force when it began, and who misbehaved. Whenever the
router has come to rest, and at the end, it checks that (``promises.py``)

* a request sees one config: the cell that got it, the answer's fields and its line in the log agree; where
  nobody misbehaved both messages arrive whole, as soon as they can (invariants 1 and 5);
* a cell gets each request at most once (8);
* the log blames only those who misbehaved (9);
* what reaches either side is HTTP to the letter, and nothing of one request reaches another's side;
* each exchange has one line in the log; whatever is counted comes back to zero; little is held for who does
  not read; the router logs no error.

The same examples run each time. With ``CELLROUTER_STATE_MACHINE_EXAMPLES=20000`` in the environment it is so
many others, drawn at random, and those that fail are kept and tried first the next time.
"""

import os
import sys
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import NoRouteError
from twisted.trial.unittest import SynchronousTestCase

from tests.unit.proxy.actors import Actor, Asked, Blame, CellActor, ClientActor
from tests.unit.proxy.scripts import (
    ANSWERS,
    EXTRA,
    PLAIN_REQUESTS,
    REQUESTS,
    SIZES,
    AnswerScript,
    Fault,
    RequestScript,
    configs,
)
from tests.unit.proxy.world import MOST_IDLE, World

EXAMPLES = os.environ.get("CELLROUTER_STATE_MACHINE_EXAMPLES")
MOST_CLIENTS = 4
MOST_ASKED = 25

PICKS = st.integers(0, 11)
PIECES = st.sampled_from([None, None, 1, 7, 60, 1000, 70_000, 300_000, -1, -1])
"""How much of what waits to be sent is sent: so many bytes, all, or all but the last byte."""
ROOMS = st.sampled_from([0, 0, 1, 100, 70_000])
TIMES = st.sampled_from([0.3] * 8 + [1.2] * 4 + [4.5, 11.0, 31.0, 80.0])
AT_ONCE = st.booleans()
"""Whether the router has its turn before anything else happens."""


class Machine(RuleBasedStateMachine):
    """What may happen."""

    world: World

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """Start a router, with a client."""
        self.data = data
        self.world = World(data.draw(configs(0)))
        self.world.connect()

    def pick(self, what: list[Any], which: int) -> Any:
        """Choose."""
        return what[which % len(what)]

    def done(self, at_once: bool) -> None:
        """Give the router its turn, if it is to have it now."""
        if at_once:
            self.world.settle()

    def clients(self) -> list[ClientActor]:
        """Give the clients that may ask."""
        return [each for each in self.world.clients if each.may_ask]

    def everybody(self) -> list[Actor]:
        """Give both sides' connections."""
        return [*self.world.clients, *self.world.cells]

    def senders(self) -> list[Actor]:
        """Give those that want to send something."""
        return [each for each in self.everybody() if each.outgoing and not each.silent]

    def open(self) -> list[Actor]:
        """Give the connections on which something can be sent."""
        return [each for each in self.everybody() if not each.silent]

    def awaited(self) -> list[CellActor]:
        """Give the cells that have a request to answer."""
        return [each for each in self.world.cells if each.waits_for_answer]

    @precondition(lambda self: len(self.world.asked) < MOST_ASKED)
    @rule(which=PICKS, script=REQUESTS, piece=PIECES, at_once=AT_ONCE)
    def ask(self, which: int, script: RequestScript, piece: int | None, at_once: bool) -> None:
        """A client, new or not, wants to send a request, and begins to."""
        clients = self.clients()
        if (len(clients) < MOST_CLIENTS and which % 3 == 0) or not clients:
            clients = [self.world.connect()]
        client = self.pick(clients, which)
        self.world.ask(client, script)
        client.push(piece)
        self.done(at_once)

    @precondition(lambda self: self.senders())
    @rule(which=PICKS, piece=PIECES, at_once=AT_ONCE)
    def go_on(self, which: int, piece: int | None, at_once: bool) -> None:
        """A side sends more."""
        self.pick(self.senders(), which).push(piece)
        self.done(at_once)

    @precondition(lambda self: self.world.rig.dials)
    @rule(which=PICKS, room=st.sampled_from([None, None, None, 0, 50, 5000]))
    def accept(self, which: int, room: int | None) -> None:
        """A cell accepts a connection."""
        self.world.accept(which % len(self.world.rig.dials), room)
        self.world.settle()

    @precondition(lambda self: self.awaited() or self.world.rig.dials)
    @rule(which=PICKS, script=ANSWERS, piece=PIECES, at_once=AT_ONCE)
    def answer(self, which: int, script: AnswerScript, piece: int | None, at_once: bool) -> None:
        """A cell, which may first have to accept the connection, wants to answer, and begins to."""
        if not self.awaited():
            self.world.accept(which % len(self.world.rig.dials))
            self.world.settle()
        if not self.awaited():
            return
        cell = self.pick(self.awaited(), which)
        self.world.answer(cell, fitting(script, cell.asked[-1]))
        cell.push(None if script.extra else piece)
        self.done(at_once)

    @precondition(lambda self: self.clients() and len(self.world.asked) < MOST_ASKED)
    @rule(
        which=PICKS,
        script=PLAIN_REQUESTS,
        piece=st.sampled_from([None, None, None, -1]),
        size=SIZES,
        room=st.sampled_from([None, None, None, 0, 1000]),
        unasked=st.sampled_from([None, None, None, 0, 1]),
    )
    def exchange(
        self,
        which: int,
        script: RequestScript,
        piece: int | None,
        size: int,
        room: int | None,
        unasked: int | None,
    ) -> None:
        """A client asks something plain, perhaps while a cell speaks unasked, and is answered."""
        client = self.pick(self.clients(), which)
        client.socket.room = room
        asked = self.world.ask(client, script)
        client.push(piece)
        if unasked is not None:
            self.send_unasked(which, unasked)
        self.world.settle()
        if self.world.rig.dials and not asked.seen:
            self.world.accept(-1)
            self.world.settle()
        if asked.cell is not None and asked.cell.waits_for_answer:
            self.world.answer(asked.cell, AnswerScript(size=size))
            asked.cell.push(None)
            self.world.settle()

    @precondition(lambda self: any(each.tunnel for each in self.world.clients))
    @rule(
        which=PICKS, size=st.sampled_from([1, 100, 70_000, 500_000]), by_cell=st.booleans(), at_once=AT_ONCE
    )
    def send_through_tunnel(self, which: int, size: int, by_cell: bool, at_once: bool) -> None:
        """A side of a tunnel sends what it likes."""
        client = self.pick([each for each in self.world.clients if each.tunnel], which)
        sender = client.tunnel.cell if by_cell else client
        if not sender.silent:
            sender.outgoing += b"t" * size
            sender.push(size)
        self.done(at_once)

    @precondition(lambda self: any(each.stalled for each in self.everybody()))
    @rule(which=PICKS, room=st.sampled_from([None, None, 1, 70_000]))
    def read_on(self, which: int, room: int | None) -> None:
        """A side reads again."""
        self.pick([each for each in self.everybody() if each.stalled], which).socket.room = room
        self.world.settle()

    @precondition(lambda self: self.open())
    @rule(
        which=PICKS,
        how=st.sampled_from(["stall", "stall", "leave", "reset", "refuse", "unasked"]),
        room=ROOMS,
        at_once=AT_ONCE,
    )
    def disturb(self, which: int, how: str, room: int, at_once: bool) -> None:
        """A side does what is no part of an exchange that goes well."""
        actor = self.pick(self.open(), which)
        if how == "stall":
            actor.socket.room = room
        elif how == "leave":
            self.world.end_sending(actor)
        elif how == "reset":
            self.world.reset(actor)
        elif how == "refuse":
            self.refuse(which)
        else:
            self.send_unasked(which, room)
        self.done(at_once)

    def refuse(self, which: int) -> None:
        """Let a cell, or the network, refuse a connection."""
        dials = self.world.rig.dials
        if dials:
            self.world.refuse(which % len(dials), (Refused, NoRouteError)[which % 2]())

    def send_unasked(self, which: int, size: int) -> None:
        """Let a cell send something that has nothing to answer."""
        cells = [
            each for each in self.world.cells if not each.current and not each.silent and not each.stalled
        ]
        if cells:
            cell = self.pick(cells, which)
            cell.poisoned = True
            cell.outgoing += EXTRA if size else b"\r\n"
            cell.push(None)

    @rule(seconds=TIMES)
    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self.world.pass_time(seconds)

    @rule(data=st.data(), at_once=AT_ONCE)
    def change_config(self, data: st.DataObject, at_once: bool) -> None:
        """The config changes: placements move, come and go."""
        self.world.install(data.draw(configs(len(self.world.configs))))
        self.done(at_once)

    @rule(which=st.integers(0, 49), at_once=AT_ONCE)
    def end_router(self, which: int, at_once: bool) -> None:
        """The router is told to end, and then that its time is over; mostly it is not."""
        if which == 48:
            self.world.rig.engine.begin_drain()
        elif which == 49:
            for asked in self.world.asked.values():
                if asked.record is None or asked.response is None or not asked.response.complete:
                    asked.excuses.add(Blame.ROUTER)
            self.world.rig.engine.abort_all()
        self.done(at_once)

    def teardown(self) -> None:
        """Let everything end, and look at what is left."""
        if not hasattr(self, "world"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.finish()
        finally:
            self.world.end()

    def finish(self) -> None:
        """Let everybody do what is still to be done, then leave."""
        self.world.settle()
        for _ in range(4 * MOST_ASKED):
            if not self.finish_some():
                break
        for asked in self.world.asked.values():
            assert asked.record or asked.last is None, f"request {asked.number} has not ended"
        for actor in self.open():
            self.world.end_sending(actor)
        self.world.pass_time(400)
        self.world.check_end()
        self.try_pool()
        self.world.pass_time(400)
        self.world.check_end()
        self.world.rig.engine.stop()
        assert self.world.rig.reactor.getDelayedCalls() == []

    def finish_some(self) -> bool:
        """Let everybody do something; tell whether there was anything to do."""
        world = self.world
        for actor in self.everybody():
            actor.socket.room = None
        world.settle()
        while world.rig.dials:
            world.accept(0)
        busy: list[Actor] = [*self.senders(), *self.awaited()]
        for actor in self.senders():
            actor.push(None)
            world.settle()
        for cell in self.awaited():
            world.answer(cell, AnswerScript())
        for actor in self.enders():
            world.end_sending(actor)
            busy.append(actor)
        world.settle()
        return bool(busy)

    def enders(self) -> list[Actor]:
        """Give those that must leave: nothing else ends what they are busy with."""
        return [each for each in self.open() if not each.outgoing and each.ends_by_leaving]

    def try_pool(self) -> None:
        """Prove that after all this as many connections are kept as may be, and that they are used."""
        world = self.world
        before = len(world.cells)
        for _ in range(MOST_IDLE + 1):
            world.ask(world.connect(), RequestScript()).client.push(None)
            world.settle()
        assert len(world.rig.dials) == MOST_IDLE + 1
        self.finish_some()
        self.finish_some()
        kept = [each for each in world.cells[before:] if not each.over]
        assert len(kept) == MOST_IDLE, f"{len(kept)} connections were kept"
        last = world.ask(world.connect(), RequestScript())
        last.client.push(None)
        self.finish_some()
        assert last.cell in kept, "a connection that was kept is not used"


def fitting(script: AnswerScript, asked: Asked) -> AnswerScript:
    """Change an answer that would mean something else as the answer to this request."""
    fault = script.fault
    if script.switches and not asked.script.upgrades:
        return AnswerScript(fault=Fault.UNASKED_SWITCH)
    misread = asked.script.upgrades and fault is Fault.UNASKED_SWITCH
    if misread or (asked.script.method == "HEAD" and fault is Fault.BAD_CHUNK):
        return AnswerScript(fault=Fault.NOT_HTTP)
    return script


class StateMachineTests(SynchronousTestCase):
    """The machine, with arbitrary steps."""

    def test_the_router_keeps_its_promises_whatever_clients_and_cells_do(self) -> None:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=int(EXAMPLES or 150),
                stateful_step_count=60,
                derandomize=EXAMPLES is None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
                report_multiple_bugs=False,
                **({} if EXAMPLES else {"database": None}),
            ),
        )
