"""A cell that answers every request with its own URL: ``python cell.py [PORT]``.

It is run as a file, so it imports nothing of ours.
"""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

END_OF_HEAD = b"\r\n\r\n"


class Cell(Protocol):
    """One connection; requests have no bodies."""

    _rest = b""

    def dataReceived(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *heads, self._rest = (self._rest + data).split(END_OF_HEAD)
        self.transport.write(self.factory.answer * len(heads))


def main(port: int = 0) -> None:
    """Serve until a signal comes; the first line on standard output is the URL."""
    factory = Factory.forProtocol(Cell)
    listening = reactor.listenTCP(port, factory, interface="127.0.0.1", backlog=1024)
    url = f"http://127.0.0.1:{listening.getHost().port}"
    factory.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(url), url.encode())
    print(url, flush=True)
    reactor.run()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
