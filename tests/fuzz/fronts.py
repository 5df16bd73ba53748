"""The fronts that are fuzzed."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from attrs import frozen

CORPUS = Path(__file__).parent / "corpus"


@frozen
class Front:
    """A side of the program that takes bytes from others.

    :param name: also that of the folder with its corpus.
    :param module: plays an input.
    :param instrumented: packages whose branches the fuzzer sees.
    :param words: what the fuzzer is told about the language: the name of a file beside this one.
    """

    name: str
    module: str
    instrumented: tuple[str, ...]
    words: str

    @property
    def corpus(self) -> Path:
        """The folder with inputs that reach different branches, and with those that once failed."""
        return CORPUS / self.name

    def load(self) -> Callable[[bytes], None]:
        """Import what plays an input; not before, so that it can be instrumented then."""
        run: Callable[[bytes], None] = import_module(self.module).run
        return run


FRONTS = (
    Front("client", "tests.fuzz.client_front", ("cellrouter.http1", "cellrouter.proxy"), "http.dict"),
    Front("cell", "tests.fuzz.cell_front", ("cellrouter.http1", "cellrouter.proxy"), "http.dict"),
    Front(
        "control-plane",
        "tests.fuzz.control_plane_front",
        ("cellrouter.config", "cellrouter.wire"),
        "json.dict",
    ),
)
