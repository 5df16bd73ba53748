"""Where a daemon keeps what must survive a restart."""

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path
from twisted.application.service import Service

LOCK_FILE = "lock"


class InUse(Exception):
    """Another process has the folder; the message says which folder."""


class FolderLock(Service):
    """Keeps a folder of state to one process, from its making until it is stopped or the process ends.

    A folder in which nothing can be locked is not kept to anybody: whoever uses it meets the same error, or
    is on a file system that has no locks.

    :param folder: the folder.
    :raises InUse: when another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor: int | None = None
        with suppress(OSError):
            self._descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # The kernel lets go of it however the process ends; a file with a process id in it would stay.
            self._lock(folder, self._descriptor)

    def stopService(self) -> None:
        """Leave the folder to others."""
        Service.stopService(self)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _lock(self, folder: Path, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.stopService()
            raise InUse(
                f"{folder}: another process uses this folder: give each its own --state-dir"
            ) from None


def state_dir(folder: Path | None, daemon: str, endpoint: str) -> Path:
    """Choose the folder of a daemon's state, and make it when it does not exist.

    A folder that cannot be made is returned all the same: whoever uses it meets the same error, and knows
    what it means for them.

    :param folder: the operator's choice, used as it is; None for the user's state folder, where each daemon
        and port gets a folder of its own.
    :param daemon: the program's name.
    :param endpoint: the endpoint string it listens on.
    :returns: the folder.
    """
    if folder is None:
        folder = user_state_path("cellrouter") / f"{daemon}-{_file_name(endpoint)}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _file_name(endpoint: str) -> str:
    """Turn ``tcp:8080`` into ``8080``, and other endpoints into something that can be part of a file name."""
    return re.sub("[^A-Za-z0-9.]+", "-", endpoint.removeprefix("tcp:")).strip("-.")[:100]
