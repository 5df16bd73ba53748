"""The data plane, wired together."""

import socket
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from cellrouter.config import ConfigRefused
from cellrouter.daemon import DaemonService, ListenerService, QuietSite, connections_to_spare, state_dir
from cellrouter.daemon.children import Children
from cellrouter.daemon.times import utc_timestamp
from cellrouter.daemon.work import Worker
from cellrouter.dataplane.applier import Applier
from cellrouter.dataplane.boot import CannotBoot, boot_snapshot
from cellrouter.dataplane.client import SOFTWARE, ControlPlaneClient, ControlPlaneStatus
from cellrouter.dataplane.complaints import Complaints
from cellrouter.dataplane.credentials import Ways
from cellrouter.dataplane.debug import DATA_PORT_PATHS, Reports, build_root
from cellrouter.dataplane.drain import Drain, Phase
from cellrouter.dataplane.filesource import FileSource
from cellrouter.dataplane.metrics import metrics
from cellrouter.dataplane.options import DataPlaneOptions
from cellrouter.observe import AccessLog, Decisions
from cellrouter.proxy import LeanSite, ProxyEngine
from cellrouter.snapshots.active import ActiveSnapshot, Snapshot
from cellrouter.snapshots.lkg import LastKnownGoodStore
from cellrouter.snapshots.poller import Unreadable
from cellrouter.wire import Hello, Running, Status

NAME = DataPlaneOptions.daemon
ENVELOPE_BYTES = 64 * 1024
"""What a message may have beside the config in it."""

MAX_PLACEMENTS_IN_STATUS = 1000


class DataPath(Service):
    """The proxy engine and its access log as a service; stopping flushes the log.

    :param engine: proxies.
    :param access_log: is written to by it.
    """

    def __init__(self, engine: ProxyEngine, access_log: AccessLog) -> None:
        self._engine = engine
        self._access_log = access_log

    def startService(self) -> None:
        """Start both."""
        Service.startService(self)
        self._access_log.start()
        self._engine.start()

    def stopService(self) -> "Deferred[None]":
        """Stop both.

        :returns: a Deferred that fires when the log is written.
        """
        Service.stopService(self)
        self._engine.stop()
        return self._access_log.stop()


class DataPlane(DaemonService):
    """Everything a data plane consists of.

    It is built with its first snapshot served, and listens once it is started. Services stop in the reverse
    order of their start: first the data port drains, then the source of snapshots, the admin port and the
    access log.

    :ivar active: the snapshot being served.
    :ivar client: the connection to the control plane, or None in file-only mode.
    :ivar data_port: where requests arrive.

    :param options: all of the settings.
    :param reactor: drives everything.
    :raises SystemExit: when there is nothing to serve or an option is not usable: a line for each reason.
    """

    def __init__(self, options: DataPlaneOptions, reactor: Any) -> None:
        DaemonService.__init__(self, options, reactor)
        self._options = options
        self._clock = reactor
        self._began_at = reactor.seconds()
        self._in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
        children = Children(reactor)
        self._work = Worker(children, self._in_thread)
        access_log, decisions = AccessLog(reactor=reactor), Decisions()
        settings = options.proxy
        if settings.max_connections is None:
            settings = evolve(settings, max_connections=connections_to_spare())
        self._engine = ProxyEngine(reactor, settings, access_log, decisions, now=monotonic)
        self.client: ControlPlaneClient | None = None
        self._applier: Applier | None = None
        self.active = ActiveSnapshot(self._install, reactor)
        source = self._file_source() if options["control-plane-url"] is None else self._control_plane_source()
        reports = Reports(
            self.active,
            self._engine,
            decisions.recent,
            lambda: metrics(self._engine, self.active, self._control_plane_status(), self._saved()),
            self._accepting,
            self._control_plane_status,
            reactor,
        )
        root = build_root(reports)
        site = LeanSite(self._engine, root, DATA_PORT_PATHS[options["debug-on-data-port"]])
        self.data_port = ListenerService(reactor, options["port"], site, "data port", "--port", NAME)
        self._engine.admission.listener = self.data_port
        self._drain = Drain(
            self.data_port, self._engine, reactor, options["drain-delay"], options["drain-timeout"]
        )
        DataPath(self._engine, access_log).setServiceParent(self)
        if options["admin"] is not None:
            admin = ListenerService(
                reactor, options["admin"], QuietSite(root, reactor=reactor), "admin port", "--admin", NAME
            )
            admin.setServiceParent(self)
        source.setServiceParent(self)
        # It stops before whoever waits for what it runs.
        children.setServiceParent(self)
        self._drain.setServiceParent(self)

    def _install(self, snapshot: Snapshot) -> None:
        self._engine.install(snapshot.table, snapshot.version, snapshot.revision)
        self.status_changed()

    def status_changed(self) -> None:
        """Tell the control plane soon how we are: for whoever notices a change of a placement's state."""
        if self.client is not None:
            self.client.status_changed()

    def _file_source(self) -> FileSource:
        options, path = self._options, self._options.config_path
        source = FileSource(
            path,
            self.active,
            self._clock,
            self._work,
            self._in_thread,
            options["poll-interval"],
            options["max-config-bytes"],
        )
        try:
            self.active.apply(source.load_blocking())
        except Unreadable as error:
            raise SystemExit(f"{NAME}: {error}") from None
        except ConfigRefused as refused:
            raise SystemExit("\n".join(f"{NAME}: {path}: {each}" for each in refused.violations)) from None
        return source

    def _control_plane_source(self) -> ControlPlaneClient:
        options = self._options
        limit_bytes: int = options["max-config-bytes"]
        store = LastKnownGoodStore(state_dir(options["state-dir"], NAME, options["port"]), limit_bytes)
        try:
            self.active.apply(boot_snapshot(store, options.config_path, limit_bytes))
        except CannotBoot as error:
            raise SystemExit("\n".join(f"{NAME}: {reason}" for reason in error.reasons)) from None
        complaints = Complaints(self._clock)
        self._applier = Applier(self.active, store, self._work, self._in_thread, self._clock, complaints)
        self.client = ControlPlaneClient(
            options["control-plane-url"],
            Ways(self._clock, self._in_thread, options.credentials).find,
            self._clock,
            self._work,
            limit_bytes + ENVELOPE_BYTES,
            self._applier,
            complaints,
            self,
        )
        return self.client

    def hello(self) -> Hello:
        """Say who we are and what we run."""
        snapshot = self.active.current
        running = None
        if snapshot is not None:
            running = Running(snapshot.version, snapshot.revision, snapshot.hash, snapshot.source.value)
        return Hello(self._options["node-id"] or self._default_node_id(), SOFTWARE, running)

    def _default_node_id(self) -> str:
        port = getattr(self.data_port.address, "port", self._options["port"])
        return f"{socket.gethostname()}:{port}"

    def status(self) -> Status:
        """Say how we are."""
        # A message has a size limit on the other side, whatever the number of placements.
        placements = islice(self._engine.placements_report().items(), MAX_PLACEMENTS_IN_STATUS)
        requests = {
            "since": utc_timestamp(self._began_at),
            "in_flight": self._engine.in_flight,
            **self._engine.traffic.report(),
        }
        return Status(placements=dict(placements), requests=requests)

    def _control_plane_status(self) -> ControlPlaneStatus | None:
        return None if self.client is None else self.client.state

    def _saved(self) -> bool | None:
        return None if self._applier is None else self._applier.saved

    def _accepting(self) -> bool:
        return self._drain.phase is Phase.ACCEPTING
