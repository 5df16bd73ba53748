"""What judges the reactor on uvloop; run by ``test_uvloop_reactor.py`` in a process of its own.

Each test here builds and runs a reactor, for which it puts itself in the place of the one that runs the tests
and takes the process's signal handlers.
"""
