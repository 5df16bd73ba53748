"""Twisted's tests of reactors, for ours."""

from tests.integration.uvloop_reactor.builder import cases

MODULES = [
    f"twisted.internet.test.test_{name}"
    for name in (
        *("core", "fdset", "newtls", "process", "socket", "stdio", "tcp", "threads", "time", "tls"),
        *("udp", "unix"),
    )
]

NO_PREFIX = (
    "what a protocol logs while it receives data has no prefix that names the connection: setting Twisted's "
    "logging context for each read would cost more than handing over what was read"
)
OTHER_USER = "needs a Python that user 1 may run, which one below root's home is not"
OTHER_INTERFACES = "listens on every interface, on a port that was found to be free on one"
SKIPPED = {
    "TCP4ClientTestsBuilder.test_logPrefix": NO_PREFIX,
    "TCP6ClientTestsBuilder.test_logPrefix": NO_PREFIX,
    "SSLClientTestsMixin.test_logPrefix": NO_PREFIX,
    "StartTLSClientTestsMixin.test_logPrefix": NO_PREFIX,
    "ProcessTestsBuilder.test_changeUID": OTHER_USER,
    "PTYProcessTestsBuilder.test_changeUID": OTHER_USER,
    "TestBindAddressBuilder.test_bindAddressLegacyServerDefault": OTHER_INTERFACES,
}

globals().update(cases(MODULES, SKIPPED))
