"""Where a daemon keeps what must survive a restart."""

import re
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path


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
