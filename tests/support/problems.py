"""What every failure that the router answers itself has in common."""

import re

from twisted.trial.unittest import TestCase

from tests.support.messages import Response


def assert_problem(
    test: TestCase,
    response: Response,
    status: int,
    error: str | None = None,
    placement: str | None = None,
    method: str = "GET",
) -> None:
    """Check that a response is the router's own, in every respect.

    :param test: fails.
    :param response: what the client got.
    :param status: what it must be.
    :param error: the error type of its ``Proxy-Status``, if it must have one.
    :param placement: the placement it must name, if one is known.
    :param method: what was requested.
    """
    test.assertEqual((response.status, response.complete), (status, True), response)
    test.assertEqual(response.value("Content-Type"), "application/problem+json")
    if error is not None:
        proxy_status = response.value("Proxy-Status") or ""
        test.assertTrue(re.match(rf"cellrouter; error={error}(;|$)", proxy_status), proxy_status)
    request_id = response.value("X-Request-ID")
    test.assertTrue(request_id)
    if placement is not None:
        test.assertTrue(response.value("X-Routed-To"))
        test.assertEqual(response.value("X-Route-Reason"), placement)
    if method == "HEAD":
        test.assertEqual(response.body, b"")
        return
    problem = response.json()
    test.assertEqual((problem["status"], problem["request_id"]), (status, request_id))
    for member in ("type", "title", "detail"):
        test.assertIsInstance(problem[member], str)
    if placement is not None:
        test.assertEqual(problem["placement"], placement)
