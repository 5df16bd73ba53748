"""What an exchange needs of the door that its request came in by."""

from zope.interface import Interface


class IDownstream(Interface):
    """The client's side of one exchange.

    A door makes an exchange, calls its ``start`` or ``refuse`` once, and tells it of more content, of a
    client that reads too slowly, and of one that is gone. The exchange answers through this interface.
    """

    def respond(
        status: int,
        reason: bytes,
        fields: bytes,
        open_ended: bool,
        content: bytes,
        last: bool,
        trailers: bytes = b"",
    ) -> None:
        """Send the head of the final response and the beginning of its body.

        :param status: the status.
        :param reason: the reason phrase.
        :param fields: the header fields, each with its CR LF; nothing in them concerns the connection.
        :param open_ended: whether there is a body whose end the fields do not tell.
        :param content: of the body.
        :param last: whether the response ends with it; then the exchange is over.
        :param trailers: fields that it ends with, each with its CR LF, where that is possible.
        """

    def send(content: bytes, last: bool, trailers: bytes = b"") -> None:
        """Send more of the body.

        :param content: of the body.
        :param last: whether the response ends with it; then the exchange is over.
        :param trailers: fields that it ends with, each with its CR LF, where that is possible.
        """

    def send_interim(status: int, reason: bytes, fields: bytes) -> None:
        """Send a 1xx response, where that is possible.

        :param status: the status.
        :param reason: the reason phrase.
        :param fields: the header fields, each with its CR LF.
        """

    def unsent() -> int:
        """Count the bytes that wait for the client to read."""

    def finish() -> None:
        """Tell the client that no more bytes follow, after a change of protocols."""

    def close() -> None:
        """End the connection, with everything sent before, after a change of protocols."""

    def abort() -> None:
        """End the connection so that no client takes it for the end of the response. The exchange is over."""

    def pause_request() -> None:
        """Give no more content for now; what is on its way already may still come."""

    def resume_request() -> None:
        """Give content again."""
