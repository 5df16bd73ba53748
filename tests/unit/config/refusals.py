"""What is said against a document, in a form that is short to compare."""

import json

from cellrouter.config import ConfigRefused, Violation, load_config


def violations(document: object) -> tuple[Violation, ...]:
    """Load a document, or the text of one.

    :returns: why it is refused; empty when it is not.
    """
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        load_config(text)
    except ConfigRefused as refused:
        return refused.violations
    return ()


def refusals(document: object) -> list[tuple[str, str]]:
    """Like :func:`violations`, as pairs of path and code."""
    return [(violation.path, violation.code) for violation in violations(document)]
