"""The answers that the router gives itself (RFC 9457, RFC 9209)."""

import json
from http import HTTPStatus

from cellrouter.http1.refusal import Refused

_ALLOW = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"


def problem(
    refused: Refused, request_id: bytes, placement: str | None, explanation: bytes
) -> tuple[bytes, bytes]:
    """Write an answer.

    :param refused: says why.
    :param request_id: the request's ID.
    :param placement: where the request was to go, if that is known.
    :param explanation: the fields that say why it was to go there, each with its CR LF; empty if that is not
        known.
    :returns: the answer's fields, each with its CR LF, and its body.
    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": phrase(refused.status),
        "status": refused.status,
        "detail": refused.detail,
        "request_id": request_id.decode("ascii"),
    }
    if placement is not None:
        document["placement"] = placement
    body = json.dumps(document).encode() + b"\n"
    fields = [b"Content-Type: application/problem+json\r\nContent-Length: %d\r\n" % len(body)]
    if refused.error is not None:
        fields.append(b"Proxy-Status: cellrouter; error=%b\r\n" % refused.error.encode("ascii"))
    if refused.status == HTTPStatus.METHOD_NOT_ALLOWED:
        fields.append(_ALLOW)
    return b"".join([*fields, explanation, b"X-Request-ID: ", request_id, b"\r\n"]), body


def phrase(status: int) -> str:
    """Give the reason phrase of a status (RFC 9110 section 15)."""
    return HTTPStatus(status).phrase
