"""Takes pictures of the status page: ``python -m tests.browser.screenshots docs/images``."""

import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import treq
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater, react

from tests.browser.browsers import DESK, PHONE, Browser
from tests.browser.scene import WRONG, Scene
from tests.support.documents import document

NAMES = [f"{zone}-{number}" for zone in ("ams", "fra", "lon") for number in (1, 2, 3)]
STEPS = ("--rollout", "1,25%,100%", "--bake", "60s")
TELLING_S = 5.0
PHONE_HEIGHT = 2400


async def begin(scene: Scene) -> None:
    """Let there be a history, and one data plane that refuses what it is sent, and one that leaves."""
    scene.write(200, "2026.11.17")
    await scene.serve()
    for name in NAMES:
        await scene.join(name, WRONG if name == "lon-2" else None)
    await change(scene, 203, "2026.11.18", "ann@ops", "3 new customers, CHG-1204")
    await change(scene, 203, "2026.11.19", "ben@ops", "tier1 moves to its new cluster, CHG-1207", port=9011)
    await post(scene, "rollback", actor="ann@ops", reason="p99 of tier1 doubled", to="2")
    await change(scene, 203, "2026.11.20", "ben@ops", "tier1 moves, second attempt, CHG-1211", port=9021)
    await scene.data_planes.pop("fra-3").leave()
    await restart(scene)


async def go_on(scene: Scene) -> None:
    """Begin a rollout, and have a change held."""
    await change(scene, 198, "2026.11.24", "cho@ops", "5 customers have left, CHG-1219", port=9021)
    scene.write(160, "2026.11.25", port=9021)
    await scene.control_plane.until_logged("is held; revision")


async def restart(scene: Scene) -> None:
    """Start the control plane anew, with steps; those that were connected come back."""
    await scene.control_plane.stop()
    await scene.serve(*STEPS)
    for data_plane in scene.data_planes.values():
        await data_plane.join(scene.port)


async def change(scene: Scene, routes: int, version: str, actor: str, reason: str, **more: Any) -> None:
    """Make a change as an operator does."""
    table = {f"customer-{number}": "tier1" for number in range(routes)}
    body = document(version, routingTable=table, **more)
    await post(scene, "apply", body, actor=actor, reason=reason)


async def post(scene: Scene, what: str, body: Any = None, **query: str) -> None:
    """Make a change over HTTP."""
    answer = await treq.post(f"{scene.url}config/{what}", params=query, json=body, persistent=False)
    said = await answer.text()
    if answer.code != 200:
        raise RuntimeError(f"{what}: {answer.code}: {said}")


async def work(reactor: Any, scene: Scene, times: int, stray: int) -> None:
    """Let time pass, in which every data plane has requests and tells of them.

    :param times: how often it tells.
    :param stray: one of so many requests has a key that is not in the table.
    """
    for _ in range(times):
        for number, data_plane in enumerate(scene.data_planes.values(), 3):
            data_plane.work(100 * number, stray, ailing=number in (4, 7))
        await deferLater(reactor, TELLING_S)


async def take(browser: Browser, file: Path, size: tuple[int, int], height: int = 0) -> None:
    """Take a picture of the page.

    :param height: of how much of it; 0 for all.
    """
    await browser.resize(size)
    height = height or await browser.run("return document.documentElement.scrollHeight")
    await browser.resize((size[0], height))
    taken = await browser.command("Page.captureScreenshot", format="png", optimizeForSpeed=False)
    file.write_bytes(b64decode(taken["data"]))
    print(f"{file}: {file.stat().st_size} bytes, {size[0]} x {height}")


async def main(reactor: Any, folder: Path) -> None:
    """Take all pictures."""
    with TemporaryDirectory(prefix="cellrouter-") as scratch:
        scene, browser = Scene(Path(scratch)), Browser()
        try:
            await begin(scene)
            await browser.start()
            await browser.open(scene.url)
            await work(reactor, scene, 9, stray=60)
            await go_on(scene)
            await work(reactor, scene, 5, stray=8)
            await browser.until("#stream", "live")
            await take(browser, folder / "status-page.png", DESK)
            await take(browser, folder / "status-page-phone.png", PHONE, PHONE_HEIGHT)
            for error in await browser.errors():
                print(error)
        finally:
            await browser.stop()
            await scene.stop()


if __name__ == "__main__":
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    react(lambda reactor: ensureDeferred(main(reactor, where)))
