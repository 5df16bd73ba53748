"""The IDs that requests get which bring none."""

from collections.abc import Callable
from os import urandom

_BATCH = 256


class RequestIds:
    """Makes random UUIDs (RFC 9562 section 5.4); randomness in batches saves a system call for each.

    :param random: gives as many random bytes as it is asked for.
    """

    __slots__ = ("_left", "_random")

    def __init__(self, random: Callable[[int], bytes] = urandom) -> None:
        self._random = random
        self._left: list[bytes] = []

    def new(self) -> bytes:
        """Make one, as 32 hexadecimal digits."""
        if not self._left:
            digits = self._random(16 * _BATCH).hex()
            self._left = [
                f"{each[:12]}4{each[13:16]}{'89ab'[int(each[16], 16) & 3]}{each[17:]}".encode("ascii")
                for each in (digits[at : at + 32] for at in range(0, len(digits), 32))
            ]
        return self._left.pop()
