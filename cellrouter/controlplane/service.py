"""The control plane, wired together."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorThreads
from twisted.internet.threads import deferToThreadPool

from cellrouter.config import ConfigRefused
from cellrouter.controlplane import reports, rollout_reports
from cellrouter.controlplane.access import Access, RefusalLog
from cellrouter.controlplane.bodies import BoundedSite
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.convergence import ALL_SEEN, Expected
from cellrouter.controlplane.default_share import DefaultShare
from cellrouter.controlplane.gates import Gates
from cellrouter.controlplane.guards import Guards
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.intake import Intake
from cellrouter.controlplane.operations import Operations
from cellrouter.controlplane.options import ControlPlaneOptions
from cellrouter.controlplane.page.documents import MAX_DATA_PLANES, Gatherer
from cellrouter.controlplane.page.live import Live
from cellrouter.controlplane.page.resources import add_page
from cellrouter.controlplane.resources import build_root
from cellrouter.controlplane.rollouts import Rollouts
from cellrouter.controlplane.roster import Roster
from cellrouter.controlplane.tls import ENDPOINT_PREFIX, Certificates
from cellrouter.controlplane.traffic import FleetTraffic
from cellrouter.daemon import DaemonService, ListenerService, state_dir
from cellrouter.daemon.children import ChildReactor, Children
from cellrouter.daemon.state import FolderLock, InUse
from cellrouter.daemon.tokens import NoToken, TokenFile
from cellrouter.daemon.work import Worker
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.snapshots.poller import InThread, Unreadable

GARBAGE_THRESHOLDS = (700, 10, 100)
"""When Python looks for garbage, see :func:`gc.set_threshold`; the last is 10 unless it is set. To look at
everything takes a fifth of a second with 5,000 data planes, and nearly all of it is in use."""


class Reactor(ChildReactor, IReactorCore, IReactorThreads, IReactorFromThreads):
    """What the control plane needs of a reactor."""


def make_service(options: ControlPlaneOptions, reactor: Reactor) -> DaemonService:
    """Build the control plane with its snapshot loaded, ready to listen.

    Blocking, so for the time before the reactor runs.

    :param options: where to listen, what to watch, where to keep the history.
    :param reactor: drives everything.
    :returns: the service, not yet started.
    :raises SystemExit: when there is no snapshot to serve or no history to number it: a line for each reason.
    """
    in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    access = _access(options, reactor, in_thread)
    path = cast(Path, options["config"])
    limit_bytes = cast(int, options["max-config-bytes"])
    folder = state_dir(options["state-dir"], options.daemon, options["port"])
    # A question that takes long does not keep a change waiting.
    for_changes, for_questions = Children(reactor), Children(reactor)
    changing, asking = (Worker(children, in_thread) for children in (for_changes, for_questions))
    guards = Guards(options["max-removed-pct"], options["max-remapped-pct"], options["max-growth"])
    gates = Gates(options["max-5xx-increase"], options["max-p99-increase"])
    # A rollout needs what was there before it, after a restart too.
    keep = max(2, cast(int, options["history"]))
    try:
        lock = FolderLock(folder)
        history = History.open(folder / "history.db", reactor, keep)
        hub = Hub(reactor)
        rollouts = Rollouts(hub, history, reactor, options["rollout"], options["bake"], gates)
        changes = Changes(history, hub, rollouts, time.time, in_thread, changing, guards, limit_bytes)
        intake = Intake(path, changes, reactor, in_thread, cast(float, options["poll-interval"]), limit_bytes)
        intake.load_blocking()
        rollouts.load_blocking()
        roster = Roster(hub.fleet, history, reactor)
        roster.load_blocking()
    except (InUse, HistoryUnusable, Unreadable) as error:
        raise SystemExit(f"{options.daemon}: {error}") from None
    except ConfigRefused as refused:
        raise SystemExit(
            "\n".join(f"{options.daemon}: {path}: {each}" for each in refused.violations)
        ) from None
    operations = Operations(changes, history, asking)
    expected = cast(Expected, options["expect-nodes"] or ALL_SEEN)
    traffic = FleetTraffic(hub, rollouts, reactor, DefaultShare(options["max-default-increase"]))
    root = build_root(hub, intake, changes, rollouts, traffic, operations, expected, reactor, access)
    gatherer = Gatherer(
        lambda: reports.health(hub, intake, changes, rollouts)[1],
        lambda: reports.fleet(hub, intake, rollouts, traffic, reactor, expected, most=MAX_DATA_PLANES),
        lambda: rollout_reports.status(rollouts),
        *(history, reactor),
    )
    live = Live(gatherer.gather, reactor)
    add_page(root, live)
    site = BoundedSite(root, limit_bytes, reactor, access)
    certificates = _certificates(options, reactor, in_thread, access.refusals)
    listener = ListenerService(
        certificates or reactor, options["port"], site, "control plane", "--port", options.daemon
    )
    # When thousands come back at once, others have their turn between a few and the next.
    site.on_client = listener.accept_few
    # They stop in the reverse order: no new connections, no steps, then no connections at all, then no more
    # changes.
    control_plane = DaemonService(options, reactor)
    for service in (
        *(lock, history, roster, intake, for_questions, for_changes, hub, rollouts, traffic),
        *access.token_files,
        live,
        *([] if certificates is None else [certificates]),
        listener,
    ):
        service.setServiceParent(control_plane)
    return control_plane


def _access(options: ControlPlaneOptions, reactor: Reactor, in_thread: InThread) -> Access:
    """Find out who may do what.

    :raises SystemExit: when a file has not what it should, with one line.
    """

    def tokens(flag: str, locked_out: str) -> TokenFile | None:
        if options[flag] is None:
            return None
        file = TokenFile(options[flag], locked_out, reactor, in_thread, options["poll-interval"])
        with _blaming(options, flag):
            file.load_blocking()
        return file

    return Access(
        RefusalLog(reactor),
        tokens("data-plane-token-file", "no data plane gets in any more, those that are connected stay"),
        tokens("operator-token-file", "nobody can change anything any more"),
        options["client-ca"] is not None,
    )


def _certificates(
    options: ControlPlaneOptions, reactor: Reactor, in_thread: InThread, refusals: RefusalLog
) -> Certificates | None:
    """Prepare for TLS, if that is served.

    :raises SystemExit: when data planes' certificates cannot be verified, with one line.
    """
    description, client_ca = options["port"], options["client-ca"]
    if not description.startswith(ENDPOINT_PREFIX):
        if client_ca is not None:
            raise SystemExit(f"{options.daemon}: --client-ca: needs TLS: an endpoint ssl:... as --port")
        return None
    interval_s = options["poll-interval"]
    certificates = Certificates(reactor, description, client_ca, in_thread, interval_s, refusals)
    with _blaming(options, "client-ca"):
        certificates.load_blocking()
    return certificates


@contextmanager
def _blaming(options: ControlPlaneOptions, flag: str) -> Iterator[None]:
    """Turn what is wrong with an option's file into one line.

    :raises SystemExit: with it.
    """
    try:
        yield
    except (NoToken, Unreadable) as error:
        raise SystemExit(f"{options.daemon}: --{flag}: {error}") from None
