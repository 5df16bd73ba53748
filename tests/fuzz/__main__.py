"""Fuzzes a front, guided by coverage: ``python -m tests.fuzz client --seconds 600``.

It needs atheris: ``pip install '.[fuzz]'``. It begins with the corpus in this folder and collects what
reaches new branches in a folder of its own, which a later run goes on with. An input that fails is written
there too. ``--minimise`` replaces the corpus by the fewest inputs of both that reach as many branches.
"""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

import atheris

from tests.fuzz.fronts import FRONTS, Front

LONGEST_BYTES = 4096
LONGEST_KEPT_BYTES = 2048


def main() -> None:
    """Run it; atheris ends the process."""
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("front", choices=[front.name for front in FRONTS])
    parser.add_argument("--seconds", type=int, default=60, help="how long; %(default)s unless given")
    parser.add_argument("--found", type=Path, help="where to collect; unless given, a temporary folder")
    parser.add_argument("--minimise", action="store_true", help="replace the corpus, and end")
    # What is left are libFuzzer's own flags: it calls this program again when it minimises.
    arguments, flags = parser.parse_known_args()
    front = next(front for front in FRONTS if front.name == arguments.front)
    if not flags:
        found = arguments.found or Path(tempfile.gettempdir()) / f"cellrouter-fuzz-{front.name}"
        found.mkdir(parents=True, exist_ok=True)
        front.corpus.mkdir(parents=True, exist_ok=True)
        flags = _minimising(front, found) if arguments.minimise else _fuzzing(front, found, arguments.seconds)
    with atheris.instrument_imports(include=list(front.instrumented)):
        run = front.load()
    atheris.Setup([f"{sys.executable} -m tests.fuzz {front.name}", *flags], run)
    atheris.Fuzz()


def _fuzzing(front: Front, found: Path, seconds: int) -> list[str]:
    return [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_BYTES}",
        f"-dict={Path(__file__).with_name(front.words)}",
        f"-artifact_prefix={found}/",
        "-timeout=20",
        "-print_final_stats=1",
        str(found),
        str(front.corpus),
    ]


def _minimising(front: Front, found: Path) -> list[str]:
    """Empty the corpus, after a copy of it, and give the flags that fill it again."""
    old = tempfile.mkdtemp(prefix="cellrouter-corpus-")
    shutil.copytree(front.corpus, old, dirs_exist_ok=True)
    shutil.rmtree(front.corpus)
    front.corpus.mkdir()
    kept = f"-max_len={LONGEST_KEPT_BYTES}"
    return ["-set_cover_merge=1", "-use_counters=0", kept, str(front.corpus), old, str(found)]


if __name__ == "__main__":
    main()
