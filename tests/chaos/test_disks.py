"""Disks that are full or may not be written to: neither daemon stops doing its work."""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import treq
from twisted.trial.unittest import SkipTest

from tests.chaos.cases import ChaosTestCase
from tests.chaos.fleet import FIRST
from tests.support.documents import document

IN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
"""Runs a command that can mount for itself what ends with it."""

MOUNTED = 'mkdir -p "$0" && mount -t tmpfs -o "$1" none "$0" && shift && exec "$@"'
DATA_PLANE_DISK = "size=16k"
"""Room for a few small configs."""

CONTROL_PLANE_DISK = "size=256k"
TOO_LARGE = {
    "placements": {
        sha256(bytes([a, b])).hexdigest(): {"url": "http://127.0.0.1:9"}
        for a in range(40)
        for b in range(256)
    }
}
"""Fields of a config that is too large for either, compressed or not."""


class DiskTests(ChaosTestCase):
    """Each daemon has its state on a disk of its own."""

    def setUp(self) -> None:
        super().setUp()
        if shutil.which("unshare") is None or subprocess.run([*IN_NAMESPACE, "true"], check=False).returncode:
            raise SkipTest("namespaces are needed, and there are none for this user")

    def on_disk(self, state: str, options: str) -> tuple[str, ...]:
        """Make a command that runs a daemon with its state on a file system in memory.

        :param state: the name of its state folder.
        :param options: of the mount.
        """
        return (*IN_NAMESPACE, "sh", "-c", MOUNTED, str(self.folder / state), options)

    def saved(self) -> dict[str, Any]:
        """Read the data plane's last-known-good config as it sees it."""
        path = self.folder / "dp" / "last-known-good.json"
        root = Path(f"/proc/{self.fleet.data_plane.pid}/root")
        return json.loads((root / path.relative_to("/")).read_bytes())

    async def start(self, control_plane: tuple[str, ...] = (), data_plane: tuple[str, ...] = ()) -> None:
        """Start a fleet.

        :param control_plane: a command that the control plane is run in.
        :param data_plane: the same for the data plane.
        """
        await self.fleet.start_cells()
        self.fleet.change(FIRST, self.fleet.cells[0])
        await self.fleet.start_control_plane(within=control_plane)
        await self.fleet.start_data_plane(within=data_plane)
        await self.fleet.until_acked(FIRST)

    async def assert_served(self, version: str, cell: str) -> None:
        """Check which config is served, and that requests are routed by it."""
        self.assertEqual((await self.fleet.served())["version"], version)
        self.assertEqual(await self.fleet.ask(), (200, cell))

    async def test_a_config_that_the_data_plane_cannot_save_is_served_and_acked(self) -> None:
        await self.start(data_plane=self.on_disk("dp", DATA_PLANE_DISK))
        self.fleet.change("large", self.fleet.cells[1], **TOO_LARGE)
        await self.fleet.until_acked("large")
        await self.fleet.data_plane.until_logged("error .*cannot be saved.*: No space left on device")
        await self.assert_served("large", self.fleet.cells[1])
        self.assertEqual(self.saved()["version"], FIRST)
        self.fleet.change("small", self.fleet.cells[0])
        await self.fleet.until_acked("small")
        await self.assert_served("small", self.fleet.cells[0])
        self.assertEqual(self.saved()["version"], "small")
        self.assert_no_traceback()

    async def test_a_state_folder_that_may_only_be_read_is_an_error_line(self) -> None:
        await self.start(data_plane=self.on_disk("dp", "ro"))
        await self.fleet.data_plane.until_logged("error .*cannot be saved.*: Read-only file system")
        await self.assert_served(FIRST, self.fleet.cells[0])
        self.assert_no_traceback()

    async def test_a_config_that_the_control_plane_cannot_store_goes_to_nobody(self) -> None:
        await self.start(control_plane=self.on_disk("cp", CONTROL_PLANE_DISK))
        self.fleet.change("large", self.fleet.cells[1], **TOO_LARGE)
        await self.fleet.control_plane.until_logged("the changed config cannot be stored: .* is full")
        await self.assert_served(FIRST, self.fleet.cells[0])
        self.fleet.change("small", self.fleet.cells[1])
        await self.fleet.until_acked("small")
        await self.assert_served("small", self.fleet.cells[1])
        self.assertNotIn(b"Traceback", self.fleet.control_plane.stderr)
        self.assert_no_traceback()

    async def test_an_operator_learns_of_a_full_disk_and_no_revision_is_lost_or_given_out_twice(self) -> None:
        await self.start(control_plane=self.on_disk("cp", CONTROL_PLANE_DISK))
        url = f"{self.fleet.control_plane_url}/config"
        small, large = (json.dumps(document(**fields)).encode() for fields in ({"version": "2"}, TOO_LARGE))
        response = await treq.post(f"{url}/apply", data=large, persistent=False)
        self.assertEqual(response.code, 507)
        self.assertIn("database or disk is full", (await response.json())["detail"])
        await self.assert_served(FIRST, self.fleet.cells[0])
        for number in (2, 3):
            response = await treq.post(f"{url}/apply", data=small, persistent=False)
            self.assertEqual((await response.json())["revision"], 2, number)
        response = await treq.post(f"{url}/rollback?to=1&reason=back", persistent=False)
        self.assertEqual((await response.json())["revision"], 3)
        listed = (await self.fleet.ask_control_plane("/config/versions"))["versions"]
        self.assertEqual([each["revision"] for each in listed], [3, 2, 1])
        self.assertNotIn(b"Traceback", self.fleet.control_plane.stderr)
