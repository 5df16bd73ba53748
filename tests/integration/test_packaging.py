"""What is packaged: the metadata, the wheel, and the daemons as twistd's users find them."""

import configparser
import re
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import cellrouter
from tests.support.processes import TWISTD, ProcessTestCase

PROJECT = Path(__file__).parents[2]
BUILD = "from setuptools.build_meta import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
PAGE = ("page.xml", "status.css", "status.js", "status.svg")
DAEMONS = ("cellrouter-cp", "cellrouter-dp")


def setup() -> configparser.ConfigParser:
    """Read setup.cfg."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(PROJECT / "setup.cfg")
    return parser


def names(requirements: str) -> set[str]:
    """Give the names of the packages that lines of setup.cfg require."""
    return {re.split(r"[\[<>=~!; ]", line)[0].lower() for line in requirements.strip().splitlines()}


class MetadataTests(SynchronousTestCase):
    """setup.cfg and what explains it."""

    def test_pyproject_holds_the_build_system_and_nothing_else(self) -> None:
        document = tomllib.loads((PROJECT / "pyproject.toml").read_text())
        self.assertEqual(list(document), ["build-system"])

    def test_every_dependency_has_its_reason_written_down(self) -> None:
        text = (PROJECT / "docs" / "decisions" / "0007-dependencies.rst").read_text()
        explained = {name.lower() for name in re.findall(r"^\* \*\*([\w-]+)", text, re.MULTILINE)}
        extras = setup()["options.extras_require"]
        required = names(setup()["options"]["install_requires"]).union(*map(names, extras.values()))
        self.assertEqual(required - {"cellrouter"}, explained)

    def test_the_readme_opens_with_two_commands_that_set_themselves_up(self) -> None:
        opening = (PROJECT / "README.rst").read_text().split("\n-----", 1)[0]
        commands = [line.strip() for line in opening.splitlines() if line.startswith("    ")]
        self.assertEqual(len(commands), 2)
        for command, end in zip(commands, ("cellrouter demo", "python -m pytest"), strict=True):
            self.assertTrue(command.startswith("python3.11 -m venv .venv && .venv/bin/pip install "), command)
            self.assertTrue(command.endswith(f" && .venv/bin/{end}"), command)

    def test_every_runtime_dependency_is_used(self) -> None:
        sources = [path.read_text() for path in Path(cellrouter.__file__).parent.rglob("*.py")]
        modules = {
            name for text in sources for name in re.findall(r"^ *(?:import|from) (\w+)", text, re.MULTILINE)
        }
        required = names(setup()["options"]["install_requires"])
        self.assertEqual(required - {name.lower().replace("_", "-") for name in modules}, set())

    def test_versions_that_are_required_are_the_ones_that_ran(self) -> None:
        for line in setup()["options"]["install_requires"].strip().splitlines():
            name, least = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", line).groups()
            self.assertGreaterEqual(_numbers(version(name)), _numbers(least), name)


class WheelTests(ProcessTestCase):
    """The wheel, built from the checkout."""

    async def test_it_has_every_module_and_our_plugins_and_takes_nothing_of_twisteds(self) -> None:
        files = set((await self._build()).namelist())
        sources = {
            path.relative_to(PROJECT).as_posix()
            for folder in ("cellrouter", "twisted")
            for path in (PROJECT / folder).rglob("*.py")
        }
        page = {f"cellrouter/controlplane/page/{name}" for name in PAGE}
        self.assertEqual(
            {name for name in files if ".dist-info/" not in name}, sources | {"cellrouter/py.typed"} | page
        )
        plugins = {f"twisted/plugins/cellrouter_{name}.py" for name in ("cp", "dp", "reactors")}
        # Uninstalling removes exactly what is in the wheel: anything else here would be taken from Twisted.
        self.assertEqual({name for name in files if name.startswith("twisted/")}, plugins)

    async def _build(self) -> zipfile.ZipFile:
        if not (PROJECT / "cellrouter").is_dir():
            raise SkipTest("the sources are not here: this is a copy of the tests beside an installed wheel")
        least = next(
            line for line in setup()["options.extras_require"]["test"].split() if "setuptools" in line
        )
        if _numbers(version("setuptools")) < _numbers(least):
            raise SkipTest(
                f"setuptools {version('setuptools')} is installed, the test extra asks for {least}"
            )
        # Built from a copy, so that setuptools leaves nothing in the checkout and takes nothing old from it.
        source = self.folder / "source"
        source.mkdir()
        for name in ("cellrouter", "twisted", "setup.cfg", "pyproject.toml", "README.rst"):
            (source / name).symlink_to(PROJECT / name)
        child = self.start(
            "/bin/sh", "-c", f'cd "{source}" && exec "$0" "$@"', sys.executable, "-c", BUILD, ".."
        )
        self.assertEqual(await child.until_ended(), 0, child.stderr.decode())
        wheel = zipfile.ZipFile(self.folder / child.stdout.decode().split()[-1])
        self.addCleanup(wheel.close)
        return wheel


class InstalledTests(ProcessTestCase):
    """The programs, run in a folder that has nothing to do with the project."""

    async def test_twistd_lists_both_daemons(self) -> None:
        child = self.start(*TWISTD, "--help")
        self.assertEqual(await child.until_ended(), 0)
        for daemon in DAEMONS:
            self.assertIn(daemon, child.stdout.decode())

    async def test_each_daemon_explains_its_options(self) -> None:
        for daemon in DAEMONS:
            child = self.start(*TWISTD, "-n", daemon, "--help")
            self.assertEqual(await child.until_ended(), 0)
            self.assertIn("STATE_DIR", child.stdout.decode())

    async def test_the_tool_says_its_version(self) -> None:
        child = self.start(sys.executable, "-m", "cellrouter.cli", "--version")
        self.assertEqual(await child.until_ended(), 0)
        self.assertEqual(child.stdout.decode(), f"cellrouter, version {cellrouter.__version__}\n")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))
