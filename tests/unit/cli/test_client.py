"""What the tool shows to a control plane."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.cli.client import operator_headers


class OperatorHeadersTests(SynchronousTestCase):
    """The operator's token."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory(prefix="cellrouter-"))) / "token"

    def test_the_first_token_of_the_file_is_shown(self) -> None:
        self.path.write_text("# mine\nabc-123\nold\n")
        headers = operator_headers(self.path)
        assert headers is not None
        self.assertEqual(headers.getRawHeaders("authorization"), ["Bearer abc-123"])

    def test_without_a_file_nothing_is(self) -> None:
        self.assertIsNone(operator_headers(None))

    def test_a_file_that_is_not_in_order_is_one_line(self) -> None:
        for reason in ("does not exist", "there is no token in the file"):
            error = self.assertRaises(click.ClickException, operator_headers, self.path)
            self.assertIn(f"--operator-token-file: {self.path}", error.message)
            self.assertIn(reason, error.message)
            self.path.write_text("# none\n")
