"""Twisted's tests of reactors, for ours."""

from tests.integration.uvloop_reactor.builder import cases

MODULES = [
    f"twisted.internet.test.test_{name}"
    for name in (
        *("core", "fdset", "newtls", "process", "socket", "stdio", "tcp", "threads", "time", "tls"),
        *("udp", "unix"),
    )
]

SKIPPED = {
    "test_logPrefix": "what a protocol logs while it receives data has no prefix that names the connection: "
    "setting Twisted's logging context for each read would cost more than the read",
    "test_changeUID": "needs a Python that user 1 may run, which one below root's home is not",
}

globals().update(cases(MODULES, SKIPPED))
