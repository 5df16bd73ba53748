"""What a child process of :mod:`~cellrouter.daemon.children` runs: one call, read from standard input.

It ends when its parent does: the pipes to it are closed then.
"""

import os
import pickle
import signal
import sys
from contextlib import suppress

NICENESS = 10
"""Others are answered first when the machine is busy."""


def main() -> None:
    """Read a function with its arguments, and write whether it returned, and what it returned or raised."""
    # Ctrl-C in a terminal reaches us as well as the daemon, which ends us when it is time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # where a sandbox forbids it
        os.nice(NICENESS)
    function, arguments = pickle.load(sys.stdin.buffer)
    try:
        outcome: tuple[bool, object] = True, function(*arguments)
    except Exception as error:
        # Whoever asked knows which exceptions the function announces.
        outcome = False, error
    pickle.dump(outcome, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
