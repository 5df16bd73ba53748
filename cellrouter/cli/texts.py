"""What a control plane answers, as text for people."""

from collections.abc import Iterator
from typing import Any

from cellrouter.cli import traffic_texts
from cellrouter.cli.output import table
from cellrouter.config import Counts

Json = dict[str, Any]

SHOWN_KEYS = 5
SHOWN_HASH_CHARS = len("sha256:") + 12
SHOWN_ERRORS = 3

FILE_STATES = {
    "held": "a change of the config file is held, see /health; release: cellrouter apply --override REASON",
    "differs": "the config file says something else, and is taken again when its content changes",
}


def history(listed: Json) -> str:
    """Show ``/config/versions``."""
    headings = ("", "revision", "version", "accepted", "by", "changes", "reason")
    rows = [
        (
            "*" if each["revision"] == listed["active"] else "",
            *(each["revision"], each["version"], each["accepted_at"], each["actor"]),
            each["changes"] or "-",
            _why(each) or "-",
        )
        for each in listed["versions"]
    ]
    return table(headings, rows)


def version(shown: Json) -> str:
    """Show what is known of one revision, without its document."""
    rows = [(name, value) for name, value in shown.items() if name != "config" and value not in ("", None)]
    config = shown["config"]
    rows += [
        ("routes", len(config["routingTable"])),
        ("placements", len({**config.get("placements", {}), **config.get("cellEndpoints", {})})),
        ("default placement", config.get("defaultPlacement", "tier3")),
    ]
    return table(None, rows)


def diff(shown: Json) -> str:
    """Show ``/config/diff``: the counts, and then what they count."""
    counts = Counts(**shown["counts"])
    ends = [
        (name, each["revision"], each["version"], each["accepted_at"], each["actor"], _why(each) or "-")
        for name, each in (("from", shown["from"]), ("to", shown["to"]))
    ]
    told = [
        table(("", "revision", "version", "accepted", "by", "reason"), ends),
        f"{counts.routes_before} routes, then {counts.routes_after}; {counts}",
    ]
    routes = [
        (what, group["count"], group["from"], group["to"], _keys(group))
        for what in ("moved", "removed", "added")
        for group in shown[what]
    ]
    if routes:
        told.append(table(("keys", "count", "from", "to", "which"), routes))
    others: list[tuple[object, ...]] = [
        ("setting", each["field"], "", each["from"], each["to"]) for each in shown["settings"]
    ]
    others += [row for each in shown["placements"] for row in _placement(each)]
    if others:
        told.append(table(("what", "name", "field", "from", "to"), others))
    return "\n\n".join(told)


def change(said: Json) -> str:
    """Show what a change has come to."""
    if said["result"] == "unchanged":
        return f"unchanged: revision {said['revision']}, version {said['version']}, says the same"
    fate = "is rolled out in steps" if said.get("staged") else "is active"
    lines = [f"revision {said['revision']}, version {said['version']}, {fate}: {said['changes'] or 'new'}"]
    if said["overridden"]:
        lines.append(f"overridden: {said['overridden']}")
    return "\n".join(lines)


def fleet(shown: Json) -> str:
    """Show ``/fleet``: what should run, each data plane, what they do, and whether all is well."""
    active = shown["active"] or {"revision": None, "version": None, "hash": None}
    headings = ("node", "connected", "revision", "hash", "state", "age", *traffic_texts.HEADINGS, "errors")
    rows = [
        (
            each["node_id"] or each["address"],
            _connected(each),
            *_running(each),
            each["state"],
            f"{each['age_s']:.0f}s",
            *traffic_texts.row(each.get("traffic")),
            "; ".join(errors(each)) or "-",
        )
        for each in shown["data_planes"]
    ]
    told = [f"revision {active['revision']}, version {active['version']}, {_short(active['hash'])}"]
    if rows:
        told.append(table(headings, rows))
    told += traffic_texts.fleet(shown)
    told.append(progress(shown))
    if (shown.get("rollout") or {}).get("under_way"):
        told.append(_rollout_line(shown["rollout"]))
    if shown["file_differs"]:
        told.append(FILE_STATES.get(shown["file_state"], "the config file is not taken: /health says why"))
    return "\n".join(told)


def rollout(shown: Json) -> str:
    """Show ``/rollout``: how the last one stands, and how the next one will go."""
    last, following = shown["rollout"], shown["next"]
    told = []
    if last is None:
        told.append("no rollout yet")
    else:
        told.append(_rollout_line(last))
    if last is not None and last["under_way"]:
        limits = {
            "sending": f", all have to ack within {last['ack_timeout_s']:g}s",
            "baking": f", the bake takes {last['bake_s']:g}s",
        }
        awaited = "a data plane with a name of its own" if last["phase"] == "pending" else None
        rows = [
            ("steps", ", ".join(last["steps"])),
            ("data planes", f"{last['members']}: {_names(last['data_planes']) or 'none yet'}"),
            ("waiting for", _names(last["waiting_for"]) or awaited),
            ("in this phase", f"{last['spent_s']:.0f}s{limits.get(last['phase'], '')}"),
        ]
        if last["away"]:
            rows.append(("away", f"{last['away']}; no step is taken while most data planes are"))
        for name, each in (last["traffic"] or {}).items():
            p99 = "-" if each["p99_ms"] is None else f"{each['p99_ms']:g} ms"
            told_by = f", told by {each['data_planes']} of {last['members']}" if name == "new" else ""
            rows.append(
                (
                    f"{name} config",
                    f"{each['requests']} requests, {each['errors_pct']:g}% 5xx, p99 {p99}{told_by}",
                )
            )
        told.append(table(None, rows))
    told.append(
        "the next change goes to all at once"
        if following["steps"] == "all"
        else f"the next change goes by {following['steps']}, each watched for {following['bake_s']:g}s"
    )
    return "\n".join(told)


def _rollout_line(last: Json) -> str:
    step = f"step {last['step']} of {len(last['steps'])}"
    line = f"rollout of revision {last['revision']}: {last['phase']}, {step}"
    return line + (f": {last['reason']}" if last["reason"] else "")


def _names(names: list[str]) -> str:
    return ", ".join(names[:SHOWN_KEYS]) + (" and others" if len(names) > SHOWN_KEYS else "")


def progress(shown: Json) -> str:
    """Say in a line whether the fleet has converged, and for whom it waits."""
    states, waiting, missing = shown.get("states", {}), shown.get("waiting_for", []), shown.get("missing", 0)
    counted = ", ".join(f"{count} {state}" for state, count in states.items() if count) or "no data planes"
    if shown["converged"]:
        return f"converged: {counted}"
    reasons = []
    if waiting:
        reasons.append(f"waiting for {_names(waiting)}")
    if missing:
        reasons.append(f"{missing} more expected")
    under_way = shown.get("rollout") or {}
    if under_way.get("under_way"):
        reasons.append(
            f"rollout: {under_way['phase']}, step {under_way['step']} of {len(under_way['steps'])}"
        )
    return f"not converged: {counted}" + "".join(f"; {reason}" for reason in reasons)


def errors(node: Json) -> list[str]:
    """Say why a data plane refuses what it should run; nothing when it does not."""
    if node["state"] != "nacked" or node["last_nack"] is None:
        return []
    found = node["last_nack"].get("errors", [])
    return [
        f"{each['path'] or '(document)'}: {each['code']}: {each['message']}" for each in found[:SHOWN_ERRORS]
    ]


def _why(entry: Json) -> str:
    restores = f"back to {entry['restores']}" if entry["restores"] is not None else ""
    return ": ".join(part for part in (restores, entry["reason"]) if part)


def _keys(group: Json) -> str:
    names = ", ".join(group["keys"][:SHOWN_KEYS])
    return names + (", ..." if group["count"] > SHOWN_KEYS else "")


def _placement(each: Json) -> Iterator[tuple[object, ...]]:
    before, after = each["from"] or {}, each["to"] or {}
    for field in dict.fromkeys((*before, *after)):
        if before.get(field) != after.get(field):
            yield "placement", each["placement"], field, before.get(field), after.get(field)


def _connected(node: Json) -> str:
    """Tell whether it is there, and point out a name that several give."""
    count = node.get("connections", 1)
    return "no" if not node["connected"] else "yes" if count < 2 else f"{count} times"


def _running(node: Json) -> tuple[object, str]:
    running = node["running"]
    return (None, "-") if running is None else (running["revision"], _short(running["hash"]))


def _short(text: str | None) -> str:
    return "-" if text is None else text[:SHOWN_HASH_CHARS]
