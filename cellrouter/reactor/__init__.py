"""A Twisted reactor on uvloop: ``twistd -r uvloop``."""

from cellrouter.reactor.preferred import install_preferred

__all__ = ["install_preferred"]
