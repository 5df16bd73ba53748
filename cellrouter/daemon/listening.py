"""A listening port as a service whose failures an operator can read."""

from typing import Any, cast

from twisted.application.service import Service
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.internet.tcp import Port
from twisted.logger import Logger
from twisted.python.failure import Failure

from cellrouter.daemon.certificates import UNUSABLE, reasons
from cellrouter.daemon.peers import as_text

# What the parsers of endpoint strings raise for a bad one: they convert, call and look up without further
# checks, and "ssl" reads files.
_BAD_DESCRIPTION = (ValueError, TypeError, LookupError, AttributeError, OSError, ImportError)

BACKLOG = 1024
"""How many clients may wait to be accepted, unless an endpoint says otherwise; Twisted's own 50 are soon
there when many come at once, and further ones then try again a second or more later."""


class ListenerService(Service):
    """Listen on an endpoint, and stop the program with one line when that is impossible.

    It listens in :meth:`privilegedStartService`, before twistd gives up root.

    :param reactor: listens.
    :param description: the string of a Twisted server endpoint.
    :param factory: makes the protocols.
    :param name: what the log calls the port, for example ``data port``.
    :param flag: the option that the description came from.
    :param daemon: the program's name.
    :raises SystemExit: when the description is none.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        description: str,
        factory: IProtocolFactory,
        name: str,
        flag: str,
        daemon: str = "cellrouter",
    ) -> None:
        self.listening_name = name
        self._description = description
        self._factory = factory
        self._blame = f"{daemon}: {flag}"
        self._port: IListeningPort | None = None
        try:
            self._endpoint = serverFromString(reactor, _with_backlog(description))
        except UNUSABLE as error:
            what = f"its certificate or key: {reasons(error)}"
            raise SystemExit(f"{self._blame}: {description} is not a usable endpoint: {what}") from None
        except _BAD_DESCRIPTION as error:
            raise SystemExit(
                f"{self._blame}: {description} is not a usable endpoint: {reasons(error)}"
            ) from None

    @property
    def address(self) -> IAddress | None:
        """Where it listens, or None while it does not."""
        return None if self._port is None else self._port.getHost()

    def privilegedStartService(self) -> None:
        """Listen.

        :raises SystemExit: when that is impossible, with one line that says where and why.
        """
        Service.privilegedStartService(self)
        failures: list[Failure] = []
        # Twisted's server endpoints all answer at once.
        maybeDeferred(self._endpoint.listen, self._factory).addCallbacks(self._listens, failures.append)
        if failures:
            raise SystemExit(
                f"{self._blame}: cannot listen on {self._description}: {_reason(failures[0].value)}"
            )

    def accept_few(self) -> None:
        """Accept no more than about twenty clients before anything else is done.

        Twisted accepts more at once each time that all it wanted came, and only the next time does it notice
        that it was told to pause. Begun anew at one, it wants twenty more.
        """
        if self._port is not None:
            cast(Port, self._port).numberAccepts = 1

    def pause(self) -> None:
        """Accept nobody for now: who connects waits in the kernel's queue."""
        if self._port is not None:
            # Every port of Twisted's is such a descriptor, though its interface does not say so.
            cast(FileDescriptor, self._port).stopReading()

    def resume(self) -> None:
        """Accept again."""
        if self._port is not None:
            cast(FileDescriptor, self._port).startReading()

    def stopService(self) -> "Deferred[None]":
        """Stop listening; connections that were accepted go on.

        :returns: a Deferred that fires when the port is closed.
        """
        Service.stopService(self)
        port, self._port = self._port, None
        closed = None if port is None else port.stopListening()
        return succeed(None) if closed is None else closed

    def _listens(self, port: IListeningPort) -> None:
        self._port = port
        self.accept_few()
        self.log.info(
            "{name} listening on {address}", name=self.listening_name, address=as_text(port.getHost())
        )


def _with_backlog(description: str) -> str:
    if description.partition(":")[0] in ("tcp", "ssl") and ":backlog=" not in description:
        return f"{description}:backlog={BACKLOG}"
    return description


def _reason(error: object) -> str:
    if isinstance(error, CannotListenError):
        error = error.socketError
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
