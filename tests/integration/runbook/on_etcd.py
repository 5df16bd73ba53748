"""What goes wrong with an etcd that has the config."""

import json
import shutil

from tests.integration.runbook.fleet import CONTROL_PLANE, Fleet
from tests.integration.runbook.walk import Walk
from tests.support.etcd import KEY, Etcd

OTHER_KEY = "cellrouter/other"


async def start(fleet: Fleet, etcd: Etcd) -> None:
    """Start a fleet whose config is in etcd.

    :param fleet: of which nothing has been started.
    :param etcd: has not been started either.
    """
    fleet.etcd = etcd
    fleet.source = _source(etcd, KEY)
    await etcd.start()
    await fleet.start_cells()
    await etcd.put(json.dumps(fleet.document("1.0.0")).encode())
    control_plane = await fleet.start_control_plane()
    await control_plane.until_logged("is active")
    await fleet.start_data_planes()


def _source(etcd: Etcd, key: str) -> tuple[str, ...]:
    return "--config-source", f"etcd:http://127.0.0.1:{etcd.port}/{key}"


async def is_away(fleet: Fleet, walk: Walk) -> None:
    """It is killed, and started again."""
    assert fleet.etcd is not None
    await fleet.etcd.stop("KILL")
    fleet.write("plan.json", fleet.document("1.1.0"))
    await walk.through("cellrouter apply")
    await walk.until_all_is_logged()
    await fleet.etcd.start()
    await walk.to_the_end()


async def has_lost_its_data(fleet: Fleet, walk: Walk) -> None:
    """Its disk is empty when it is started again."""
    assert fleet.etcd is not None
    await fleet.etcd.stop("KILL")
    fleet.etcd.forget_everything()
    await fleet.etcd.start()
    await walk.until_all_is_logged()
    await walk.until("cellrouter apply")
    await fleet.kill(CONTROL_PLANE)
    shutil.rmtree(fleet.folder / CONTROL_PLANE)
    fleet.source = _source(fleet.etcd, OTHER_KEY)
    await fleet.start_control_plane()
    await walk.to_the_end()


SCENARIOS = {
    "etcd is away": is_away,
    "etcd has lost its data": has_lost_its_data,
}
