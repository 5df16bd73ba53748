"""The units in systemd/ are what systemd accepts, and start daemons that work."""

import configparser
import shlex
import shutil
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support.processes import ON_LOOPBACK, TWISTD, ProcessTestCase

PROJECT = Path(__file__).parents[2]
UNITS = tuple(sorted((PROJECT / "systemd").glob("*.service")))
INSTALLED = "/opt/cellrouter/bin/twistd"
MOST_EXPOSED = 20
"""What systemd-analyze may at most say, of 100; without any hardening a unit has 96."""


class Several(dict[str, str]):
    """Join the values of a setting that a unit gives more than once."""

    def __setitem__(self, name: str, value: object) -> None:
        if isinstance(value, list) and name in self:
            value = [*self[name], *value]
        super().__setitem__(name, value)


def service_settings(unit: Path) -> configparser.SectionProxy:
    """Read the [Service] section of a unit."""
    parser = configparser.RawConfigParser(strict=False, dict_type=Several, delimiters="=")
    parser.optionxform = str
    parser.read(unit)
    return parser["Service"]


class UnitTests(ProcessTestCase):
    """Both units."""

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual([unit.name for unit in UNITS], ["cellrouter-cp.service", "cellrouter-dp.service"])

    async def test_systemd_finds_no_fault(self) -> None:
        self._need_systemd_analyze()
        units = [self._with_program(unit) for unit in UNITS]
        child = self.start("systemd-analyze", "verify", "--man=no", *units)
        self.assertEqual((await child.until_ended(), child.stderr), (0, b""))

    async def test_systemd_rates_them_as_well_protected(self) -> None:
        self._need_systemd_analyze()
        for unit in UNITS:
            options = ("--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager")
            child = self.start("systemd-analyze", "security", *options, str(unit))
            self.assertEqual(await child.until_ended(), 0, child.stdout.decode())

    async def test_the_commands_start_with_the_environment_as_written(self) -> None:
        config = self.folder / "config"
        shutil.copytree(PROJECT / "config", config)
        for unit in UNITS:
            settings = service_settings(unit)
            environment = dict(pair.split("=", 1) for pair in settings["Environment"].split("\n"))
            environment = {
                name: value.replace("%S", str(self.folder)).replace("/etc/cellrouter", str(config))
                for name, value in environment.items()
            }
            # The ports as written may be taken here, and a service may run.
            overrides = {"PORT": ON_LOOPBACK, "ADMIN": ON_LOOPBACK}
            program, *arguments = shlex.split(settings["ExecStart"])
            self.assertEqual(program, INSTALLED)
            state = Path(environment["STATE_DIR"])
            self.assertEqual(state, self.folder / settings["StateDirectory"])
            state.mkdir()
            child = self.start(*TWISTD, *arguments, environment={**environment, **overrides})
            await child.until_logged(" listening on ")
            self.assertEqual(await child.stop(), 0, child.stderr.decode())

    def test_they_come_back_after_a_failure_and_own_nothing_but_their_state(self) -> None:
        for unit in UNITS:
            settings = service_settings(unit)
            self.assertEqual(settings["Restart"], "on-failure")
            self.assertEqual(settings["DynamicUser"], "yes")
            self.assertEqual(settings["StateDirectory"], unit.stem)

    def _need_systemd_analyze(self) -> None:
        if shutil.which("systemd-analyze") is None:
            raise SkipTest("systemd-analyze is not installed")

    def _with_program(self, unit: Path) -> str:
        """Copy a unit with a program that exists: verify looks for it."""
        copy = self.folder / unit.name
        copy.write_text(unit.read_text().replace(INSTALLED, sys.executable))
        return str(copy)
