"""Times as people and programs read them."""

from datetime import UTC, datetime


def utc_timestamp(seconds: float) -> str:
    """Format a time as RFC 3339 in UTC with milliseconds: ``2026-11-23T19:00:00.123Z``.

    :param seconds: since the epoch.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
