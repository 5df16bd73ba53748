"""What is done with whole documents: checked, measured, compared. It runs in a child process."""

import json
from collections.abc import Mapping

from attrs import frozen

from cellrouter.config import ConfigRefused, Counts, compare, load_config


@frozen
class Current:
    """The document that a new one would replace.

    :ivar hash: its hash.
    :ivar text: it, as JSON.
    """

    hash: str
    text: bytes


@frozen
class Checked:
    """A valid document.

    :ivar version: the operator's label.
    :ivar hash: its hash.
    :ivar text: it, as compact JSON in UTF-8.
    :ivar counts: what it changes, in numbers; None when it changes nothing, or that cannot be told.
    """

    version: str
    hash: str
    text: bytes
    counts: Counts | None


def check(content: bytes, limit_bytes: int, current: Current | None) -> Checked:
    """Check a document and measure what it changes.

    :param content: it, as JSON.
    :param limit_bytes: how large it may be.
    :param current: what it would replace, if there is anything.
    :raises ConfigRefused: when it is not valid, with everything that is wrong with it.
    """
    loaded = load_config(content, limit_bytes=limit_bytes)
    counts = None
    if current is not None and loaded.hash != current.hash:
        try:
            counts = compare(load_config(current.text).config, loaded.config).counts
        except ConfigRefused:
            # Accepted by a release with other rules: it cannot be measured.
            counts = None
    return Checked(loaded.config.version, loaded.hash, _compact(loaded.document), counts)


def describe_changes(before: bytes, after: bytes) -> bytes:
    """Compare two documents.

    :param before: the older one, as JSON.
    :param after: the newer one, as JSON.
    :returns: their differences, as JSON.
    :raises ConfigRefused: when one is not valid by this release's rules.
    """
    limit_bytes = max(len(before), len(after))
    older, newer = (load_config(text, limit_bytes=limit_bytes).config for text in (before, after))
    return _compact(compare(older, newer).document())


def _compact(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
