"""Arbitrary bytes from a cell, in answer to a request.

What the client gets is one answer by an independent strict parser, the one that this parser finds in the
cell's bytes, or one that is broken off so that nobody can take it for whole. The next request never gets
anything of it, and goes out on the same connection only if nothing but that answer came.
"""

from tests.fuzz.independent import SentAnswer
from tests.fuzz.inputs import Input, no_errors_logged, pass_until_gone
from tests.support.messages import Response, ResponseReader
from tests.unit.proxy.rigs import Cell, Client, Rig

FOLLOW_UP = b"GET /follow-up HTTP/1.1\r\nHost: x\r\nX-Routing-Key: acme\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Follow-Up: 1\r\n\r\nfollow-up"
PATIENCE_S = 200.0
LEAVES = 8
"""The bit of the choice that lets the cell leave when it has sent everything."""


def _request(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([line, b"Host: x", b"X-Routing-Key: acme", *fields, b"", b""])


REQUESTS = (
    _request(b"GET / HTTP/1.1"),
    _request(b"HEAD / HTTP/1.1"),
    _request(b"POST / HTTP/1.1", b"Content-Length: 9") + b"half",
    _request(b"POST / HTTP/1.1", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    _request(b"GET / HTTP/1.0"),
    _request(b"GET / HTTP/1.1", b"Connection: Upgrade", b"Upgrade: echo"),
    _request(b"GET / HTTP/1.1", b"Connection: close"),
    _request(b"GET / HTTP/1.0", b"Connection: keep-alive"),
)


def run(data: bytes) -> None:
    """Play it.

    :param data: the input; the choice says which request, and whether the cell leaves at the end.
    :raises AssertionError: when the router does what it must not.
    :raises h11.RemoteProtocolError: when what it sends is not HTTP.
    """
    scene = Input.of(data)
    request = REQUESTS[scene.choice % len(REQUESTS)]
    with no_errors_logged():
        rig = Rig()
        client = rig.client(request)
        cell = rig.cell()
        for piece in scene.pieces:
            if not cell.wire.gone:
                cell.send(piece)
        if scene.choice & LEAVES:
            cell.leave()
        meant = SentAnswer.of(request.partition(b" ")[0], b"".join(scene.pieces), bool(scene.choice & LEAVES))
        _check_follow_up(rig, cell, meant)
        rig.reactor.pass_time(PATIENCE_S, PATIENCE_S / 8)
        client.leave()
        pass_until_gone(rig, 1)
    _check_client(client, request, rig, meant)


def _check_follow_up(rig: Rig, old: Cell, meant: SentAnswer) -> None:
    """Another client asks, and is answered on whatever connection that comes."""
    seen_bytes = len(old.received)
    client = rig.client(FOLLOW_UP)
    reused = not rig.dials
    clean = meant.cut or (meant.whole and not meant.rest)
    assert clean or not reused, "a connection with something left on it is used again"
    cell = old if reused else rig.cell()
    asked = cell.received[seen_bytes if reused else 0 :]
    assert asked.startswith(b"GET /follow-up HTTP/1.1\r\n"), asked
    cell.send(ANSWER)
    response = client.response()
    assert (response.status, response.value("X-Follow-Up"), response.complete) == (200, "1", True), response
    assert response.body == b"follow-up", response
    client.leave()


def _check_client(client: Client, request: bytes, rig: Rig, meant: SentAnswer) -> None:
    (record,) = [line for line in rig.records.lines if line["path"] == "/"]
    reader = ResponseReader(request.partition(b" ")[0].decode(), upgrades=b"Upgrade: " in request)
    reader.receive(client.received)
    response = reader.response
    assert response is not None, (client.received, record)
    assert response.status == record["status"], (response, record)
    _check_head(response, old_client=b" HTTP/1.0\r\n" in request)
    if reader.switched:
        return
    if client.end == "aborted":
        assert record["error"], record
    else:
        reader.receive(b"")
        assert reader.complete, "half an answer ended like a whole one"
    assert not reader.rest, f"more than one answer: {reader.rest!r}"
    if "error" not in record:
        assert meant.whole or meant.cut, "no strict parser takes this for a whole answer"
        assert (meant.status, meant.body) == (response.status, response.body), (meant, response)


def _check_head(response: Response, old_client: bool) -> None:
    assert response.value("X-Routed-To") == "http://127.0.0.1:9001", response
    assert response.value("X-Request-ID") == "id", response
    framing = response.values("Content-Length") + response.values("Transfer-Encoding")
    assert len(framing) <= 1, response
    if response.status == 204:
        assert not framing, response
    if old_client:
        assert not response.values("Transfer-Encoding") + response.informational, response
    for interim in response.informational:
        assert not interim.values("Content-Length") + interim.values("Transfer-Encoding"), interim
