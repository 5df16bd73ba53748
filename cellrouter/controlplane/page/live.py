"""Keeps the pages that are open live: draws what has changed once for all of them."""

import json
from collections.abc import Awaitable, Callable

from twisted.application.service import Service
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from cellrouter import __version__
from cellrouter.controlplane.page.documents import Documents
from cellrouter.controlplane.page.events import Listener, Rendering, encode_event
from cellrouter.controlplane.page.sections import SECTIONS, html_of, whole_page
from cellrouter.daemon.times import utc_timestamp

INTERVAL_S = 0.5
FIGURES_TICKS = 10
"""How often mere figures are drawn anew; they change all the time."""

CLOCK_TICKS = 30
"""How often the time is told, which keeps connections open and shows browsers that they still are."""

MAX_BUSY = 0.1
"""How much of the control plane's time may go into looking and drawing, however large the fleet is."""

MAX_LISTENERS = 100


class Live(Service):
    """Draw the page for those who ask, and send those who listen what has changed.

    Nothing is looked at while nobody listens.

    :param gather: finds out how everything is.
    :param clock: drives it.
    """

    log = Logger()

    def __init__(self, gather: Callable[[], Awaitable[Documents]], clock: IReactorTime) -> None:
        self._gather = gather
        self._clock = clock
        self._listeners: dict[Listener, None] = {}
        self._renderings: dict[str, Rendering] = {}
        self._tick = 0
        self._rests = 0
        self._page = b""
        self._page_at = 0.0
        self._page_lasts_s = INTERVAL_S
        self._page_lock = DeferredLock()
        self._loop: LoopingCall | None = None

    @property
    def has_room(self) -> bool:
        """Whether one more may listen."""
        return bool(self.running) and len(self._listeners) < MAX_LISTENERS

    async def page(self) -> bytes:
        """Give the page as it is, or was half a second ago; longer ago when it takes long to draw."""
        async with self._page_lock:
            began = self._clock.seconds()
            if not self._page or not 0 <= began - self._page_at < self._page_lasts_s:
                self._page = await whole_page(await self._gather())
                self._page_at = self._clock.seconds()
                self._page_lasts_s = max(INTERVAL_S, _spent_s(began, self._page_at) / MAX_BUSY)
        return self._page

    def join(self, request: Request) -> None:
        """Answer a request with what happens from now on; there has to be room.

        :param request: it, with its head set.
        """
        listener = Listener(request, self._clock, self._refill, self._left)
        self._listeners[listener] = None
        listener.begin()
        listener.tell(self._time())
        if self._loop is None:
            self._loop = LoopingCall(self._turn)
            self._loop.clock = self._clock
            self._loop.start(INTERVAL_S).addErrback(self._failed)
        else:
            listener.offer(self._renderings)

    def stopService(self) -> None:
        """End all streams."""
        Service.stopService(self)
        self._end_all()

    async def _turn(self) -> None:
        self._tick += 1
        if self._rests:
            self._rests -= 1
        else:
            began = self._clock.seconds()
            await self._look()
            # By a count: the clock may be set.
            self._rests = int(_spent_s(began, self._clock.seconds()) / (INTERVAL_S * MAX_BUSY))
        if self._tick % CLOCK_TICKS == 0:
            for listener in list(self._listeners):
                listener.tell(self._time())

    async def _look(self) -> None:
        """Draw what has changed, once for all."""
        documents = await self._gather()
        if not self._listeners:
            # They left meanwhile, and what is drawn now would be old for the next one.
            return
        for section in SECTIONS:
            last = self._renderings.get(section.name)
            facts, mark = section.facts(documents), section.mark(documents)
            rested = last is None or self._tick - last.tick >= FIGURES_TICKS
            if last is not None and facts == last.facts and (mark == last.mark or not rested):
                continue
            html = await html_of(section.tag(documents))
            event = encode_event("section", html.decode())
            self._renderings[section.name] = Rendering(facts, mark, event, self._tick)
        for listener in list(self._listeners):
            listener.offer(self._renderings)

    def _refill(self, listener: Listener) -> None:
        listener.offer(self._renderings)

    def _left(self, listener: Listener) -> None:
        del self._listeners[listener]
        if not self._listeners:
            self._halt()

    def _halt(self) -> None:
        loop, self._loop, self._renderings, self._rests = self._loop, None, {}, 0
        if loop is not None and loop.running:
            loop.stop()

    def _time(self) -> bytes:
        told = {"now": utc_timestamp(self._clock.seconds()), "release": __version__}
        return encode_event("clock", json.dumps(told))

    def _failed(self, failure: Failure) -> None:
        self.log.failure("keeping the status page live failed", failure)
        self._halt()
        self._end_all()

    def _end_all(self) -> None:
        for listener in list(self._listeners):
            listener.end()


def _spent_s(began: float, now: float) -> float:
    """Say how long something took; what waits for a disk may take longer than it is to count for."""
    return min(max(0.0, now - began), INTERVAL_S)
