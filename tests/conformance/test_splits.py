"""However the network cuts a message, it means the same."""

import random

from attrs import frozen

from tests.support.cells import CellConnection
from tests.support.connections import turns
from tests.support.engines import LEAN, RESOURCE, Client, ProxyTestCase
from tests.support.messages import Message, Request

LENGTH = (
    b"POST /a?b=c HTTP/1.1\r\nHost: x.test:80\r\nX-Request-ID: one\r\nX-Routing-Key: acme\r\n"
    b"Content-Length: 12\r\nX-Last: \xff\r\n\r\nhello\r\n\r\nyou"
)
CHUNKED = (
    b"PUT / HTTP/1.1\r\nHost: x\r\nX-Request-ID: one\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;a=b\r\nhello\r\n0d\r\n\r\n0\r\n\r\nworld\n\r\n0\r\nA: b\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"HTTP/1.1 200 Fine\r\nX-Odd: \xff\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;a=b\r\nhello\r\n07\r\n\r\n0\r\n\r\n\r\n0\r\nA: b\r\n\r\n"
)
RANDOM_SPLITS = 20


@frozen
class Meaning:
    """What a message says, however its body was cut into chunks."""

    fields: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool

    @classmethod
    def of(cls, message: Message) -> "Meaning":
        """Take it from a message, without what changes from one to the next."""
        fields = ((name, value) for name, value in message.fields if name != "Date")
        return cls(tuple(fields), bytes(message.body), message.complete)


def splits(raw: bytes, step: int = 1) -> list[list[bytes]]:
    """Cut a message in two at every place, into single bytes, and at random places, the same in each run."""
    dice = random.Random(raw)
    cuts = [[at] for at in range(1, len(raw), step)]
    cuts.append(list(range(1, len(raw))))
    cuts += [sorted(dice.sample(range(1, len(raw)), dice.randint(2, 9))) for _ in range(RANDOM_SPLITS)]
    return [[raw[a:b] for a, b in zip([0, *cut], [*cut, len(raw)], strict=True)] for cut in cuts]


async def send(connection: Client | CellConnection, parts: list[bytes]) -> None:
    """Send parts so that they arrive by themselves."""
    for part in parts:
        connection.write(part)
        await turns()


class SplitTests(ProxyTestCase):
    """The other side gets the same as for the message in one piece."""

    door = LEAN

    async def compare(self, raw: bytes, body: bytes) -> None:
        """Send a request in one piece, then in all others, on one connection."""
        cell = self.cell()
        client = await self.proxy(cell).client()
        meanings: list[tuple[Meaning, Meaning]] = []
        for parts in [[raw], *splits(raw)]:
            await send(client, parts)
            response = await client.response()
            meanings.append((Meaning.of(cell.requests[-1]), Meaning.of(response)))
            self.assertEqual(meanings[-1], meanings[0], parts)
        self.assertEqual((meanings[0][0].body, len(cell.requests)), (body, len(meanings)))

    async def test_requests_of_a_length(self) -> None:
        await self.compare(LENGTH, b"hello\r\n\r\nyou")

    async def test_chunked_requests(self) -> None:
        await self.compare(CHUNKED, b"hello\r\n0\r\n\r\nworld\n")

    async def test_answers(self) -> None:
        cell = self.cell()
        client = await self.proxy(cell).client()
        meanings: list[Meaning] = []
        for parts in [[ANSWER], *splits(ANSWER)]:

            async def in_parts(connection: CellConnection, request: Request, parts=parts) -> None:
                await send(connection, parts)

            cell.script = in_parts
            response = await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: one\r\n\r\n")
            meanings.append(Meaning.of(response))
            self.assertEqual(meanings[-1], meanings[0], parts)
        self.assertEqual(meanings[0].body, b"hello\r\n0\r\n\r\n")


class ResourceSplitTests(SplitTests):
    """At the door behind twisted.web."""

    door = RESOURCE
