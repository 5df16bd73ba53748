"""What the fuzzed bytes mean: how a stream is cut into pieces, and the stream."""

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen
from twisted.logger import LogEvent, LogLevel, globalLogPublisher

from tests.unit.proxy.rigs import Rig

_STEP_S = 50.0
_LARGE_PIECE = 255
_LARGE_PIECE_BYTES = 4096


@frozen
class Input:
    """One input.

    :param choice: a number from 0 to 15, for whoever plays the scene.
    :param pieces: the stream, as it arrives.
    """

    choice: int
    pieces: tuple[bytes, ...]

    @classmethod
    def of(cls, data: bytes) -> "Input":
        """Read an input.

        The first byte holds the choice and how many pieces are cut off; a byte for each follows, its length
        less one. The rest of the stream is the last piece.

        :param data: what the fuzzer made.
        """
        if not data:
            return cls(0, ())
        choice, cuts = divmod(data[0], 16)
        sizes, stream = data[1 : 1 + cuts], data[1 + cuts :]
        pieces: list[bytes] = []
        for size in sizes:
            length = _LARGE_PIECE_BYTES if size == _LARGE_PIECE else size + 1
            pieces.append(stream[:length])
            stream = stream[length:]
        return cls(choice, tuple(piece for piece in (*pieces, stream) if piece))


def encoded(choice: int, sizes: bytes, stream: bytes) -> bytes:
    """Write an input.

    :param choice: its number.
    :param sizes: the lengths of the pieces that are cut off, each less one.
    :param stream: what is cut.
    """
    return bytes([16 * choice + len(sizes)]) + sizes + stream


def pass_until_gone(rig: Rig, most_requests: int) -> None:
    """Let time pass until no connection is left.

    :param rig: what is waited for.
    :param most_requests: how many requests may have to wait for each other's time-outs.
    :raises AssertionError: when something is left.
    """
    for _ in range(most_requests + 12):
        if all(wire.gone for wire in rig.reactor.wires):
            break
        rig.reactor.pass_time(_STEP_S, _STEP_S)
    assert [wire for wire in rig.reactor.wires if not wire.gone] == [], "a connection is left"
    assert rig.engine.in_flight == 0, "an exchange is left"


@contextmanager
def no_errors_logged() -> Iterator[None]:
    """Fail when anything is logged as an error meanwhile."""
    errors: list[LogEvent] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical) or event.get("isError"):
            errors.append(event)

    globalLogPublisher.addObserver(observe)
    try:
        yield
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not errors, errors
