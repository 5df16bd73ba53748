"""The sections about data planes: the fleet, its traffic, placements as it sees them."""

from twisted.web.template import Flattenable, Tag, tags

from cellrouter.controlplane.page import words
from cellrouter.controlplane.page.documents import Documents, Json, clipped
from cellrouter.controlplane.page.widgets import (
    BAD,
    BUSY,
    GONE,
    GOOD,
    NONE,
    bullets,
    code,
    facts,
    note,
    pill,
    table,
    when,
)

MAX_NAME_CHARS = 80
MAX_REASONS = 3
MAX_PLACEMENTS = 100

STATES = {"nacked": BAD, "drift": BAD, "behind": BUSY, "departed": GONE, "acked": GOOD}
"""In the order in which data planes are listed."""

MEANINGS = {
    "nacked": "has refused what it should run",
    "drift": "runs another config under this revision or a later one",
    "behind": "has not acked yet",
    "departed": "has no connection",
    "acked": "runs what it should",
}


def fleet(documents: Documents) -> Flattenable:
    """Draw the data planes, the worst first."""
    document, now = documents.fleet, documents.at
    nodes = document["data_planes"]
    if not nodes:
        return note("No data plane has connected yet.")
    counts = _counts(document)
    # Without a config nobody stands in any way to it.
    known = sum(counts.values()) or max(len(nodes), document["connected"])
    busy = any(node.get("traffic") for node in nodes)
    columns = ("Data plane", "State", "Runs", "Last word", *(["Traffic"] if busy else []), "Reasons")
    left_out = f"{len(nodes):,} of {known:,} are listed, the worst first. " if known > len(nodes) else ""
    return [
        tags.ul(
            [
                tags.li(pill(STATES[state], f"{number:,} {state}"), title=MEANINGS[state])
                for state, number in counts.items()
                if number
            ],
            class_="counts",
        ),
        table("Data planes", columns, (_row(node, now, busy) for node in nodes)),
        note(left_out, "All, with all that is known: ", tags.a("fleet", href="fleet", id="to-fleet")),
    ]


def traffic(documents: Documents) -> Flattenable:
    """Draw what the whole fleet does."""
    figures = documents.fleet.get("traffic")
    if not figures:
        return note("No data plane has told of any traffic yet.")
    window = figures.get("window_s")
    pairs = [
        ("Requests", words.figure(figures.get("requests_per_s"), "/s")),
        ("5xx", words.percent(figures.get("share_5xx"))),
        ("Default placement", words.percent(figures.get("share_default"))),
        ("p50", words.figure(figures.get("p50_ms"), "ms")),
        ("p99", words.figure(figures.get("p99_ms"), "ms")),
    ]
    return [
        facts(pairs, "tiles"),
        note(f"Over the last {words.figure(window, 's')}, of all data planes together.") if window else "",
    ]


def placements(documents: Documents) -> Flattenable:
    """Draw the placements as the data planes see them, the least healthy first."""
    known = documents.fleet.get("placements") or {}
    if not known:
        return note("No data plane has told of any placement yet.")
    ranked = sorted(known.items(), key=lambda item: (_fitness(item[1]), item[0]))
    columns = ("Placement", "Health", "Circuits", "In flight", "Requests")
    rows = [
        (
            clipped(name, MAX_NAME_CHARS),
            _health(each),
            _circuits(each.get("circuits") or {}),
            words.figure(each.get("in_flight")),
            words.percent(each.get("share")),
        )
        for name, each in ranked[:MAX_PLACEMENTS]
    ]
    left_out = f"{len(rows):,} of {len(ranked):,} are listed, the least healthy first."
    return [table("Placements", columns, rows), note(left_out) if len(ranked) > len(rows) else ""]


def _counts(document: Json) -> dict[str, int]:
    """Count each data plane once: one that has left as departed, whatever it acked."""
    states, departed = document.get("states", {}), document.get("departed", {})
    counted = {state: states.get(state, 0) - departed.get(state, 0) for state in STATES}
    counted["departed"] = sum(departed.values())
    return counted


def _row(node: Json, now: float, busy: bool) -> list[Flattenable]:
    name, address = node["node_id"], node["address"]
    state = (node["state"] or "behind") if node["connected"] else "departed"
    left = tags.span(when(node["since"], now), class_="small") if state == "departed" else ""
    return [
        [clipped(name or address, MAX_NAME_CHARS), tags.span(address, class_="small") if name else ""],
        [pill(STATES[state], state), left],
        _running(node["running"]),
        _last_word(node, now),
        *([_traffic(node.get("traffic"))] if busy else []),
        _reasons(node, state),
    ]


def _running(running: Json | None) -> Flattenable:
    if running is None:
        return NONE
    revision = "-" if running["revision"] is None else str(running["revision"])
    version = tags.span("version ", clipped(running["version"], MAX_NAME_CHARS), class_="small")
    return [tags.span("revision ", tags.strong(revision)), version]


def _last_word(node: Json, now: float) -> Flattenable:
    said = [
        (each["at"], word, each)
        for word, each in (("ack", node["last_ack"]), ("nack", node["last_nack"]))
        if each
    ]
    if not said:
        return NONE
    at, word, report = max(said, key=lambda each: each[0])
    of = "" if report["revision"] is None else f" of {report['revision']}"
    return [f"{word}{of}", tags.span(when(at, now), class_="small")]


def _traffic(figures: Json | None) -> Flattenable:
    if not figures:
        return NONE
    rate = words.figure(figures.get("requests_per_s"), "/s")
    if figures.get("share_5xx") is None:
        return rate
    return [
        rate,
        tags.span(f"{words.percent(figures['share_5xx'])} 5xx", class_="small"),
        tags.span(f"p99 {words.figure(figures.get('p99_ms'), 'ms')}", class_="small"),
    ]


def _reasons(node: Json, state: str) -> Flattenable:
    """Say why a data plane does not run what it should."""
    refused = node["state"] == "nacked" and node["last_nack"]
    if refused:
        errors = refused.get("errors", [])
        lines = [
            [code(each["path"] or "(document)"), f" {each['code']}: {each['message']}"] for each in errors
        ]
        more = f"{len(lines) - MAX_REASONS} more" if len(lines) > MAX_REASONS else ""
        return bullets(lines[:MAX_REASONS], more) if lines else "it gave no reason"
    if state == "drift":
        hash_ = node["running"]["hash"]
        return ["runs ", code(words.short(hash_), hash_), ", which is another config"]
    if node["connections"] > 1:
        return f"{node['connections']} connections give this name: which of them has acked is not known"
    if state == "departed":
        return NONE if node["state"] in ("acked", None) else "left before it acked what it should run"
    return "has not acked yet" if state == "behind" else NONE


def _fitness(placement: Json) -> float:
    checked = placement.get("checked") or 0
    return (placement.get("healthy") or 0) / checked if checked else 1.0


def _health(placement: Json) -> Tag:
    checked, healthy = placement.get("checked"), placement.get("healthy")
    if not checked or healthy is None:
        return pill(GONE, "not checked")
    mark = GOOD if healthy >= checked else BUSY if healthy else BAD
    return pill(mark, f"{healthy}/{checked} healthy")


def _circuits(circuits: Json) -> Flattenable:
    shown = ", ".join(f"{number} {state.replace('_', '-')}" for state, number in circuits.items() if number)
    return tags.span(shown, class_="" if set(circuits) <= {"closed"} else "large") if shown else NONE
