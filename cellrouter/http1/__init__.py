"""HTTP/1.1 for an intermediary, without input or output: what a message means and where it ends."""

from cellrouter.http1.body import BodyReader, ChunkedReader, LengthReader, framed
from cellrouter.http1.buffer import RequestBuffer, ResponseBuffer
from cellrouter.http1.fields import tokens
from cellrouter.http1.forwarding import Peer, explanation, request_to_cell, response_to_client
from cellrouter.http1.limits import MAX_INTERIM_RESPONSES, HeadLimits
from cellrouter.http1.problem import phrase, problem
from cellrouter.http1.refusal import Refused, bad_request, bad_response
from cellrouter.http1.request import RequestHead
from cellrouter.http1.request_parser import parse_request_head, take_request_head
from cellrouter.http1.response import ResponseHead, parse_response_head

__all__ = [
    "MAX_INTERIM_RESPONSES",
    "BodyReader",
    "ChunkedReader",
    "HeadLimits",
    "LengthReader",
    "Peer",
    "Refused",
    "RequestBuffer",
    "RequestHead",
    "ResponseBuffer",
    "ResponseHead",
    "bad_request",
    "bad_response",
    "explanation",
    "framed",
    "parse_request_head",
    "parse_response_head",
    "phrase",
    "problem",
    "request_to_cell",
    "response_to_client",
    "take_request_head",
    "tokens",
]
