"""The last-known-good snapshot on disk: what a data plane serves when it starts without a control plane.

Two files, ``last-known-good.json`` and the one before it, ``last-known-good.json.previous``. A save is
durable when it returns, and at no moment of it is there less than one whole good file: the new one is
written beside, synced, the old one renamed to ``.previous``, the new one renamed into place, and the folder
synced.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson
from attrs import frozen
from twisted.logger import Logger

from cellrouter.config import (
    CompiledConfig,
    ConfigRefused,
    Revision,
    Violation,
    load_document,
    parse_json,
)
from cellrouter.snapshots.active import Snapshot, Source
from cellrouter.snapshots.poller import Unreadable, read_file

NAME = "last-known-good.json"
ENVELOPE_BYTES = 64 * 1024
MAX_CORRUPT_KEPT = 3


@frozen
class LastKnownGoodStore:
    """Saves snapshots and finds the newest good one; every method is blocking.

    :param folder: where the files are; made when it is missing.
    :param limit_bytes: the largest config that is read back.
    :param now: tells the time for the names of corrupt files, in seconds since the epoch.
    """

    folder: Path
    limit_bytes: int
    now: Callable[[], float] = time.time

    log = Logger()

    @property
    def path(self) -> Path:
        """The newest file."""
        return self.folder / NAME

    @property
    def previous(self) -> Path:
        """The file before it."""
        return self.folder / f"{NAME}.previous"

    def save(self, snapshot: Snapshot) -> None:
        """Make a snapshot the newest, on disk when this returns.

        :raises OSError: when that is impossible; what was saved before is still there.
        """
        labels = {
            "version": snapshot.version,
            "revision": snapshot.revision,
            "source_id": snapshot.source_id,
            "hash": snapshot.hash,
        }
        content = b'%b,"config":%b}' % (orjson.dumps(labels)[:-1], snapshot.text)
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f"{NAME}.draft"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            self.path.rename(self.previous)
        draft.rename(self.path)
        _sync_folder(self.folder)

    def load(self) -> Snapshot | None:
        """Return the newest snapshot that is intact, or None when there is none.

        A file that is not intact is logged and renamed ``*.corrupt-<time>``, of which the last few are kept.
        """
        for path in (self.path, self.previous):
            if not os.path.lexists(path):
                continue
            try:
                return _decode(
                    read_file(path, self.limit_bytes + ENVELOPE_BYTES).content or b"", self.limit_bytes
                )
            except Unreadable as error:
                self.log.error("{error}", error=error)
            except ConfigRefused as refused:
                kept = self._set_aside(path)
                self.log.error(
                    "{path} is corrupt ({reason}); {kept}", path=path, reason=refused.violations[0], kept=kept
                )
        return None

    def _set_aside(self, path: Path) -> str:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.now()))
        corrupt = path.with_name(f"{path.name}.corrupt-{stamp}")
        try:
            path.rename(corrupt)
            for surplus in sorted(self.folder.glob(f"{NAME}*.corrupt-*"), key=_stamp)[:-MAX_CORRUPT_KEPT]:
                surplus.unlink()
        except OSError as error:
            return f"it cannot be set aside: {error.strerror}"
        return f"it is kept as {corrupt.name}"


def _decode(content: bytes, limit_bytes: int) -> Snapshot:
    """Check a file's content.

    :raises ConfigRefused: when it is not what :meth:`LastKnownGoodStore.save` wrote.
    """
    match parse_json(content, limit_bytes + ENVELOPE_BYTES):
        case {
            "revision": int() | None as revision,
            "source_id": str() | None as source_id,
            "hash": str(claimed),
            "config": document,
        }:
            loaded = load_document(document)
            if loaded.hash != claimed:
                raise ConfigRefused([Violation("/hash", "hash_mismatch", "the config has another hash")])
            number = None if revision is None else Revision(revision)
            return Snapshot.build(CompiledConfig.of(loaded), Source.LAST_KNOWN_GOOD, number, source_id)
        case _:
            raise ConfigRefused([Violation("", "missing_field", "a field is missing or of another type")])


def _stamp(path: Path) -> str:
    return path.name.rpartition("-")[2]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
