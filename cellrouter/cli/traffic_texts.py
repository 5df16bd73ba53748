"""What a control plane says of the traffic, as text for people."""

from typing import Any

Json = dict[str, Any]

HEADINGS = ("rate", "5xx", "p99", "default")
"""The columns of :func:`row`."""


def row(traffic: Json | None) -> tuple[str | None, ...]:
    """Show what a data plane does, in columns; None where that is not known."""
    if traffic is None:
        return (None,) * len(HEADINGS)
    return (
        f"{traffic['requests_per_s']:.1f}/s",
        _share(traffic["share_5xx"]),
        _time(traffic["p99_ms"]),
        _share(traffic["share_default"]),
    )


def fleet(shown: Json) -> list[str]:
    """Show what the fleet does, and what somebody should look at; a line for each."""
    told, traffic = [], shown.get("traffic")
    if traffic is not None:
        known = [
            f"{text} {label}"
            for text, label in (
                (_share(traffic["share_5xx"]), "5xx"),
                (_share(traffic["share_default"]), "default"),
            )
            if text is not None
        ]
        times = [
            f"{name} {text}" for name in ("p50", "p99") if (text := _time(traffic[f"{name}_ms"])) is not None
        ]
        rate = f"{traffic['requests_per_s']:.1f} requests/s"
        told.append(f"the last {traffic['window_s']:.0f}s: {', '.join((rate, *known, *times))}")
    return told + [f"warning: since {each['since']}: {each['message']}" for each in shown.get("warnings", [])]


def _share(share: float | None) -> str | None:
    return None if share is None else f"{share:.2%}"


def _time(time_ms: float | None) -> str | None:
    # The histogram knows no more digits than these.
    return None if time_ms is None else f"{float(f'{time_ms:.3g}'):g}ms"
