"""Arbitrary bytes from a client, and a cell that answers every request it gets.

What reaches the cell is whole requests by an independent strict parser, each for one tenant, and they are
those that this parser finds in the client's bytes. The client gets an answer to each. Nothing is left when it
has gone.
"""

from tests.fuzz.independent import SentRequests
from tests.fuzz.inputs import Input, no_errors_logged, pass_until_gone
from tests.support.messages import (
    Message,
    Request,
    RequestReader,
    Response,
    ResponseReader,
)
from tests.unit.proxy.rigs import Cell, Client, Rig

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
SHORTEST_REQUEST_BYTES = len(b"A / HTTP/1.0\r\n\r\n")
ALONE = frozenset({"x-routing-key", "host", "content-length", "transfer-encoding", "x-request-id"})
"""Fields that a cell must not get twice."""


def run(data: bytes) -> None:
    """Play it.

    :param data: the input; an odd choice is a cell that never answers.
    :raises AssertionError: when the router does what it must not.
    :raises h11.RemoteProtocolError: when what it sends is not HTTP.
    """
    scene = Input.of(data)
    with no_errors_logged():
        rig = Rig()
        client = rig.client()
        cells = _Cells(rig, answering=not scene.choice & 1)
        for piece in scene.pieces:
            if not client.wire.gone:
                client.send(piece)
                cells.serve()
        client.leave()
        pass_until_gone(rig, len(data) // SHORTEST_REQUEST_BYTES)
    cells.serve()
    for cell, reader in cells.open:
        for request in reader.requests:
            _check_request(request)
            assert request.complete or cell.end == "aborted", "half a request ended like a whole one"
    meant = SentRequests.of(b"".join(scene.pieces))
    if not any(request.target.partition("?")[0] == "/livez" for request in meant.requests):
        _check_exchanges(client, rig, cells.whole, meant)


class _Cells:
    """The cell's connections.

    :ivar open: each with what was read from it.
    :ivar whole: the requests that came wholly.
    """

    def __init__(self, rig: Rig, answering: bool) -> None:
        self._rig = rig
        self._answering = answering
        self._read_bytes: dict[Cell, int] = {}
        self.open: list[tuple[Cell, RequestReader]] = []
        self.whole: list[Request] = []

    def serve(self) -> None:
        """Accept, read, and answer every request that is whole, until nothing more comes."""
        busy = True
        while busy:
            self.open += [(self._rig.cell(), RequestReader()) for _ in self._rig.dials]
            busy = sum(self._serve(cell, reader) for cell, reader in self.open) > 0

    def _serve(self, cell: Cell, reader: RequestReader) -> bool:
        received = cell.wire.peer_socket.sent
        begin = self._read_bytes.get(cell, 0)
        if begin == len(received):
            return False
        self._read_bytes[cell] = len(received)
        answered = len([each for each in reader.requests if each.complete])
        reader.receive(bytes(received[begin:]))
        for request in reader.requests[answered:]:
            if request.complete:
                self.whole.append(request)
                if self._answering:
                    cell.send(HEAD if request.method == "HEAD" else HEAD + b"ok")
        return True


def _check_request(request: Request) -> None:
    names = [name.lower() for name, _ in request.fields]
    for name in ALONE:
        assert names.count(name) <= 1, request.fields
        assert name.replace("-", "_") not in set(names) - ALONE, request.fields
    assert request.value("Host") is not None, request.fields
    assert request.value("X-Request-ID"), request.fields
    assert not {"content-length", "transfer-encoding"} <= set(names), request.fields
    assert "," not in (request.value("X-Routing-Key") or ""), request.fields
    assert request.method not in ("CONNECT", "TRACE"), request.method
    assert request.target == "*" or request.target.startswith("/"), request.target
    assert not ALONE & {name.lower().replace("_", "-") for name, _ in request.trailers}, request.trailers


def _check_exchanges(client: Client, rig: Rig, whole: list[Request], meant: SentRequests) -> None:
    """Each exchange that is logged has its answer, in order; those that went well were sent on as meant."""
    rest, got = client.received, iter(whole)
    for number, record in enumerate(rig.records.lines):
        request = meant.requests[number] if number < len(meant.requests) else None
        if "error" not in record:
            sent_on = next(got)
            assert request is not None or meant.cut, "a strict parser finds no such request"
            if request is not None:
                assert request.complete or meant.cut, "half a request was answered"
                _compare(request, sent_on)
        if not rest:
            assert record["status"] == 499, record
            continue
        reader = ResponseReader(record["method"] or "GET")
        reader.receive(rest)
        _check_response(reader.response, request)
        assert reader.complete, f"half an answer: {rest!r}"
        assert reader.response.status == record["status"], (reader.response, record)
        rest = reader.rest
    assert not rest, f"an answer that is not logged: {rest!r}"


def _compare(sent: Request, got: Request) -> None:
    assert (sent.method, sent.body) == (got.method, got.body), (sent, got)
    if not sent.target.lower().startswith("http"):
        assert sent.target == got.target, (sent, got)


def _check_response(response: Response | None, request: Message | None) -> None:
    assert response is not None, "half the head of an answer"
    if request is not None and request.version == "1.0":
        assert not response.values("Transfer-Encoding"), response
