"""What the router promises of one exchange: each side sees what the other meant; the guilty are blamed."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.messages import Response
from tests.unit.proxy.actors import Answer, Asked, Blame, CellActor, ClientActor
from tests.unit.proxy.scripts import Config, Framing

MOST_HELD_BYTES = (256 + 64) * 1024 + 8192
"""What may be held for one exchange, what one read brings, and what rewriting adds."""

CLIENT_ERRORS = frozenset({"client_closed_request", "client_read_timeout", "Request Timeout"})
CELL_ERRORS = frozenset(
    {
        "connection_refused",
        "connection_terminated",
        "connection_timeout",
        "connection_read_timeout",
        "connection_write_timeout",
        "destination_ip_unroutable",
        "http_protocol_error",
        "http_response_incomplete",
        "http_response_timeout",
    }
)

_TRAILERS = [("X-Trailer", "t")]


def check(asked: Asked, configs: Sequence[Config]) -> None:
    """Check what is known of an exchange so far.

    :param asked: the request.
    :param configs: those that it may have begun with; one, unless it had to wait for its client to read.
    """
    if asked.record is not None:
        configs = [each for each in configs if each.version == asked.record["config_version"]]
        assert configs, f"request {asked.number} is logged with {asked.record['config_version']}"
        _check_record(asked, asked.record, configs[0])
    if asked.cell is not None:
        _check_seen(asked, configs)
    if asked.response is not None:
        _check_response(asked, asked.response, configs)
    if not asked.excuses:
        _check_progress(asked)


def may_go_to(asked: Asked, configs: Sequence[Config], port: int) -> bool:
    """Tell whether a request may be sent to a cell.

    :param asked: the request.
    :param configs: those that it may have begun with.
    :param port: the cell's.
    """
    placements = [(config, config.placement(asked.script.key)) for config in configs]
    return any(placement is not None and config.ports[placement] == port for config, placement in placements)


def _check_seen(asked: Asked, configs: Sequence[Config]) -> None:
    """The cell gets what the client sent, and is the one that the config says."""
    seen, cell, script = asked.seen, asked.cell, asked.script
    assert seen is not None
    assert cell is not None
    assert may_go_to(asked, configs, cell.port), f"request {asked.number} is at port {cell.port}"
    assert (seen.method, seen.value("X-Request-ID")) == (script.method, f"q{asked.number}")
    assert (seen.value("X-Routing-Key"), seen.value("Host")) == (script.key, "x")
    assert seen.value("X-Forwarded-For") == "192.0.2.7"
    body = script.body(asked.number)
    assert body.startswith(seen.body), f"request {asked.number} has another's body"
    if seen.complete:
        chunked = script.framing is Framing.CHUNKED
        assert seen.body == body, f"the body of request {asked.number} was cut"
        assert seen.trailers == (_TRAILERS if chunked and script.trailer else [])


def _check_record(asked: Asked, record: Mapping[str, Any], config: Config) -> None:
    """The log says what happened, by one config, and blames nobody else for it."""
    script, error = asked.script, record.get("error")
    assert (record["config_revision"], record["routing_key"]) == (config.number, script.key)
    assert (record["method"], record["request_id"]) == (script.method, f"q{asked.number}")
    placement = config.placement(script.key)
    if placement is None:
        assert (record["status"], error, asked.seen) == (400, "http_request_error", None), record
        return
    expected = (placement, config.url(placement), config.match(script.key))
    assert (record["placement"], record["upstream"], record["match"]) == expected, record
    if error is None:
        assert asked.answered, f"request {asked.number} is logged as answered"
        assert asked.answer is not None
        assert record["status"] == (101 if asked.switched else asked.answer.script.status), record
    elif error in CLIENT_ERRORS:
        assert Blame.CLIENT in asked.excuses, record
    elif error in CELL_ERRORS:
        assert Blame.CELL in asked.excuses, record
    elif error == "tunnel_idle_timeout":
        assert asked.excuses >= {Blame.CLIENT, Blame.CELL}, record
    else:
        assert (error, Blame.ROUTER in asked.excuses) == ("drain_timeout", True), record


def _check_response(asked: Asked, response: Response, configs: Sequence[Config]) -> None:
    """The client gets the answer to its request, told where it went, or the router's own answer."""
    assert response.value("X-Request-ID") == f"q{asked.number}"
    told = [response.value(name) for name in ("X-Routed-To", "X-Route-Reason", "X-Route-Match")]
    assert told in [_explanation(asked, config) for config in configs], told
    if response.value("Proxy-Status") or response.status == 408:
        assert asked.record is not None
        assert (asked.record["status"], "error" in asked.record) == (response.status, True)
        return
    answer, script = asked.answer, asked.script
    assert answer is not None, f"request {asked.number} is answered by nobody"
    if answer.script.fault is not None:
        assert not response.complete, "a broken answer looks like a whole one"
        return
    assert response.value("X-Mark") == f"r{asked.number}", "the answer to another request"
    assert response.status == (101 if answer.script.switches else answer.script.status)
    interims = answer.script.interims if script.minor else ()
    assert tuple(each.status for each in response.informational) == interims
    assert answer.body.startswith(response.body), "the body of another answer"
    if response.complete:
        chunked = answer.script.framing is Framing.CHUNKED and answer.script.has_body(script.method)
        assert response.body == answer.body, f"the answer to request {asked.number} was cut"
        assert response.trailers == (_TRAILERS if chunked and answer.script.trailer and script.minor else [])


def _explanation(asked: Asked, config: Config) -> list[str | None]:
    placement = config.placement(asked.script.key)
    if placement is None:
        return [None, None, None]
    return [config.url(placement), placement, config.match(asked.script.key)]


def _check_progress(asked: Asked) -> None:
    """Whatever can go on has gone on: nothing waits in the router without a reason."""
    client, cell, answer = asked.client, asked.cell, asked.answer
    if cell is None:
        return
    if not cell.stalled and not asked.answered and not client.over:
        assert client.consumed_bytes >= min(client.sent_bytes, asked.ends), "the request is not read"
        if asked.script.framing is Framing.LENGTH and asked.seen is not None:
            sent = min(client.sent_bytes, asked.ends) - asked.head_ends
            assert len(asked.seen.body) == sent, f"the body of request {asked.number} is held back"
    if answer is not None and not client.stalled:
        _check_answer(asked, cell, answer)


def _check_answer(asked: Asked, cell: CellActor, answer: Answer) -> None:
    if asked.switched:
        _check_tunnel(asked, cell, answer)
    elif asked.answered:
        assert asked.record is not None, f"the end of request {asked.number} was not noticed"
        assert asked.response is not None, f"no answer to request {asked.number}"
        assert asked.response.complete, f"not all of the answer to {asked.number}"
    if asked is cell.asked[-1] and not cell.over:
        assert not cell.socket.incoming, "the answer is not read"
    if asked.response is not None and answer.script.framing is not Framing.CHUNKED and not asked.switched:
        sent = cell.consumed_bytes - answer.begins - (len(answer.raw) - len(answer.body))
        assert len(asked.response.body) >= min(sent, len(answer.body)), "the answer is held back"


def _check_tunnel(asked: Asked, cell: CellActor, answer: Answer) -> None:
    client = asked.client
    if cell.stalled:
        return
    assert len(cell.tunnelled) == client.consumed_bytes - asked.ends, "the tunnel holds bytes back"
    sent = cell.consumed_bytes - answer.begins - len(answer.raw)
    assert len(client.tunnelled) == sent, "the tunnel holds bytes back"
    assert asked.record is not None or not asked.answered, "the end of a tunnel was not noticed"


def check_held(client: ClientActor) -> None:
    """However slowly a side reads, little is held for it."""
    if client.over or client.last_answer or any(asked.excuses for asked in client.asked):
        return
    waiting = [asked for asked in client.asked if asked.record is None]
    if waiting and not _reads_on_too_early(client):
        held_bytes = client.consumed_bytes - waiting[0].begins - _seen_bytes(waiting[0])
        assert held_bytes <= MOST_HELD_BYTES, f"{held_bytes} bytes of requests are held"
    held_bytes = sum(map(_produced_bytes, client.asked)) - client.taken_bytes
    assert held_bytes <= MOST_HELD_BYTES, f"{held_bytes} bytes of answers are held"


def _reads_on_too_early(client: ClientActor) -> bool:
    """Excuse what is read ahead of requests with bodies.

    The router reads on when it begins with one, even if the body has come already, and so holds what one read
    brings more for each such request that is answered. To be removed when that is mended.
    """
    return sum(asked.script.size > 0 for asked in client.asked) > 1


def _seen_bytes(asked: Asked) -> int:
    if asked.seen is None or asked.cell is None:
        return 0
    return len(asked.seen.raw) + len(asked.cell.tunnelled)


def _produced_bytes(asked: Asked) -> int:
    """Count what the router has read of an answer."""
    answer, cell = asked.answer, asked.cell
    if answer is None or cell is None:
        return 0
    read = cell.consumed_bytes - answer.begins
    return read if asked.switched else min(read, len(answer.raw))
