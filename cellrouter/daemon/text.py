"""Text from elsewhere, made fit for a line of a log or of a message."""

MAX_QUOTED_CHARS = 80


def escaped(text: str) -> str:
    """Escape what could begin a new line, confuse a terminal or not be encoded."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(text: str) -> str:
    """Quote a text: escaped, and at most 80 characters of it."""
    shortened = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"
    return f'"{escaped(shortened)}"'
