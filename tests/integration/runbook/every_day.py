"""What is done when nothing has failed."""

from tests.integration.runbook.fleet import CONTROL_PLANE, DATA_PLANE, Fleet
from tests.integration.runbook.walk import Walk


async def nothing_is_wrong(_: Fleet, walk: Walk) -> None:
    """Somebody looks."""
    await walk.to_the_end()


async def there_are_two_control_planes(fleet: Fleet, walk: Walk) -> None:
    """The second one has been given the same file; data planes know both, and the first one is lost."""
    other = await fleet.start_other_control_plane()
    for name in ("dp-2", DATA_PLANE):
        await fleet.kill(name)
        await fleet.start_data_plane(name)
    await fleet.until_converged()
    await walk.through("kill")
    del fleet.children[CONTROL_PLANE]
    await walk.to_the_end()
    await other.stop()
    await fleet.start_control_plane()
    await fleet.until_converged()


async def there_is_a_new_release(fleet: Fleet, walk: Walk) -> None:
    """The same one."""
    await walk.through("kill -TERM $CONTROL_PLANE_PID")
    assert await fleet.children[CONTROL_PLANE].until_ended() == 0
    await fleet.start_control_plane()
    await walk.through("kill -TERM $DATA_PLANE_PID")
    assert await fleet.children[DATA_PLANE].until_ended() == 0
    await fleet.start_data_plane()
    await walk.to_the_end()


SCENARIOS = {
    "The first five minutes": nothing_is_wrong,
    "Sizing": nothing_is_wrong,
    "Several control planes": there_are_two_control_planes,
    "Upgrades": there_is_a_new_release,
    "Backups": nothing_is_wrong,
}
