"""Makes the reactor under test, and test cases out of Twisted's own."""

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

import uvloop
from twisted.internet.test.reactormixins import ReactorBuilder
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.reactor.uvloop import UvloopReactor

MADE_FOR = "_EPollReactorTests"
"""How the names of the test cases end that Twisted has made for a reactor that is like ours."""


def build(case: SynchronousTestCase) -> UvloopReactor:
    """Make a reactor; to be a test case's ``reactorFactory``."""
    loop = uvloop.new_event_loop()
    case.addCleanup(loop.close)
    return UvloopReactor(loop)


def cases(modules: Iterable[str], skipped: dict[str, str]) -> dict[str, type[SynchronousTestCase]]:
    """Make the test cases that Twisted makes for each of its reactors.

    :param modules: Twisted's test modules.
    :param skipped: why a test is not for this reactor, by the names of its builder and of its own.
    :returns: by name.
    """
    made = {}
    for module in map(import_module, modules):
        for builder in _builders(module):
            made[f"{builder.__name__}ForUvloop"] = case(builder, skipped)
    return made


def case(builder: type[ReactorBuilder], skipped: dict[str, str]) -> type[SynchronousTestCase]:
    """Make one of them."""
    namespace = {"reactorFactory": build, "__module__": __name__}
    for test, why in skipped.items():
        in_builder, name = test.split(".")
        if in_builder == builder.__name__:
            namespace[name] = _not_run(why)
    return type(f"{builder.__name__}ForUvloop", (builder, SynchronousTestCase), namespace)


def _builders(module: ModuleType) -> Iterable[type[ReactorBuilder]]:
    for name, value in vars(module).items():
        if name.endswith(MADE_FOR):
            yield value.__mro__[1]


def _not_run(why: str):
    def test(self: SynchronousTestCase) -> None:
        raise NotImplementedError

    test.skip = why
    return test
