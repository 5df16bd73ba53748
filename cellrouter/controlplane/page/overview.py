"""The sections that say how all is: the verdict, what is active, what needs attention, the last changes."""

from collections.abc import Iterator

from twisted.web.template import Flattenable, Tag, tags

from cellrouter.controlplane.page import words
from cellrouter.controlplane.page.documents import Documents, Json
from cellrouter.controlplane.page.progress import GIVING_BACK
from cellrouter.controlplane.page.widgets import (
    BAD,
    BUSY,
    GOOD,
    NONE,
    WARN,
    Mark,
    bullets,
    code,
    facts,
    note,
    pill,
    table,
    when,
)

MAX_LINES = 10

FILE_STATES = {
    "unseen": (BUSY, "not looked at yet"),
    "active": (GOOD, "says what is active"),
    "differs": (WARN, "says something else than what is active, and is taken again when its content changes"),
    "held": (WARN, "is held"),
    "unreadable": (BAD, "cannot be read"),
    "refused": (BAD, "is refused"),
    "not_checked": (BAD, "could not be checked"),
    "not_stored": (BAD, "could not be stored"),
}
"""What became of the content of the file that is watched."""


def judged(documents: Documents) -> tuple[Mark, str]:
    """Say in one line how all is: the worst first, and in what colour."""
    if documents.fleet["active"] is None:
        return BAD, "no config has been accepted yet"
    found = [*_refusals(documents), *_progress(documents)] or [_convergence(documents)]
    held = documents.health.get("held") is not None
    others = len(documents.fleet.get("warnings") or ())
    found += [(WARN, "a change is held")] if held else []
    found += [(WARN, words.count(others, "warning"))] if others else []
    marks = [mark for mark, _ in found]
    worst = next((mark for mark in (BAD, WARN, BUSY) if mark in marks), GOOD)
    return worst, "; ".join(text for _, text in found)


def _refusals(documents: Documents) -> Iterator[tuple[Mark, str]]:
    number = documents.fleet["states"]["nacked"]
    if number:
        they = "it" if number == 1 else "they"
        yield BAD, f"{words.count(number, 'data plane')} refused what {they} should run"


def _progress(documents: Documents) -> Iterator[tuple[Mark, str]]:
    last = documents.rollout["rollout"]
    if last is not None and last["under_way"]:
        step = f"{last['phase']}, step {last['step']} of {len(last['steps'])}"
        mark = BAD if last["phase"] in GIVING_BACK else BUSY
        yield mark, f"revision {last['revision']} is being rolled out: {step}"


def _convergence(documents: Documents) -> tuple[Mark, str]:
    fleet, states, departed = documents.fleet, documents.fleet["states"], documents.fleet["departed"]
    revision, known, acked = fleet["active"]["revision"], sum(states.values()), states["acked"]
    if fleet["converged"]:
        # Nobody waits for those that are not expected, and yet they are there.
        others = sum(states[each] - departed[each] for each in states if each != "acked")
        if others:
            do = "does" if others == 1 else "do"
            rest = f"{words.count(others, 'other data plane')} {do} not"
            return BUSY, f"all that are expected run revision {revision}; {rest}"
        every = "the one data plane runs" if acked == 1 else f"all {acked:,} data planes run"
        return GOOD, f"{every} revision {revision}"
    if not known:
        return BUSY, "no data plane has connected yet"
    waiting = known - acked
    more = f"{fleet['missing']:,} more expected" if fleet["missing"] else ""
    missing = len(fleet["waiting_for"])
    if waiting or missing:
        text = f"waiting for {words.count(waiting or missing, 'data plane')} to run revision {revision}"
        return BUSY, f"{text}; {more}" if more else text
    return BUSY, more


def verdict(documents: Documents) -> Tag:
    """Draw the line at the top."""
    mark, text = judged(documents)
    return tags.p(pill(mark, _sentence(text)), class_="verdict")


def active(documents: Documents) -> Flattenable:
    """Draw what is active, since when and by whom, and where it came from."""
    identity, now = documents.fleet["active"], documents.at
    if identity is None:
        return note("Nothing is active: data planes go on with what they have.")
    listed = documents.versions["versions"]
    entry = listed[0] if listed and listed[0]["revision"] == identity["revision"] else None
    pairs: list[tuple[str, Flattenable]] = [
        ("Version", tags.span(identity["version"], class_="large")),
        ("Hash", code(identity["hash"])),
    ]
    if entry is not None:
        pairs += [("Accepted", when(entry["accepted_at"], now)), ("By", entry["actor"])]
        pairs += [("Why", why(entry))] if why(entry) else []
    return tags.div(
        tags.p(tags.span("revision", class_="unit"), " ", str(identity["revision"]), class_="revision"),
        facts([*pairs, *_origins(documents.health)]),
        class_="active",
    )


def attention(documents: Documents) -> Flattenable:
    """Draw what somebody should look at: what is held, what is wrong with the file, warnings."""
    cards = [*_held(documents), *_troubles(documents), *_warnings(documents)]
    return cards or note("Nothing is held, and there are no warnings.")


def changes(documents: Documents) -> Flattenable:
    """Draw the last changes."""
    versions, now = documents.versions, documents.at
    if "problem" in versions:
        return tags.p(pill(BAD, "The history cannot be read"), " ", versions["problem"])
    rows = [
        (
            [
                str(each["revision"]),
                " ",
                pill(GOOD, "active") if each["revision"] == versions["active"] else "",
            ],
            each["version"],
            when(each["accepted_at"], now),
            each["actor"],
            each["changes"] or NONE,
            _reason(each),
        )
        for each in versions["versions"]
    ]
    columns = ("Revision", "Version", "Accepted", "By", "Changes", "Why")
    return [
        table("The last changes", columns, rows) if rows else note("There have been none."),
        note("All that are kept: ", tags.a("config/versions", href="config/versions", id="to-versions")),
    ]


def why(entry: Json) -> str:
    """Say why somebody made a change, and whether it brings an earlier config back."""
    restores = f"back to {entry['restores']}" if entry["restores"] is not None else ""
    return ": ".join(part for part in (restores, entry["reason"]) if part)


def _reason(entry: Json) -> Flattenable:
    said = why(entry) or NONE
    return [said, note("beyond a guard: ", entry["overridden"])] if entry["overridden"] else said


def _origins(health: Json) -> Iterator[tuple[str, Flattenable]]:
    for name, origin in _sources(health):
        mark, text = _state(origin)
        where = origin.get("path") or origin.get("key") or ""
        yield f"Config {name}", [code(where), " ", pill(mark, text)]


def _held(documents: Documents) -> Iterator[Tag]:
    held = documents.health.get("held")
    if held is None:
        return
    yield _card(
        WARN,
        f"A change is held: version {held['version']}",
        bullets([each["message"] for each in held["exceeded"]]),
        facts(
            [
                ("Since", when(held["since"], documents.at)),
                ("Hash", code(words.short(held["hash"]), held["hash"])),
            ]
        ),
        tags.p("If it is meant: ", code("cellrouter apply --override REASON")),
        tags.p("If it is not: put back what was there before."),
    )


def _troubles(documents: Documents) -> Iterator[Tag]:
    for name, origin in _sources(documents.health):
        problems, (mark, text) = origin["problems"], _state(origin)
        lost, held = not origin.get("connected", True), origin["state"] == "held"
        if lost or origin["state"] == "differs" or (problems and not held):
            left_out = len(problems) - MAX_LINES
            more = [f"{left_out:,} more: ", tags.a("health", href="health")] if left_out > 0 else ""
            yield _card(
                mark, f"The config {name} {text}", bullets(problems[:MAX_LINES], more) if problems else ""
            )
    reasons = documents.health.get("reasons")
    if reasons:
        yield _card(BAD, "No config is active", bullets(reasons[:MAX_LINES]))


def _sources(health: Json) -> Iterator[tuple[str, Json]]:
    """Name where configs come from: a file, or a key of etcd."""
    for member, name in (("file", "file"), ("source", "key")):
        if health.get(member):
            yield name, health[member]


def _state(origin: Json) -> tuple[Mark, str]:
    """Say what became of what a source says."""
    if not origin.get("connected", True):
        return BAD, "cannot be watched"
    return FILE_STATES.get(origin["state"], (BUSY, origin["state"].replace("_", " ")))


def _warnings(documents: Documents) -> Iterator[Tag]:
    for each in (documents.fleet.get("warnings") or [])[:MAX_LINES]:
        yield _card(
            WARN,
            _sentence(each["kind"].replace("_", " ")),
            tags.p(_sentence(each["message"])),
            facts([("Since", when(each["since"], documents.at))]),
        )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _card(mark: Mark, title: str, *content: Flattenable) -> Tag:
    sign = tags.span(mark.sign, **{"aria-hidden": "true"})
    return tags.article(tags.h3(sign, " ", title), *content, class_=f"card {mark.level}")
