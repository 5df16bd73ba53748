"""Numbers and times as the status page writes them. ``status.js`` writes ages in the same way."""

from datetime import datetime

SHOWN_HASH_CHARS = len("sha256:") + 12

_UNITS = ((60.0, 1.0, "s"), (3600.0, 60.0, "min"), (172_800.0, 3600.0, "h"))


def age(seconds: float) -> str:
    """Say how long ago something was: ``3 s ago``, ``5 min ago``, ``2 h ago``, ``4 d ago``."""
    for limit, unit_s, name in _UNITS:
        if seconds < limit:
            return f"{max(0.0, seconds) // unit_s:.0f} {name} ago"
    return f"{seconds // 86_400:.0f} d ago"


def age_of(timestamp: str, now: float) -> str:
    """Say how long ago a time was.

    :param timestamp: RFC 3339.
    :param now: in seconds since the epoch.
    """
    return age(now - datetime.fromisoformat(timestamp).timestamp())


def utc(timestamp: str) -> str:
    """Write a time for people: ``2026-11-24 15:35:51 UTC``."""
    return f"{timestamp[:10]} {timestamp[11:19]} UTC"


def short(hash_: str | None) -> str:
    """Shorten a hash."""
    return "-" if hash_ is None else hash_[:SHOWN_HASH_CHARS]


def count(number: int, noun: str) -> str:
    """Count: ``1 data plane``, ``5,000 data planes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: object) -> str:
    """Write a share of 1 as a percentage, small ones to be told from none."""
    if not isinstance(share, (int, float)):
        return "-"
    return f"{share * 100:.{3 if share >= 0.01 else 2}g} %"


def figure(number: object, unit: str = "") -> str:
    """Write a number with three digits that count, or a dash when there is none."""
    if not isinstance(number, (int, float)):
        return "-"
    written = f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
    return f"{written} {unit}".rstrip()
