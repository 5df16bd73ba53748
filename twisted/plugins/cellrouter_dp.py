"""Makes ``twistd cellrouter-dp`` known to Twisted."""

from twisted.application.service import IService, IServiceMaker
from twisted.plugin import IPlugin
from twisted.python.usage import Options
from zope.interface import implementer


@implementer(IPlugin, IServiceMaker)
class DataPlaneMaker:
    """What twistd asks for; imports wait until this daemon is the one that was asked for."""

    tapname = "cellrouter-dp"
    description = "Cellrouter data plane: routes HTTP requests to cells by their routing key."

    @property
    def options(self) -> type[Options]:
        """The options' class. Whoever runs twistd has chosen a reactor by now, or leaves it to us."""
        from cellrouter.dataplane.options import DataPlaneOptions
        from cellrouter.reactor import install_preferred

        install_preferred()
        return DataPlaneOptions

    def makeService(self, options: Options) -> IService:
        """Build the daemon."""
        from twisted.internet import reactor

        from cellrouter.daemon import prepare_process
        from cellrouter.dataplane.service import DataPlane

        prepare_process(reactor)
        return DataPlane(options, reactor)


data_plane = DataPlaneMaker()
