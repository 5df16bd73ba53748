"""How the tests of this folder look at refusals."""

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.http1 import Refused


def refused(
    test: SynchronousTestCase, function: Callable[..., Any], *arguments: Any
) -> tuple[int, str | None]:
    """Check that a call is refused, with words.

    :param test: fails.
    :param function: what is called with the arguments.
    :returns: the status and the error type.
    """
    refusal = test.assertRaises(Refused, function, *arguments)
    test.assertTrue(refusal.detail)
    return refusal.status, refusal.error


BAD_REQUEST = (400, "http_request_error")
TARGET_TOO_LONG = (414, "http_request_error")
HEAD_TOO_LARGE = (431, "http_request_error")
BAD_RESPONSE = (502, "http_protocol_error")
ANSWER_TOO_LARGE = (502, "http_response_header_section_size")
