"""Makes a request's head out of bytes."""

from collections.abc import Sequence

from cellrouter.http1 import grammar
from cellrouter.http1.limits import HeadLimits
from cellrouter.http1.refusal import Refused, bad_request
from cellrouter.http1.request import RequestHead


def parse_request_head(head: bytes, limits: HeadLimits) -> RequestHead:
    """Parse the head of a request.

    :param head: everything up to and with the empty line.
    :param limits: of its parts; its length as a whole has been looked at.
    :returns: the head, checked and finished.
    :raises Refused: when it breaks a rule: with 400, 405, 414, 417, 431 or 505.
    """
    lines = head[:-4].split(b"\r\n")
    return _take_lines(lines.pop(0), lines, limits)


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
    :raises Refused: when it breaks a rule: with 400, 405, 414, 417 or 431.
    """
    if any(b":" in name for name, _ in fields):
        raise bad_request("the name of a header field contains a colon")
    line = b"%b %b HTTP/1.%d" % (method, target, minor)
    return _take_lines(line, [name + b":" + value for name, value in fields], limits)


def _take_lines(line: bytes, lines: Sequence[bytes], limits: HeadLimits) -> RequestHead:
    matched = grammar.REQUEST_LINE.fullmatch(line)
    if matched is None:
        raise _malformed(line, limits)
    method, origin_form, other_form, version = matched.groups()
    minor = grammar.MINOR_VERSIONS.get(version)
    if minor is None:
        raise Refused(505, "http_request_error", "the router speaks HTTP/1.1 and HTTP/1.0")
    target = origin_form or other_form
    if len(target) > limits.target_bytes:
        raise _target_too_long(limits)
    if len(lines) > limits.fields:
        raise Refused(431, "http_request_error", f"a request has at most {limits.fields} header fields")
    request = RequestHead(method, target, minor, origin_form is not None)
    request.take(lines)
    return request.finish()


def _malformed(line: bytes, limits: HeadLimits) -> Refused:
    parts = line.split(b" ")
    if len(parts) == 3 and len(parts[1]) > limits.target_bytes:
        return _target_too_long(limits)
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/"):
        return bad_request("the first line is not a method, a target and HTTP/1.1, one blank between them")
    return bad_request("the request line contains a character that must not stand there")


def _target_too_long(limits: HeadLimits) -> Refused:
    return Refused(
        414, "http_request_error", f"the request target is longer than {limits.target_bytes} bytes"
    )
