"""Why a message is refused."""


class Refused(Exception):
    """A message breaks a rule, so it is not passed on.

    :param status: the HTTP status that says so to the client.
    :param error: an error type of RFC 9209 for ``Proxy-Status``, or None where none fits.
    :param detail: what is wrong and what would be right, for people; never repeats what a peer sent.
    """

    def __init__(self, status: int, error: str | None, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail


def bad_request(detail: str) -> Refused:
    """Make the refusal of a malformed request: 400."""
    return Refused(400, "http_request_error", detail)


def bad_response(detail: str) -> Refused:
    """Make the refusal of a malformed response: 502."""
    return Refused(502, "http_protocol_error", detail)
