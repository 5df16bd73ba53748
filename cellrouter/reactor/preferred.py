"""Which reactor a daemon runs on when nobody has said."""

import sys


def install_preferred() -> None:
    """Install the reactor on uvloop, if uvloop is there and no reactor has been installed.

    To be called when ``twistd`` has read its own options and before anything imports the reactor: twistd
    installs the one of ``-r`` as soon as it reads that. Without uvloop, Twisted's own default is what comes.
    """
    if "twisted.internet.reactor" in sys.modules:
        return
    try:
        from cellrouter.reactor.uvloop import install
    except ImportError:
        return
    install()
