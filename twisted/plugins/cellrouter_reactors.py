"""Makes ``twistd -r uvloop`` known to Twisted."""

from twisted.application.reactors import Reactor

uvloop_reactor = Reactor(
    "uvloop",
    "cellrouter.reactor.uvloop",
    "epoll(7) by way of uvloop; its transports carry TCP.",
)
