"""The proxies' configuration files, and how their blanks are filled in."""

import getpass
from pathlib import Path
from string import Template

FILES = Path(__file__).parent / "files"


class AtTemplate(Template):
    """A template with ``@{name}``: the usual dollar sign is nginx's own."""

    delimiter = "@"


def values(folder: Path, cell: int, default_cell: int, **more: object) -> dict[str, object]:
    """Collect what a template may name.

    :param folder: for the program's files.
    :param cell: port of tier1.
    :param default_cell: port of tier3.
    :param more: whatever else.
    """
    return {
        "user": getpass.getuser(),
        "folder": folder,
        "cell": cell,
        "default_cell": default_cell,
        "version": "benchmark",
        "tenants": "",
        **more,
    }


def filled(text: str, known: dict[str, object]) -> str:
    """Fill in the blanks of a text."""
    # Not every "@" is ours: Envoy has fields called "@type".
    return AtTemplate(text).safe_substitute(known)


def render(name: str, folder: Path, cell: int, default_cell: int, **more: object) -> Path:
    """Write a configuration file.

    :param name: its name in :data:`FILES`, and in the folder.
    :param folder: where to write it.
    :param cell: port of tier1.
    :param default_cell: port of tier3.
    :param more: what else the file names.
    :returns: the file's path.
    """
    path = folder / name
    path.write_text(filled((FILES / name).read_text(), values(folder, cell, default_cell, **more)))
    return path
