"""``cellrouter check``: the verdict on a file, for people and for programs."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli.entry import main

VALID = {
    "version": "1.0.0",
    "routingTable": {"acme": "tier1"},
    "cellEndpoints": {"tier1": "http://127.0.0.1:9001", "tier3": "http://127.0.0.1:9003"},
    "defaultPlacement": "tier3",
}


class CheckTests(SynchronousTestCase):
    """What it prints and how it exits."""

    def setUp(self) -> None:
        self.file = Path(self.enterContext(TemporaryDirectory())) / "routing.json"

    def check(self, document: object, *options: str) -> Result:
        self.file.write_text(json.dumps(document))
        return CliRunner().invoke(main, ["check", str(self.file), *options])

    def test_a_valid_config_is_summed_up(self) -> None:
        result = self.check(VALID)
        self.assertEqual(result.exit_code, 0)
        self.assertRegex(
            result.stdout,
            rf"^{self.file}: valid: version 1.0.0, 1 routes, 2 placements, default tier3,"
            r" sha256:[0-9a-f]{64}\n$",
        )

    def test_every_violation_is_on_a_line_of_its_own(self) -> None:
        result = self.check({**VALID, "version": "", "routingTable": {"acme": "tier9"}})
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            [line.split(": ")[:2] for line in result.stdout.splitlines()],
            [["/version", "empty_version"], ["/routingTable/acme", "unknown_placement"]],
        )

    def test_fields_without_effect_are_named(self) -> None:
        result = self.check(
            {
                "version": "1",
                "routingTable": {},
                "placements": {"tier3": {"url": "http://127.0.0.1:9003", "concurrency_limit": 5}},
            }
        )
        self.assertEqual(result.exit_code, 0)
        self.assertIn("/placements/tier3/concurrency_limit: has no effect yet", result.stdout)

    def test_programs_get_json(self) -> None:
        valid, refused = (self.check(each, "--json") for each in (VALID, {**VALID, "version": ""}))
        self.assertEqual((valid.exit_code, refused.exit_code), (0, 1))
        document = json.loads(valid.stdout)
        self.assertEqual((document["valid"], document["routes"], document["placements"]), (True, 1, 2))
        document = json.loads(refused.stdout)
        self.assertFalse(document["valid"])
        self.assertEqual([each["code"] for each in document["violations"]], ["empty_version"])

    def test_a_file_that_cannot_be_read_is_one_line_on_standard_error(self) -> None:
        for path in (self.file, self.file.parent):
            result = CliRunner().invoke(main, ["check", str(path)])
            self.assertEqual((result.exit_code, result.stdout), (1, ""))
            self.assertRegex(result.stderr, rf"^Error: {path}: [^\n]+\n$")
