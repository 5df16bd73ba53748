"""What an operator may write on the command line and in the environment, and what they get for a mistake."""

from ipaddress import ip_network
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.daemon.options import (
    DaemonOptions,
    Setting,
    duration,
    duration_or_zero,
    endpoint,
    endpoint_or_off,
    networks,
    on_off,
    one_of,
    path,
    positive_int,
)


class Options(DaemonOptions):
    """A daemon with a few settings."""

    daemon = "cellrouter-xx"
    settings = (
        Setting("port", "8080", endpoint, "where to listen"),
        Setting("config", "config/routing.json", path, "the config"),
        Setting("poll-interval", "2s", duration, "how often"),
        Setting("control-plane-url", None, one_of("ws://cp"), "who decides"),
    )


class Parent(dict[str, object]):
    """twistd's own options, as far as a daemon looks at them."""


def read(*arguments: str, environ: dict[str, str] | None = None, parent: Parent | None = None) -> Options:
    """Parse a command line."""
    options = Options()
    options.environ = environ or {}
    if parent is not None:
        options.parent = parent
    options.parseOptions(list(arguments))
    return options


class ValueTests(SynchronousTestCase):
    """Where a value comes from."""

    def test_without_flag_and_variable_the_default_counts(self) -> None:
        options = read()
        self.assertEqual(
            [options[setting.flag] for setting in Options.settings],
            ["tcp:8080", Path("config/routing.json"), 2.0, None],
        )

    def test_a_variable_counts_when_there_is_no_flag(self) -> None:
        self.assertEqual(read(environ={"POLL_INTERVAL": "5s"})["poll-interval"], 5.0)

    def test_the_flag_wins_over_the_variable(self) -> None:
        options = read("--poll-interval", "7s", environ={"POLL_INTERVAL": "nonsense"})
        self.assertEqual(options["poll-interval"], 7.0)

    def test_an_empty_variable_counts_as_not_set(self) -> None:
        self.assertEqual(read(environ={"CONTROL_PLANE_URL": ""})["control-plane-url"], None)

    def test_the_config_has_a_variable_of_its_own_name(self) -> None:
        options = read(environ={"CONFIG_PATH": "/etc/r.json", "CONFIG": "/wrong"})
        self.assertEqual(options["config"], Path("/etc/r.json"))

    def test_help_names_the_variable_and_the_default(self) -> None:
        usage = " ".join(str(Options()).split())
        self.assertIn("how often [POLL_INTERVAL; default 2s]", usage)
        self.assertIn("who decides [CONTROL_PLANE_URL]", usage)


class MistakeTests(SynchronousTestCase):
    """Each is one line that names the program, the option and the reason."""

    def refused(self, *arguments: str, environ: dict[str, str] | None = None) -> str:
        exit_ = self.assertRaises(SystemExit, read, *arguments, environ=environ)
        self.assertIsInstance(exit_.code, str)
        self.assertNotIn("\n", exit_.code)
        return str(exit_.code)

    def test_a_bad_value_of_a_flag(self) -> None:
        message = self.refused("--poll-interval", "x")
        self.assertEqual(
            message,
            'cellrouter-xx: --poll-interval: "x" is not a duration; write it like 10s, 500ms, 1m30s or 2h',
        )

    def test_a_bad_value_of_a_variable_names_the_variable(self) -> None:
        self.assertIn("cellrouter-xx: POLL_INTERVAL: ", self.refused(environ={"POLL_INTERVAL": "10"}))

    def test_an_unknown_option(self) -> None:
        self.assertIn("--bogus", self.refused("--bogus"))

    def test_a_stray_argument(self) -> None:
        self.assertIn("unexpected argument 'extra'", self.refused("extra"))

    def test_an_option_without_its_value(self) -> None:
        self.assertIn("--port", self.refused("--port"))

    def test_a_value_with_line_breaks_stays_on_one_line(self) -> None:
        self.refused("--port", "1\n2")


class PidfileTests(SynchronousTestCase):
    """twistd's pidfile is for daemons in the background."""

    def test_in_the_foreground_the_default_pidfile_is_not_written(self) -> None:
        parent = Parent(nodaemon=1, pidfile="twistd.pid")
        read(parent=parent)
        self.assertEqual(parent["pidfile"], "")

    def test_a_chosen_pidfile_is_written(self) -> None:
        parent = Parent(nodaemon=1, pidfile="/run/x.pid")
        read(parent=parent)
        self.assertEqual(parent["pidfile"], "/run/x.pid")

    def test_in_the_background_the_pidfile_is_written(self) -> None:
        parent = Parent(nodaemon=0, pidfile="twistd.pid")
        read(parent=parent)
        self.assertEqual(parent["pidfile"], "twistd.pid")


class LogChoiceTests(SynchronousTestCase):
    """Our log is for the foreground, unless the operator chose another."""

    def test_the_foreground_logs_to_stderr(self) -> None:
        self.assertTrue(read(parent=Parent(nodaemon=1)).logs_to_stderr)

    def test_the_background_logs_where_twistd_does(self) -> None:
        self.assertFalse(read(parent=Parent(nodaemon=0)).logs_to_stderr)

    def test_a_chosen_log_stays(self) -> None:
        for choice in ("logger", "logfile", "syslog"):
            self.assertFalse(read(parent=Parent({"nodaemon": 1, choice: "x"})).logs_to_stderr, choice)


class ParserTests(SynchronousTestCase):
    """What is accepted and what is not."""

    def test_good_values(self) -> None:
        for parse, text, value in (
            (endpoint, "8080", "tcp:8080"),
            (endpoint, "0", "tcp:0"),
            (endpoint, "tcp:8080:interface=127.0.0.1", "tcp:8080:interface=127.0.0.1"),
            (endpoint, "systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
            (endpoint_or_off, "off", None),
            (endpoint_or_off, "1", "tcp:1"),
            (duration, "1m30s", 90.0),
            (duration_or_zero, "0", 0.0),
            (duration_or_zero, "0s", 0.0),
            (duration_or_zero, "5s", 5.0),
            (positive_int, "1", 1),
            (on_off, "on", True),
            (on_off, "off", False),
            (networks, "10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
        ):
            self.assertEqual(parse(text), value, text)

    def test_bad_values(self) -> None:
        for parse, text in (
            (endpoint, "65536"),
            (endpoint, "abc"),
            (endpoint, ""),
            (endpoint, "-1"),
            (duration, "10"),
            (duration, "0s"),
            (positive_int, "0"),
            (positive_int, "-1"),
            (positive_int, "1.5"),
            (positive_int, "9" * 100_000),
            (positive_int, "٣"),
            (path, ""),
            (path, "a\0b"),
            (on_off, "yes"),
            (networks, "10.0.0.1/8"),
            (networks, "everybody"),
            (networks, ""),
        ):
            self.assertRaises(ValueError, parse, text)

    @given(st.text())
    def test_any_text_is_a_value_or_a_short_line_of_explanation(self, text: str) -> None:
        for parse in (*(setting.parse for setting in Options.settings), networks, positive_int):
            try:
                parse(text)
            except ValueError as error:
                self.assertTrue(str(error).isprintable())
                self.assertLess(len(str(error)), 600)

    def test_usage_errors_of_twisted_do_not_escape(self) -> None:
        try:
            read("--nonsense=1")
        except UsageError:
            self.fail("twistd would print the whole help")
        except SystemExit:
            return
        self.fail("nothing was refused")
