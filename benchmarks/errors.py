"""What goes wrong in a benchmark."""


class CouldNotRun(Exception):
    """Something did not start, or did not do what is measured; the message says why in one line."""
