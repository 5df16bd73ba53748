"""The snapshot that a data plane with a control plane serves before it has heard from it."""

from pathlib import Path

from cellrouter.config import ConfigRefused
from cellrouter.dataplane.filesource import load_file_content
from cellrouter.snapshots.active import Snapshot, Source
from cellrouter.snapshots.lkg import LastKnownGoodStore
from cellrouter.snapshots.poller import Unreadable, read_file


class CannotBoot(Exception):
    """There is nothing to serve.

    :ivar reasons: why, a line each.
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = reasons


def boot_snapshot(store: LastKnownGoodStore, bootstrap: Path, limit_bytes: int) -> Snapshot:
    """Return the last-known-good snapshot, or else that of the bootstrap file; blocking.

    :param store: where the last-known-good is.
    :param bootstrap: the bootstrap file.
    :param limit_bytes: the largest config that is read.
    :raises CannotBoot: when there is neither.
    """
    snapshot = store.load()
    if snapshot is not None:
        return snapshot
    hint = f"there is no last-known-good config in {store.folder} either"
    try:
        content = read_file(bootstrap, limit_bytes).content or b""
        return load_file_content(content, Source.BOOTSTRAP, limit_bytes)
    except Unreadable as error:
        raise CannotBoot(f"{error}; {hint}; name a bootstrap file with --config") from None
    except ConfigRefused as refused:
        raise CannotBoot(*(f"{bootstrap}: {violation}" for violation in refused.violations)) from None
