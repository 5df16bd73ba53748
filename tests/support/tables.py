"""Tests that are rows of a table: each row becomes a test method with a name of its own."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

Case = TypeVar("Case", bound=type)


def table(check: Callable[[Any, Any], Any], rows: Iterable[Any]) -> Callable[[Case], Case]:
    """Give a test case a method for each row of a table.

    Methods work with every runner, and one that fails does not hide the rows after it.

    :param check: a function or a coroutine function of the test case and the row.
    :param rows: each with a ``name``, unique in the test case.
    :returns: a class decorator.
    """

    def decorate(case: Case) -> Case:
        for row in rows:
            name = "test_" + re.sub(r"\W+", "_", row.name)
            if hasattr(case, name):
                raise ValueError(f"two tests are called {name}")
            setattr(case, name, _test(check, row))
        return case

    return decorate


def _test(check: Callable[[Any, Any], Any], row: Any) -> Callable[[Any], Any]:
    def test(self: Any) -> Any:
        return check(self, row)

    test.__doc__ = row.name
    return test
