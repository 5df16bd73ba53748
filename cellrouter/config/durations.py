"""Durations as people write them: ``500ms``, ``10s``, ``1m30s``, ``2h``."""

import re

from cellrouter.config.violations import quoted

_DURATION = re.compile(
    r"(?:(?P<h>[0-9]{1,9})h)?(?:(?P<m>[0-9]{1,9})m)?(?:(?P<s>[0-9]{1,9})s)?(?:(?P<ms>[0-9]{1,9})ms)?"
)
_UNIT_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_MAX_MS = 24 * _UNIT_MS["h"]


def parse_duration(text: str) -> float:
    """Read a duration: whole numbers with the units ``h``, ``m``, ``s``, ``ms``, larger units first.

    :param text: for example ``10s`` or ``1m30s``.
    :returns: seconds, more than 0 and at most 24 hours.
    :raises ValueError: with a message for people, when the text is no duration or out of that range.
    """
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{quoted(text)} is not a duration; write it like 10s, 500ms, 1m30s or 2h")
    total_ms = sum(_UNIT_MS[unit] * int(number) for unit, number in match.groupdict("0").items())
    if total_ms == 0:
        raise ValueError(f"{quoted(text)} is not a usable duration; it must be longer than zero")
    if total_ms > _MAX_MS:
        raise ValueError(f"{quoted(text)} is too long a duration; at most 24h")
    return total_ms / 1000
