"""The section about the rollout."""

from twisted.web.template import Flattenable, Tag, tags

from cellrouter.controlplane.page import words
from cellrouter.controlplane.page.documents import Documents, Json
from cellrouter.controlplane.page.widgets import BAD, BUSY, GONE, GOOD, Mark, code, facts, note, pill, table

MAX_NAMES = 10

GIVING_BACK = ("halting", "aborting")
"""The phases in which nothing can be steered any more."""

PHASES = {
    "pending": (BUSY, "waiting for a data plane to begin with"),
    "sending": (BUSY, "waiting for acks"),
    "baking": (BUSY, "being watched"),
    "paused": (BUSY, "paused"),
    "halting": (BAD, "halted, going back"),
    "aborting": (BAD, "aborted, going back"),
    "done": (GOOD, "done"),
    "halted": (BAD, "halted, and taken back"),
    "aborted": (BAD, "aborted, and taken back"),
    "superseded": (GONE, "superseded"),
}


def rollout(documents: Documents) -> Flattenable:
    """Draw how far the last rollout has got, and how the next one will go."""
    last, following = documents.rollout["rollout"], documents.rollout["next"]
    if following["steps"] == "all":
        next_ = "The next change goes to all data planes at once."
    else:
        steps = following["steps"].replace(",", ", ")
        next_ = f"The next change goes by {steps}, each watched for {following['bake_s']:g} s."
    if last is None:
        return [tags.p("No change has been rolled out in steps."), note(next_)]
    mark, text = PHASES.get(last["phase"], (BUSY, last["phase"]))
    return [
        tags.p(f"Revision {last['revision']} ", pill(mark, text)),
        _steps(last, mark),
        tags.p(last["reason"], class_="reason") if last["reason"] else "",
        _under_way(last) if last["under_way"] else note(next_),
    ]


def _steps(last: Json, mark: Mark) -> Tag:
    """Draw the steps, each with a word for how it stands."""
    drawn = []
    for number, step in enumerate(last["steps"], 1):
        now = number == last["step"]
        if number < last["step"] or (now and last["phase"] == "done"):
            class_, word = "taken", "taken"
        elif now:
            class_, word = f"now {mark.level}", "now" if last["under_way"] else "reached"
        else:
            class_, word = "next", "next" if last["under_way"] else "not taken"
        current = {"aria-current": "step"} if now and last["under_way"] else {}
        drawn.append(tags.li(tags.strong(step), " ", tags.span(word), class_=class_, **current))
    return tags.ol(drawn, class_="steps")


def _under_way(last: Json) -> Flattenable:
    drawn: list[Flattenable] = []
    if last["phase"] == "baking":
        spent, whole = min(last["spent_s"], last["bake_s"]), last["bake_s"]
        label = f"watched for {spent:.0f} s of {whole:g} s"
        bar = tags.progress(label, value=f"{spent:.0f}", max=f"{whole:g}", **{"aria-label": "bake"})
        drawn.append(tags.p(bar, " ", label, class_="bake"))
    pairs: list[tuple[str, Flattenable]] = [
        ("Have it", f"{words.count(last['members'], 'data plane')}: {_names(last['data_planes'])}")
    ]
    if last["waiting_for"]:
        pairs.append(("Not acked yet", _names(last["waiting_for"])))
    pairs.append(("Before it", f"revision {last['fallback']}"))
    drawn.append(facts(pairs))
    if last["traffic"]:
        columns = ("Config", "Requests", "5xx", "p99")
        rows = [
            (
                name,
                f"{each['requests']:,}",
                words.percent(each["errors_pct"] / 100),
                words.figure(each["p99_ms"], "ms"),
            )
            for name, each in last["traffic"].items()
        ]
        drawn.append(table("Traffic with the new and the old config", columns, rows))
    if last["phase"] in GIVING_BACK:
        return drawn
    verbs = ("pause", "promote", "abort")
    drawn.append(note("To steer it: ", [[code(f"cellrouter rollout {verb}"), " "] for verb in verbs]))
    return drawn


def _names(names: list[str]) -> str:
    return (", ".join(names[:MAX_NAMES]) or "none yet") + (" and others" if len(names) > MAX_NAMES else "")
