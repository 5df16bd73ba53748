"""Makes a request's head out of bytes.

The grammar is checked by one pattern, so that llhttp, which takes the head apart, has nothing to forgive.
"""

from collections.abc import Sequence

from httptools import (
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from cellrouter.http1 import grammar
from cellrouter.http1.limits import HeadLimits
from cellrouter.http1.refusal import Refused, bad_request
from cellrouter.http1.request import REFUSED_METHODS, RequestHead


def parse_request_head(head: bytes, limits: HeadLimits) -> RequestHead:
    """Parse the head of a request.

    :param head: everything up to and with the empty line.
    :param limits: of its parts; its length as a whole has been looked at.
    :returns: the head, checked and finished.
    :raises Refused: when it breaks a rule: with 400, 405, 414, 417, 431, 501 or 505.
    """
    matched = grammar.REQUEST_HEAD.fullmatch(head)
    if matched is None:
        raise _malformed(head, limits)
    method, target, major, minor = matched.groups()
    if major != b"1" or minor not in b"01":
        raise Refused(505, "http_request_error", "the router speaks HTTP/1.1 and HTTP/1.0")
    _check_sizes(target, head.count(b"\n") - 2, limits)
    request = RequestHead(method, target, minor == b"1")
    if method in REFUSED_METHODS:
        return request.finish()
    try:
        HttpRequestParser(request).feed_data(head)
    except HttpParserUpgrade:
        # llhttp says so after a whole head that asks for another protocol; finish decides.
        pass
    except HttpParserInvalidMethodError:
        raise Refused(501, "http_request_error", "the router does not know the method") from None
    except HttpParserError as error:
        raise bad_request(f"the head is malformed: {error}") from None
    return request.finish()


def take_request_head(
    method: bytes, target: bytes, minor: int, fields: Sequence[tuple[bytes, bytes]], limits: HeadLimits
) -> RequestHead:
    """Take the head of a request that another parser has read, by looser rules perhaps.

    :param method: the method.
    :param target: the request target.
    :param minor: the minor version of HTTP/1 that it is treated as.
    :param fields: names and values.
    :param limits: of its parts.
    :returns: the head, checked and finished.
    :raises Refused: when it breaks a rule: with 400, 405, 414, 417, 431 or 501.
    """
    _check_sizes(target, len(fields), limits)
    if not grammar.METHOD.fullmatch(method):
        raise bad_request("the method contains a character that must not stand there")
    request = RequestHead(method, target, minor)
    for name, value in fields:
        if not grammar.FIELD.fullmatch(name + b":" + value):
            raise bad_request("a header field contains a character that must not stand there")
        request.on_header(name, value)
    return request.finish()


def _check_sizes(target: bytes, fields: int, limits: HeadLimits) -> None:
    if len(target) > limits.target_bytes:
        raise _target_too_long(limits)
    if fields > limits.fields:
        raise Refused(431, "http_request_error", f"a request has at most {limits.fields} header fields")


def _malformed(head: bytes, limits: HeadLimits) -> Refused:
    line, _, _ = head.partition(b"\r\n")
    parts = line.split(b" ")
    if len(parts) == 3 and len(parts[1]) > limits.target_bytes:
        return _target_too_long(limits)
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/"):
        return bad_request("the first line is not a method, a target and HTTP/1.1, one blank between them")
    if not grammar.REQUEST_HEAD.fullmatch(line + b"\r\n\r\n"):
        return bad_request("the request line contains a character that must not stand there")
    return bad_request(
        "a header field is malformed: a line folded or without a colon, a blank before the colon, or a"
        " control character"
    )


def _target_too_long(limits: HeadLimits) -> Refused:
    return Refused(
        414, "http_request_error", f"the request target is longer than {limits.target_bytes} bytes"
    )
