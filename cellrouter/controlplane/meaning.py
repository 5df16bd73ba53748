"""What a data plane's word means for the snapshot that is rolled out."""

from collections.abc import Callable

from cellrouter.controlplane.rollout import Rollout
from cellrouter.daemon.text import escaped
from cellrouter.wire import Ack, Nack

MAX_REASON_CHARS = 300
MAX_ERRORS = 3

Change = Callable[[Rollout], Rollout]


def meaning(rollout: Rollout, hash_: str, name: str, word: Ack | Nack | None) -> Change | None:
    """Tell what comes of a data plane's word.

    :param rollout: how far the snapshot has got.
    :param hash_: the snapshot's.
    :param name: the data plane.
    :param word: what it says; None when it has left.
    :returns: what happens to the rollout; None when the word is about something else.
    """
    match word:
        case None:
            return lambda each: each.left(name)
        case Ack(revision=rollout.revision):
            if word.hash == hash_:
                return lambda each: each.took(name)
            why = f"it runs {word.hash[:MAX_REASON_CHARS]} as revision {rollout.revision}"
        case Nack() if word.revision == rollout.revision or (
            # It could not even be read; what was sent last is meant.
            word.revision is None and name not in rollout.acked
        ):
            why = "; ".join(map(str, word.errors[:MAX_ERRORS]))[:MAX_REASON_CHARS] or "without a reason"
        case _:
            return None
    return lambda each: each.refused(name, escaped(why))
