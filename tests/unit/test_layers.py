"""The reactor is passed in: no module takes the global one when it is imported."""

import ast
from collections.abc import Iterable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import cellrouter

PACKAGE = Path(cellrouter.__file__).parent
INSTALLS_A_REACTOR = "from twisted.internet import reactor"


def run_on_import(tree: ast.Module) -> Iterable[ast.AST]:
    """Give every statement that runs when a module is imported: all but the bodies of functions."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def imports_reactor(source: str) -> bool:
    """Tell whether importing a module imports the global reactor."""
    for node in run_on_import(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            continue
        if "twisted.internet.reactor" in names:
            return True
    return False


class ReactorTests(SynchronousTestCase):
    """Who imports the reactor."""

    def test_no_module_imports_the_reactor_at_its_top(self) -> None:
        modules = sorted(PACKAGE.rglob("*.py"))
        self.assertGreater(len(modules), 20)
        self.assertEqual([str(path) for path in modules if imports_reactor(path.read_text())], [])

    def test_an_import_at_the_top_is_seen_however_it_is_written(self) -> None:
        self.assertTrue(imports_reactor(INSTALLS_A_REACTOR))
        self.assertTrue(imports_reactor("import twisted.internet.reactor as r"))
        self.assertTrue(imports_reactor(f"class A:\n    if True:\n        {INSTALLS_A_REACTOR}"))
        self.assertFalse(imports_reactor(f"def run():\n    {INSTALLS_A_REACTOR}"))
