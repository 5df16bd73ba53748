"""Run a Python command line whose time of day jumps: a day ahead at SIGUSR1, a day back at SIGUSR2.

``python jumping_clock.py python -c CODE ARGUMENT...``
"""

import signal
import sys
import time

DAY_S = 24 * 3600.0


def main() -> None:
    """Replace the clock before anybody takes it, and run the code."""
    set_by, real = [0.0], time.time
    time.time = lambda: real() + set_by[0]

    def jump(number: int, frame: object) -> None:
        set_by[0] += DAY_S if number == signal.SIGUSR1 else -DAY_S

    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, jump)
    _, _, _, code, *arguments = sys.argv
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})


if __name__ == "__main__":
    main()
