"""What the log says of a rollout."""

from twisted.logger import Logger

from cellrouter.controlplane.rollout import Phase, Rollout, some

log = Logger()

ROLLOUT = "rollout of revision {revision}: "


def tell(before: Rollout, after: Rollout) -> None:
    """Tell what has become of a rollout.

    :param before: how it stood.
    :param after: how it stands now.
    """
    if after.taken > before.taken:
        log.info(
            ROLLOUT + "step {taken} of {steps}: {count} of the data planes have it, new are: {new}",
            count=len(after.members),
            new=some(sorted(after.members - before.members)) or "none",
            **_named(after),
        )
    if after.phase is before.phase:
        return
    match after.phase:
        case Phase.BAKING:
            text = ROLLOUT + "all in step {taken} have acked, and are watched for {bake_s:g} s"
            log.info(text, bake_s=after.bake_s, **_named(after))
        case Phase.HALTING | Phase.ABORTING:
            log.error(
                ROLLOUT + "{phase} at step {taken} of {steps}, going back to revision {fallback}: {reason}",
                **_named(after),
            )
        case Phase.SUPERSEDED:
            log.warn(ROLLOUT + "{reason}", **_named(after))
        case Phase.DONE:
            log.info(ROLLOUT + "done", **_named(after))


def tell_unseen(rollout: Rollout) -> None:
    """Tell that the gates had nothing to judge."""
    text = ROLLOUT + "step {taken} was judged by acks and connections alone: no request was reported"
    log.warn(text, **_named(rollout))


def tell_restored(rollout: Rollout) -> None:
    """Tell that a rollout goes on that was under way when the control plane ended."""
    log.warn(ROLLOUT + "it goes on where it was: {phase}, step {taken} of {steps}", **_named(rollout))


def tell_lost(rollout: Rollout) -> None:
    """Tell that a rollout cannot be taken back."""
    log.error(
        ROLLOUT + "revision {fallback}, which was there before it, is not in the history;"
        " data planes that do not have the new one are sent nothing",
        **_named(rollout),
    )


def _named(rollout: Rollout) -> dict[str, object]:
    return {
        "revision": rollout.revision,
        "fallback": rollout.fallback,
        "phase": rollout.phase.value,
        "taken": rollout.taken,
        "steps": len(rollout.steps),
        "reason": rollout.reason,
    }
