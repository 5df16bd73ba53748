"""What goes wrong with the control plane and with a change of the config."""

import shutil
import sqlite3
from contextlib import closing
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit

from tests.integration.runbook.fleet import CONTROL_PLANE, ROUTES, Fleet
from tests.integration.runbook.walk import Walk

THREE_MOVED = {**ROUTES, **{f"customer-{n:02}": "tier3" for n in (1, 2, 3)}}
MISSPELT = {**ROUTES, "acme": "teir1"}


async def is_down(fleet: Fleet, walk: Walk) -> None:
    """It is killed, and started again."""
    await fleet.kill(CONTROL_PLANE)
    await walk.until("curl -s $CONTROL_PLANE/health")
    await fleet.start_control_plane()
    await walk.to_the_end()


async def does_not_start(fleet: Fleet, walk: Walk) -> None:
    """There is no config, or no history, or somebody else on its port."""
    damaged = fleet.folder / "damaged"
    damaged.mkdir()
    (damaged / "history.db").write_text("this is no database, but long enough to be taken for one\n" * 20)
    await walk.to_the_end()


async def has_lost_its_disk(fleet: Fleet, walk: Walk) -> None:
    """Its state folder is gone."""
    await fleet.kill(CONTROL_PLANE)
    await walk.until("cellrouter fleet")
    shutil.rmtree(fleet.folder / CONTROL_PLANE)
    await fleet.start_control_plane()
    await walk.to_the_end()


async def has_an_old_history(fleet: Fleet, walk: Walk) -> None:
    """Its state folder is what it was two changes ago."""
    history = fleet.folder / CONTROL_PLANE / "history.db"
    backup = fleet.folder / "backup.db"
    with closing(sqlite3.connect(history)) as database, closing(sqlite3.connect(backup)) as copy:
        database.backup(copy)
    for number in (2, 3):
        await fleet.apply(fleet.document(f"1.{number}.0"))
        await fleet.until_converged(number)
    await fleet.kill(CONTROL_PLANE)
    shutil.rmtree(history.parent)
    history.parent.mkdir()
    backup.rename(history)
    await fleet.start_control_plane()
    await walk.until("python3")
    await fleet.kill(CONTROL_PLANE)
    await walk.until("cellrouter wait")
    await fleet.start_control_plane()
    await walk.to_the_end()


async def config_is_refused(fleet: Fleet, walk: Walk) -> None:
    """A name is misspelt."""
    fleet.write_config("1.1.0", routingTable=MISSPELT)
    await walk.through("curl -s $CONTROL_PLANE/health")
    fleet.write_config("1.0.0")
    await walk.to_the_end()


async def config_cannot_be_read(fleet: Fleet, walk: Walk) -> None:
    """The file is gone for a while."""
    (fleet.folder / "routing.json").rename(fleet.folder / "elsewhere.json")
    await walk.until_all_is_logged()
    (fleet.folder / "elsewhere.json").rename(fleet.folder / "routing.json")
    await walk.to_the_end()


async def change_is_held(fleet: Fleet, walk: Walk) -> None:
    """More routes are moved than usual."""
    fleet.write_config("1.1.0", routingTable=THREE_MOVED)
    await walk.to_the_end()


async def change_is_wrong(_: Fleet, walk: Walk) -> None:
    """It was released all the same."""
    await walk.to_the_end()


async def file_differs(fleet: Fleet, walk: Walk) -> None:
    """It was rolled back; another file makes it say so once more."""
    fleet.write_config("1.1.0", routingTable={**ROUTES, "customer-01": "tier3"})
    await fleet.until_converged(4)
    await fleet.apply(fleet.document("1.0.0"))
    await walk.to_the_end()


async def disk_is_full(fleet: Fleet, walk: Walk) -> None:
    """It may not write a file any more."""
    pid = int(fleet.environment["CONTROL_PLANE_PID"])
    _, most = prlimit(pid, RLIMIT_FSIZE)
    prlimit(pid, RLIMIT_FSIZE, (0, most))
    fleet.write_config("1.0.1")
    await walk.until_all_is_logged()
    await walk.until("curl -s $CONTROL_PLANE/health")
    prlimit(pid, RLIMIT_FSIZE, (RLIM_INFINITY, most))
    await walk.to_the_end()


async def somebody_was_faster(fleet: Fleet, walk: Walk) -> None:
    """A document was made from the config before."""
    fleet.write("plan.json", fleet.document("1.1.0"))
    await walk.to_the_end()


SCENARIOS = {
    "The control plane is down": is_down,
    "The control plane does not start": does_not_start,
    "The control plane's disk is lost": has_lost_its_disk,
    "An old history was restored": has_an_old_history,
    "A config is refused": config_is_refused,
    "The config file cannot be read": config_cannot_be_read,
    "A change is held": change_is_held,
    "Going back to an earlier config": change_is_wrong,
    "The file says something else than what is active": file_differs,
    "The control plane's disk is full": disk_is_full,
    "Two operators change the config at once": somebody_was_faster,
}
