"""Makes ``twistd cellrouter-cp`` known to Twisted."""

from twisted.application.service import IService, IServiceMaker
from twisted.plugin import IPlugin
from twisted.python.usage import Options
from zope.interface import implementer


@implementer(IPlugin, IServiceMaker)
class ControlPlaneMaker:
    """What twistd asks for; imports wait until this daemon is the one that was asked for."""

    tapname = "cellrouter-cp"
    description = "Cellrouter control plane: validates the routing config and pushes it to data planes."

    @property
    def options(self) -> type[Options]:
        """The options' class. Whoever runs twistd has chosen a reactor by now, or leaves it to us."""
        from cellrouter.controlplane.options import ControlPlaneOptions
        from cellrouter.reactor import install_preferred

        install_preferred()
        return ControlPlaneOptions

    def makeService(self, options: Options) -> IService:
        """Build the daemon."""
        from twisted.internet import reactor

        from cellrouter.controlplane.service import make_service
        from cellrouter.daemon import prepare_process

        prepare_process(reactor)
        return make_service(options, reactor)


control_plane = ControlPlaneMaker()
