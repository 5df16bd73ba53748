"""A real etcd for tests, on loopback, with what a test does to it."""

import base64
import json
import shutil
import socket
from pathlib import Path
from typing import Any

import treq
from twisted.trial.unittest import SkipTest

from tests.support.processes import Child, start

KEY = "cellrouter/routing"


def demand_etcd() -> None:
    """Skip a test where there is no etcd.

    :raises SkipTest: then.
    """
    if shutil.which("etcd") is None:
        raise SkipTest("etcd is not installed (Debian: etcd-server)")


class Etcd:
    """One etcd; whoever starts it stops it.

    :ivar port: where its clients connect to; the same one after each start.

    :param folder: for its data.
    :param options: more options for it.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options
        self._process: Child | None = None

    async def start(self) -> None:
        """Start it, with the data that there are, and wait until it answers."""
        # Its gateway connects to its own port, which therefore cannot be any free one.
        url = f"http://127.0.0.1:{self.port}"
        self._process = start(
            (
                *("etcd", "--data-dir", str(self._folder / "etcd"), "--listen-client-urls", url),
                *("--advertise-client-urls", url, "--listen-peer-urls", "http://127.0.0.1:0"),
                *self._options,
            ),
            self._folder,
        )
        await self._process.until_logged("ready to serve client requests")

    async def stop(self, signal: str = "TERM") -> None:
        """End it; its data stay.

        :param signal: how.
        """
        if self._process is not None:
            await self._process.stop(signal)

    def back_up(self) -> None:
        """Keep its data as they are; it is not running."""
        shutil.copytree(self._folder / "etcd", self._folder / "backup")

    def restore(self) -> None:
        """Go back to the data that were kept; it is not running."""
        self.forget_everything()
        shutil.copytree(self._folder / "backup", self._folder / "etcd")

    def forget_everything(self) -> None:
        """Lose its data, as a disk does."""
        shutil.rmtree(self._folder / "etcd")

    async def put(self, value: bytes, key: str = KEY) -> int:
        """Put a value, as ``etcdctl put`` does.

        :returns: its revision.
        """
        answer = await self.ask("/v3/kv/put", {"key": _encoded(key.encode()), "value": _encoded(value)})
        return int(answer["header"]["revision"])

    async def delete(self, key: str = KEY) -> None:
        """Delete a key."""
        await self.ask("/v3/kv/deleterange", {"key": _encoded(key.encode())})

    async def compact(self, revision: int) -> None:
        """Have it forget what was before a revision."""
        await self.ask("/v3/kv/compaction", {"revision": str(revision), "physical": True})

    async def ask(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        """Send it a message; return its answer, which must not be an error."""
        body = json.dumps(message).encode()
        response = await treq.post(f"http://127.0.0.1:{self.port}{path}", body, persistent=False)
        answer = json.loads(await response.content())
        if response.code != 200:
            raise AssertionError(f"etcd answers {response.code}: {answer}")
        return answer


def free_port() -> int:
    """Find a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
