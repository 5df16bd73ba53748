"""Choosing a reactor, where one has been chosen."""

import sys

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.reactor import install_preferred


class InstallPreferredTests(SynchronousTestCase):
    """What it does is seen in tests/integration/test_uvloop_reactor.py, in processes without a reactor."""

    def test_a_reactor_that_is_installed_stays(self) -> None:
        installed = object()
        self.patch(sys, "modules", {**sys.modules, "twisted.internet.reactor": installed})
        install_preferred()
        self.assertIs(sys.modules["twisted.internet.reactor"], installed)
