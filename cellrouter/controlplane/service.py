"""The control plane, wired together."""

import time
from functools import partial
from pathlib import Path
from typing import cast

from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorThreads
from twisted.internet.threads import deferToThreadPool

from cellrouter.config import ConfigRefused
from cellrouter.controlplane.bodies import BoundedSite
from cellrouter.controlplane.changes import Changes
from cellrouter.controlplane.convergence import ALL_SEEN, Expected
from cellrouter.controlplane.guards import Guards
from cellrouter.controlplane.hub import Hub
from cellrouter.controlplane.intake import Intake
from cellrouter.controlplane.operations import Operations
from cellrouter.controlplane.options import ControlPlaneOptions
from cellrouter.controlplane.resources import build_root
from cellrouter.controlplane.roster import Roster
from cellrouter.daemon import DaemonService, ListenerService, state_dir
from cellrouter.daemon.children import ChildReactor, Children
from cellrouter.snapshots.history import History
from cellrouter.snapshots.history_schema import HistoryUnusable
from cellrouter.snapshots.poller import Unreadable


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
    path = cast(Path, options["config"])
    limit_bytes = cast(int, options["max-config-bytes"])
    folder = state_dir(options["state-dir"], options.daemon, options["port"])
    in_thread = partial(deferToThreadPool, reactor, reactor.getThreadPool())
    # A question that takes long does not keep a change waiting.
    for_changes, for_questions = Children(reactor), Children(reactor)
    guards = Guards(options["max-removed-pct"], options["max-remapped-pct"], options["max-growth"])
    try:
        history = History.open(folder / "history.db", reactor, cast(int, options["history"]))
        hub = Hub(reactor)
        changes = Changes(history, hub, time.time, in_thread, for_changes, guards, limit_bytes)
        intake = Intake(path, changes, reactor, in_thread, cast(float, options["poll-interval"]), limit_bytes)
        intake.load_blocking()
        roster = Roster(hub.fleet, history, reactor)
        roster.load_blocking()
    except (HistoryUnusable, Unreadable) as error:
        raise SystemExit(f"{options.daemon}: {error}") from None
    except ConfigRefused as refused:
        raise SystemExit(
            "\n".join(f"{options.daemon}: {path}: {each}" for each in refused.violations)
        ) from None
    operations = Operations(changes, history, for_questions)
    expected = cast(Expected, options["expect-nodes"] or ALL_SEEN)
    site = BoundedSite(build_root(hub, intake, changes, operations, expected, reactor), limit_bytes, reactor)
    listener = ListenerService(reactor, options["port"], site, "control plane", "--port", options.daemon)
    # They stop in the reverse order: no new connections, then none at all, then no more changes.
    control_plane = DaemonService(options, reactor)
    for service in (history, roster, intake, for_questions, for_changes, hub, listener):
        service.setServiceParent(control_plane)
    return control_plane
