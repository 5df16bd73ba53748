"""Constant load from this process: connections that ask again as soon as they are answered."""

from collections import Counter

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError

from tests.support.connections import NeverHappenedError
from tests.support.engines import Client
from tests.support.messages import Response
from tests.support.processes import until

CONNECTIONS = 32


@define
class Load:
    """Keep-alive connections to a data plane, each with one request after the other; every answer is checked.

    A connection that ends is made anew, unless the load is to end with its connections.

    :ivar answers: how many there were of each kind: ``200``, or a status with its ``Proxy-Status`` error. An
        answer that did not come, or not to its end, is ``lost``; a connection that could not be made is
        ``refused``.
    :ivar wrong: how many answers came from another cell than they say.
    :ivar stopping: whether each connection ends with the answer it waits for.

    :param port: the data plane's.
    :param key: the routing key.
    :param path: what is asked for.
    """

    port: int
    key: str = "acme"
    path: str = "/"
    answers: Counter[str] = field(factory=Counter)
    wrong: int = 0
    stopping: bool = False
    _connections: "list[Deferred[None]]" = field(factory=list)

    def start(self) -> None:
        """Begin."""
        self._connections = [Deferred.fromCoroutine(self._keep_asking()) for _ in range(CONNECTIONS)]

    async def stop(self) -> None:
        """Wait for the answers that are under way, and close every connection."""
        self.stopping = True
        await self.ended()

    async def ended(self) -> None:
        """Wait until every connection has ended."""
        await gatherResults(self._connections, consumeErrors=True)

    async def until_answered(self, count: int, kind: str = "200") -> None:
        """Wait for so many more answers.

        :param count: how many.
        :param kind: as in :attr:`answers`.
        """
        goal = self.answers[kind] + count
        await until(lambda: self.answers[kind] >= goal)

    @property
    def failed(self) -> int:
        """How many requests were not answered with 200."""
        return sum(count for kind, count in self.answers.items() if kind != "200")

    async def _keep_asking(self) -> None:
        request = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nX-Routing-Key: {self.key}\r\n\r\n".encode()
        while not self.stopping:
            try:
                client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", self.port), Client())
                await self._ask_until_closed(client, request)
            except ConnectError:
                self.answers["refused"] += 1
                return

    async def _ask_until_closed(self, client: Client, request: bytes) -> None:
        while True:
            try:
                response = await client.ask(request)
            except NeverHappenedError:
                response = None
            self._take(response)
            if response is None or self.stopping or response.value("Connection") == "close":
                client.close()
                return

    def _take(self, response: Response | None) -> None:
        if response is None or not response.complete:
            self.answers["lost"] += 1
        elif response.status == 200:
            self.answers["200"] += 1
            self.wrong += response.body.decode() != response.value("X-Routed-To")
        else:
            self.answers[f"{response.status} {response.value('Proxy-Status')}"] += 1
